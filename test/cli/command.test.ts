import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type {
  DenseTermSpectrum,
  DensityTermSpectrum,
  LanczosTermSpectrum,
  SpectrumEstimate,
  SpectrumJson,
} from '../../src/index.js';
import { run } from './memory-io.js';
import { type ModelFiles, modelFiles } from './model-files.js';

let folder = '';
let model: ModelFiles;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eigenscape-cli-'));
  model = await modelFiles(folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const spectrumOf = ({ onnx, inputs, targets }: ModelFiles): string[] =>
  ['spectrum', '--onnx', onnx, '--inputs', inputs, '--targets', targets].concat(
    '--loss',
    'softmax-cross-entropy',
  );

/** The line that a run begins with: the way it takes, the bytes planned, and why. */
const plan: unknown = expect.stringMatching(
  /^eigenscape: plan: dense, [\d.]+ .?B of [\d.]+ .?B that are free, .*FLOP, about .*s \(.*\)\n$/,
);

interface Json {
  readonly version: number;
  readonly loss: number;
  readonly terms: Readonly<Record<string, { readonly eigenvalues: readonly number[] }>>;
}

describe('eigenscape spectrum', () => {
  it('writes the result as JSON: PyTorch’s eigenvalues, ascending, under the terms’ names', async () => {
    const terms = ['--terms', 'hessian,gauss-newton,empirical-fisher'];
    const { status, stdout, stderr } = await run([...spectrumOf(model), ...terms, '--json', '-']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: plan });
    const json = JSON.parse(stdout) as Json;
    expect(json.version).toBe(1);
    expect(json.loss).toBeCloseTo(model.loss, 12);
    expect(Object.keys(json.terms)).toEqual(['hessian', 'gaussNewton', 'empiricalFisher']);
    const { eigenvalues = [] } = json.terms.hessian ?? {};
    expect(eigenvalues).toHaveLength(model.hessian.length);
    // n·ε·‖H‖ with n ≈ 60 and ‖H‖ ≈ 3
    model.hessian.forEach((value, i) => {
      expect(Math.abs((eigenvalues[i] ?? NaN) - value)).toBeLessThan(1e-12);
    });
  });

  it('prints a chart and a table, and writes the files it was asked for', async () => {
    const json = join(folder, 'new', 'out.json');
    const report = join(folder, 'new', 'out.html');
    const files = ['--json', json, '--report', report];
    const { status, stdout } = await run([...spectrumOf(model), ...files]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/largest eigenvalue +\S/);
    expect(stdout).toContain(`written: ${json}`);
    const written = JSON.parse(await readFile(json, 'utf8')) as Json;
    expect(Object.keys(written.terms)).toEqual(['hessian', 'gaussNewton', 'residual']);
    expect((await readFile(report, 'utf8')).startsWith('<!doctype html>')).toBe(true);
  });

  it('writes CSV that holds the bits of the JSON, alone on standard output', async () => {
    const json = join(folder, 'same.json');
    const csv = [...spectrumOf(model), '--terms', 'hessian,residual', '--json', json, '--csv', '-'];
    const { status, stdout, stderr } = await run(csv);
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringContaining(`written: ${json}`) as unknown,
    });
    const [header, ...lines] = stdout.trimEnd().split('\n');
    expect(header).toBe('term,method,index,value,residualNorm,weight');
    const { terms } = JSON.parse(await readFile(json, 'utf8')) as Json;
    const expected = Object.entries(terms).flatMap(([term, { eigenvalues }]) =>
      eigenvalues.map((value, i) => `${term},dense,${i},${value},,`),
    );
    expect(lines).toEqual(expected);
  });

  it('refuses one file for two results', async () => {
    const both = await run([...spectrumOf(model), '--json', 'a', '--csv', 'a']);
    expect(both.status).toBe(2);
    expect(both.stderr).toContain('--json and --csv are both a; expected two files');
  });

  it('hands the options of the loss on', async () => {
    const loss = async (...options: string[]): Promise<number> => {
      const argv = [...spectrumOf(model), '--terms', 'hessian', '--json', '-', ...options];
      const { stdout, stderr } = await run(argv);
      expect(stderr).toEqual(plan);
      return (JSON.parse(stdout) as Json).loss;
    };
    const plain = await loss();
    expect(await loss('--label-smoothing', '0.2')).not.toBeCloseTo(plain, 6);
    expect(await loss('--class-weights', '1,2,3')).not.toBeCloseTo(plain, 6);
    expect(await loss('--ignore-index', '0')).not.toBeCloseTo(plain, 6);
    expect(await loss('--threads', '1', '--method', 'dense')).toBe(plain);
    expect(await loss('--dtype', 'float32')).toBeCloseTo(plain, 5);
  });
});

describe('the matrix asked for', () => {
  it('is the block of --layers', async () => {
    const argv = [...spectrumOf(model), '--terms', 'hessian', '--layers', '*.bias', '--json', '-'];
    const { stdout, stderr } = await run(argv);
    expect(stderr).toEqual(plan);
    const json = JSON.parse(stdout) as Json & Pick<SpectrumJson, 'parameters' | 'parameterCount'>;
    expect(json.parameters?.length).toBeGreaterThan(0);
    expect(json.parameters?.every((name) => name.endsWith('.bias'))).toBe(true);
    expect(json.terms.hessian?.eigenvalues).toHaveLength(json.parameterCount);
    expect(json.parameterCount).toBeLessThan(model.hessian.length);
  });

  it('states --weight-decay apart, in print and as JSON', async () => {
    const argv = [...spectrumOf(model), '--terms', 'hessian', '--weight-decay', '0.25'];
    const times = String(model.hessian.length);
    const text = new RegExp(`weight decay apart: eigenvalue 0\\.25, ${times} times; penalty \\S`);
    expect((await run(argv)).stdout).toMatch(text);
    const { stdout } = await run([...argv, '--json', '-']);
    const { weightDecay, terms } = JSON.parse(stdout) as SpectrumJson<'hessian', DenseTermSpectrum>;
    expect(weightDecay).toMatchObject({ eigenvalue: 0.25, multiplicity: model.hessian.length });
    const { eigenvalues } = terms.hessian;
    expect(Math.abs((eigenvalues[0] ?? NaN) - (model.hessian[0] ?? NaN))).toBeLessThan(1e-12);
  });
});

describe('spectra without the matrix', () => {
  it('finds the ends, a residual norm beside each, in print and as JSON', async () => {
    const argv = [...spectrumOf(model), '--terms', 'hessian', '--method', 'lanczos'];
    argv.push('--largest', '3', '--smallest', '2');
    expect((await run(argv)).stdout).toMatch(/residual/);
    const lines = (await run([...argv, '--csv', '-'])).stdout.trimEnd().split('\n').slice(1);
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^hessian,lanczos,0,-?[\d.e-]+,[\d.e-]+,$/);
    const { stdout } = await run([...argv, '--json', '-']);
    const { terms } = JSON.parse(stdout) as SpectrumJson<'hessian', LanczosTermSpectrum>;
    const { eigenvalues, residualNorms } = terms.hessian;
    const wanted = [...model.hessian.slice(0, 2), ...model.hessian.slice(-3)];
    expect(eigenvalues).toHaveLength(5);
    const scale = Math.max(...wanted.map(Math.abs));
    for (const [index, value] of eigenvalues.entries()) {
      const error = Math.abs(value - (wanted[index] ?? NaN));
      expect(error).toBeLessThan((residualNorms[index] ?? NaN) + 1e-10 * scale);
    }
  });

  it('gives a density only where it is asked for', async () => {
    const argv = [...spectrumOf(model), '--terms', 'hessian', '--method', 'density'];
    argv.push('--steps', '20', '--probes', '4');
    expect((await run(argv)).stdout).toMatch(/density of H/);
    const { stdout } = await run([...argv, '--json', '-']);
    const { terms } = JSON.parse(stdout) as SpectrumJson<'hessian', DensityTermSpectrum>;
    const mass = terms.hessian.weights.reduce((sum, weight) => sum + weight, 0);
    expect(mass).toBeCloseTo(1, 12);
  });
});

describe('a dry run', () => {
  const files = ['--json', 'nowhere/out.json', '--report', 'nowhere/out.html'];

  it('prints work, memory and time of each way, and computes and writes nothing', async () => {
    const { status, stdout, stderr } = await run([...spectrumOf(model), ...files, '--dry-run']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^would take dense +the dense matrix of order \d+ /);
    for (const method of ['dense', 'lanczos', 'density']) {
      expect(stdout).toMatch(
        new RegExp(`^${method} +\\d\\S* .?FLOP +\\S+ .?B +\\S+ m?s +yes`, 'm'),
      );
    }
    expect(stdout).toMatch(/^eigenvalues +\S+ .?FLOP/m);
    expect(stdout).not.toMatch(/largest eigenvalue/);
    expect(existsSync('nowhere')).toBe(false);
  });

  it('is JSON where that is asked for, of the method that is asked for', async () => {
    const ends = ['--method', 'lanczos', '--largest', '3', '--json', '-'];
    const { stdout } = await run([...spectrumOf(model), ...ends, '--dry-run']);
    const found = JSON.parse(stdout) as SpectrumEstimate;
    expect(found).toMatchObject({ method: 'lanczos', reason: 'as asked', fits: true });
    expect(found.stages.map(({ stage }) => stage)).toEqual(['products', 'orthogonalization']);
    expect(found.parameterCount).toBe(model.hessian.length);
  });

  it('still refuses bad input', async () => {
    const argv = [...spectrumOf({ ...model, onnx: 'absent.onnx' }), '--dry-run'];
    expect((await run(argv)).status).toBe(2);
  });
});

describe('bad input is one line on stderr and status 2', () => {
  const cases: readonly (readonly [string, (files: ModelFiles) => string[], RegExp])[] = [
    ['an unknown command', () => ['spectra'], /unknown command 'spectra'/],
    ['an unknown option', (m) => [...spectrumOf(m), '--what'], /unknown option '--what'/],
    ['an absent option', () => ['spectrum', '--onnx', 'm.onnx'], /--inputs/],
    ['an unknown term', (m) => [...spectrumOf(m), '--terms', 'fisher'], /gauss-newton/],
    ['an unknown layer', (m) => [...spectrumOf(m), '--layers', 'x'], /"x" is no layer or tensor/],
    ['no layer', (m) => [...spectrumOf(m), '--layers', 'a,,b'], /names separated by commas/],
    ['a negative decay', (m) => [...spectrumOf(m), '--weight-decay', '-1'], /number of at least 0/],
    ['a bad number', (m) => [...spectrumOf(m), '--threads', '0'], /integer of at least 1/],
    ['a superfluous argument', (m) => [...spectrumOf(m), 'more'], /too many arguments/],
    ['an unknown experiment', () => ['reproduce', 'f99'], /'f99' is unknown; there are f1/],
    ['an absent model', (m) => spectrumOf({ ...m, onnx: 'absent.onnx' }), /absent\.onnx/],
    ['absent inputs', (m) => spectrumOf({ ...m, inputs: 'absent.npy' }), /absent\.npy/],
    ['a damaged model', (m) => spectrumOf({ ...m, onnx: m.inputs }), /x\.npy/],
    ['targets that do not fit', (m) => spectrumOf({ ...m, targets: m.inputs }), /target/i],
    [
      'a file as a folder',
      (m) => [...spectrumOf(m), '--json', `${m.inputs}/j.json`],
      /is no folder/,
    ],
    ['a file as results’ folder', (m) => ['reproduce', 'f1', '--out', m.inputs], /is no folder/],
    ['a device as inputs', (m) => spectrumOf({ ...m, inputs: '/dev/zero' }), /is a device/],
    ['a folder as output', (m) => [...spectrumOf(m), '--json', '.'], /is a folder/],
    [
      'an option of another loss',
      (m) => [...spectrumOf(m), '--loss', 'mean-squared-error', '--label-smoothing', '0.1'],
      /--label-smoothing.*softmax-cross-entropy/,
    ],
  ];

  it.each(cases)('%s', async (_, argv, expected) => {
    const { status, stdout, stderr } = await run(argv(model));
    expect(stderr).toMatch(/^eigenscape: [^\n]+\n$/);
    expect(stderr).toMatch(expected);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  it('an npy file cut short', async () => {
    const cut = join(folder, 'cut.npy');
    await writeFile(cut, (await readFile(model.inputs)).subarray(0, 100));
    const { status, stderr } = await run(spectrumOf({ ...model, inputs: cut }));
    expect(stderr).toMatch(/^eigenscape: [^\n]*cut\.npy[^\n]+\n$/);
    expect(status).toBe(2);
  });
});

describe('an interruption', () => {
  it('gives status 130 and one line', async () => {
    const signal = AbortSignal.abort();
    const { status, stdout, stderr } = await run(spectrumOf(model), { signal });
    expect({ status, stdout, stderr }).toEqual({
      status: 130,
      stdout: '',
      stderr: 'eigenscape: interrupted\n',
    });
  });
});

describe('eigenscape info', () => {
  it('says what computes here, as text and as JSON', async () => {
    const { status, stdout } = await run(['info']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^eigenscape +\d+\.\d+\.\d+$/m);
    expect(stdout).toMatch(/^kernel +\S/m);
    const info = JSON.parse((await run(['info', '--json'])).stdout) as Record<string, unknown>;
    expect(info).toMatchObject({
      node: process.version,
      addon: { threads: expect.any(Number) as number },
    });
  });
});

describe('help and version', () => {
  it('go to stdout with status 0', async () => {
    for (const argv of [['--help'], ['spectrum', '--help'], []]) {
      const { status, stdout, stderr } = await run(argv);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toContain('Usage: eigenscape');
    }
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('give examples of every command that begin with its name', async () => {
    for (const name of ['spectrum', 'reproduce', 'info', 'build', 'completion']) {
      const { stdout } = await run([name, '--help']);
      expect(stdout).toContain(`Examples:\n  # `);
      expect(stdout).toContain(`\n  eigenscape ${name}`);
    }
  });

  it('say that float64 is the default whatever the file stores', async () => {
    const { stdout } = await run(['spectrum', '--help']);
    expect(stdout.replace(/\s+/g, ' ')).toContain('float64 whatever the file stores');
  });
});
