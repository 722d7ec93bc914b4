// The codes of errors: the union, the page that documents them, and a call that throws each.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';

import {
  EigenscapeError,
  compareWithOnnxRuntime,
  createNetwork,
  digits,
  eigenvalues,
  errorCodes,
  exportOnnx,
  importOnnx,
  isEigenscapeError,
  loadNpy,
  sgd,
  spectrum,
  train,
  writeReport,
} from '../../src/index.js';
import type { EigenscapeErrorCode } from '../../src/index.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(path.join(root, 'docs/errors.md'), 'utf8');
const folder = mkdtempSync(path.join(tmpdir(), 'eigenscape-errors-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => [section.split('\n', 1)[0], section]),
);

const data = digits().take(10);
const small = () =>
  createNetwork(
    { input: [64], layers: [{ type: 'dense', units: 10 }], loss: 'softmaxCrossEntropy' },
    { seed: 1 },
  );

/** The package without what was built: the code and the message of what it throws then. */
function withoutAddon(program: string): string {
  const copy = mkdtempSync(path.join(folder, 'copy-'));
  cpSync(path.join(root, 'dist'), path.join(copy, 'dist'), {
    recursive: true,
    filter: (name) => !name.includes('vendor'),
  });
  cpSync(path.join(root, 'package.json'), path.join(copy, 'package.json'));
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  const script = `
    const library = await import(${JSON.stringify(path.join(copy, 'dist/index.js'))});
    try { ${program} } catch (error) { console.log(JSON.stringify({ ...error, message: error.message })); }`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
}

function parsedError(text: string): EigenscapeError {
  const { code, message, details } = JSON.parse(text) as EigenscapeError;
  return new EigenscapeError(code, message, { details });
}

/** A call that fails with the code. */
const failing: Readonly<Record<EigenscapeErrorCode, () => unknown>> = {
  ERR_SHAPE: () => {
    small().setParameters([1, 2, 3]);
  },
  ERR_SPEC: () => createNetwork({ input: [0], layers: [], loss: 'meanSquaredError' }),
  ERR_DATA: () => loadNpy(path.join(folder, 'absent.npy')),
  ERR_FILE: async () => {
    const result = await spectrum(small(), data, { terms: ['hessian'] });
    await writeReport(result, folder);
  },
  ERR_MEMORY: () => eigenvalues({ size: 5_000_000, apply: (vectors: Float64Array) => vectors }),
  ERR_NUMERIC: () =>
    eigenvalues({
      size: 2,
      toDense: () => Float64Array.of(1, 2, 3, 4),
      apply: (vectors: Float64Array) => vectors,
    }),
  ERR_ABORTED: () => small().loss(data, { signal: AbortSignal.abort('enough') }),
  ERR_BUSY: async () => {
    const network = small();
    const plan = { optimizer: sgd({ learningRate: 0.1 }), batchSize: 5, steps: 2000 } as const;
    const training = train(network, data, plan);
    try {
      network.setParameters(network.parameters());
    } finally {
      await training;
    }
  },
  ERR_DISPOSED: () => {
    const network = small();
    network[Symbol.dispose]();
    return network.loss(data);
  },
  ERR_ONNX_INVALID: () => importOnnx(Uint8Array.of(1, 2, 3), { loss: 'meanSquaredError' }),
  ERR_ONNX_UNSUPPORTED: () =>
    exportOnnx(
      createNetwork({
        input: [1, 8, 8],
        layers: [
          { type: 'maxPool2d', size: 2, dilation: 3, padding: 2 },
          { type: 'flatten' },
          { type: 'dense', units: 1 },
        ],
        loss: 'meanSquaredError',
      }),
    ),
  ERR_ONNX_RUNTIME: async () => {
    const network = createNetwork({
      input: [1],
      layers: [{ type: 'dense', units: 1 }, { type: 'gelu' }],
      loss: 'meanSquaredError',
    });
    // ONNX Runtime has no gelu of float64.
    const model = await exportOnnx(network, { dtype: 'float64' });
    await compareWithOnnxRuntime(network, { model });
  },
  ERR_ADDON: () => {
    throw parsedError(withoutAddon('library.machineInfo()'));
  },
  ERR_INTERNAL: () => {
    const chart = `{ kind: 'eigenvalues', title: 'one', series: [{ name: 'H', eigenvalues: [1] }] }`;
    throw parsedError(withoutAddon(`await library.renderChart(${chart}, { format: 'svg' })`));
  },
};

async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('error codes', () => {
  it('have a section on the page each, and the page has no other', () => {
    expect([...sections.keys()].sort()).toEqual([...errorCodes].sort());
  });

  it.each(errorCodes)('%s has a cause and a cure on the page', (code) => {
    expect(sections.get(code)).toMatch(/^- \*\*Cause\.\*\* \S.*\n(.*\n)*?- \*\*Cure\.\*\* \S/m);
  });

  it.each(errorCodes)('%s is thrown by a call, with facts as data', async (code) => {
    const error = await errorOf(failing[code]);
    expect(error).toBeInstanceOf(EigenscapeError);
    expect(error).toMatchObject({ code });
    const { details, message } = error as EigenscapeError;
    expect(message.length).toBeGreaterThan(15);
    if (code !== 'ERR_ABORTED') expect(Object.keys(details)).not.toEqual([]);
  });

  it('are what the sources throw: each code somewhere, and details with each error', () => {
    const thrown = new Set<string>();
    const bare: string[] = [];
    for (const file of readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file === 'errors.ts') continue;
      const text = readFileSync(path.join(root, 'src', file), 'utf8');
      for (const code of errorCodes) if (text.includes(`'${code}'`)) thrown.add(code);
      const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
      const visit = (node: ts.Node): void => {
        if (ts.isNewExpression(node) && node.expression.getText() === 'EigenscapeError') {
          const [code, , options] = node.arguments ?? [];
          const said = code?.getText() ?? '';
          // An abort has a reason and no facts; code that is not spelt out passes another error on.
          const needs = said.startsWith("'ERR_") && said !== "'ERR_ABORTED'";
          if (needs && options?.getText().includes('details') !== true)
            bare.push(`${file}: ${said}`);
        }
        ts.forEachChild(node, visit);
      };
      visit(source);
    }
    expect(bare).toEqual([]);
    expect([...thrown].sort()).toEqual([...errorCodes].sort());
  });
});

describe('isEigenscapeError', () => {
  const error: unknown = new EigenscapeError('ERR_MEMORY', 'too large', { details: { bytes: 1 } });

  it('knows errors of the library, those of a second copy too, and no others', () => {
    const copied = Object.assign(new Error('too large'), {
      name: 'EigenscapeError',
      code: 'ERR_MEMORY',
      details: {},
    });
    expect(
      [error, copied, new Error('x'), null, 'ERR_MEMORY'].map((e) => isEigenscapeError(e)),
    ).toEqual([true, true, false, false, false]);
    const ofNode = Object.assign(new Error('no such file'), { code: 'ERR_INVALID_ARG_TYPE' });
    expect(isEigenscapeError(ofNode)).toBe(false);
  });

  it('asks for one code, and narrows to it', () => {
    expect(isEigenscapeError(error, 'ERR_SHAPE')).toBe(false);
    if (!isEigenscapeError(error, 'ERR_MEMORY')) throw new Error('it is one');
    const code: 'ERR_MEMORY' = error.code;
    expect([code, error.details.bytes]).toEqual(['ERR_MEMORY', 1]);
  });
});

describe('causes', () => {
  it('of files, functions and signals are kept', async () => {
    const reason = new Error('the user left');
    const aborted = await errorOf(() => small().loss(data, { signal: AbortSignal.abort(reason) }));
    expect(aborted).toMatchObject({ name: 'AbortError', cause: reason });
    expect(await errorOf(failing.ERR_FILE)).toMatchObject({ cause: { code: 'EISDIR' } });
    expect(await errorOf(failing.ERR_ONNX_RUNTIME)).toHaveProperty('cause.message');
    expect(await errorOf(failing.ERR_DATA)).toMatchObject({ cause: { code: 'ENOENT' } });
  });
});
