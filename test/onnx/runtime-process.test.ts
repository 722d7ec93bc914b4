// The process in which ONNX Runtime runs: how it ends, and that nothing waits for it. Stand-ins for the package
// onnxruntime-node, which the process loads in its place, stay in a call for as long as a test needs.

import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { compareWithOnnxRuntime, createNetwork } from '../../src/index.js';
import { temporaryFile } from '../data/temporary-files.js';
import { int64Tensor, modelBytes, node } from './model-builder.js';

const library = new URL('../../dist/index.js', import.meta.url).href;
const network = createNetwork(
  { input: [3], layers: [{ type: 'dense', units: 2 }], loss: 'meanSquaredError' },
  { seed: 1 },
);

afterEach(() => {
  vi.unstubAllEnvs();
});

const dataUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;

/** What NODE_OPTIONS has to be for `code` to be the package. */
function standIn(code: string): string {
  const hook = `export const resolve = (name, context, next) =>
    name === 'onnxruntime-node' ? { url: ${JSON.stringify(dataUrl(code))}, shortCircuit: true } : next(name, context);`;
  const program = `import { register } from 'node:module'; register(${JSON.stringify(dataUrl(hook))});`;
  return `--import=${dataUrl(program)}`;
}

/** A package whose functions run the code given, having left the id of their process in a file. */
async function busyRuntime(create: string, run = '') {
  const file = await temporaryFile('process-id', '');
  const told = `writeFileSync(${JSON.stringify(file)}, String(process.pid));`;
  const code = `import { writeFileSync } from 'node:fs';
    export class Tensor {}
    export const InferenceSession = {
      create: async () => { ${create === '' ? '' : told} ${create}; return { run: async () => { ${told} ${run} } }; },
    };`;
  return { options: standIn(code), file };
}

/** The id that a stand-in leaves, once it is in its call. */
async function processIn(file: string): Promise<number> {
  return vi.waitFor(
    async () => {
      const text = await readFile(file, 'utf8');
      expect(text).not.toBe('');
      return Number(text);
    },
    { timeout: 20_000, interval: 10 },
  );
}

/** Until no process has this id. */
async function end(id: number): Promise<void> {
  await vi.waitFor(
    () => {
      expect(() => process.kill(id, 0)).toThrow('ESRCH');
    },
    { timeout: 20_000, interval: 10 },
  );
}

const forEver = 'for (;;);';
const waiting = 'await new Promise(() => setInterval(() => undefined, 1000))';

describe('an abort', () => {
  it.each([
    ['opens', forEver, ''],
    ['runs', '', forEver],
  ])('rejects and ends the process while ONNX Runtime %s a model', async (_, create, run) => {
    const { options, file } = await busyRuntime(create, run);
    vi.stubEnv('NODE_OPTIONS', options);
    const controller = new AbortController();
    const call = compareWithOnnxRuntime(network, { signal: controller.signal });
    const rejected = expect(call).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
    const id = await processIn(file);
    controller.abort('enough');
    await rejected;
    await end(id);
  });

  it.each([0, 5, 20, 60])('after %i ms rejects a comparison with many samples', async (after) => {
    const signal = AbortSignal.timeout(after);
    await expect(
      compareWithOnnxRuntime(network, { samples: 2_000_000, signal }),
    ).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  });
});

describe('what is told of a process', () => {
  it.each([
    ['is killed', "process.kill(process.pid, 'SIGKILL')", 'ended by SIGKILL'],
    ['exits', 'process.exit(7)', 'ended by exit code 7'],
  ])('that %s', async (_, code, reason) => {
    vi.stubEnv('NODE_OPTIONS', standIn(code));
    await expect(compareWithOnnxRuntime(network)).rejects.toMatchObject({
      code: 'ERR_ONNX_RUNTIME',
      message: `compareWithOnnxRuntime: the process of ONNX Runtime ${reason}`,
      details: { call: 'compareWithOnnxRuntime', reason },
    });
  });

  it('that cannot be started', async () => {
    const { execPath } = process;
    process.execPath = '/nowhere/node';
    try {
      await expect(compareWithOnnxRuntime(network)).rejects.toMatchObject({
        code: 'ERR_ONNX_RUNTIME',
        message:
          'compareWithOnnxRuntime: the process of ONNX Runtime cannot be started (spawn /nowhere/node ENOENT)',
      });
    } finally {
      process.execPath = execPath;
    }
  });

  it('that cannot be started for want of open files', () => {
    const code = `
      import { openSync } from 'node:fs';
      import { compareWithOnnxRuntime, createNetwork, exportOnnx } from ${JSON.stringify(library)};
      const network = createNetwork({ input: [3], layers: [{ type: 'dense', units: 2 }], loss: 'meanSquaredError' });
      const model = await exportOnnx(network);
      await compareWithOnnxRuntime(network, { model });
      try { for (;;) openSync('/dev/null'); } catch {}
      await compareWithOnnxRuntime(network, { model }).catch((error) => console.log(error.code, error.message));`;
    const command = `ulimit -n 100 && exec "$0" --input-type=module --eval "$1"`;
    const { stdout } = spawnSync('/bin/sh', ['-c', command, process.execPath, code], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(stdout).toMatch(/^ERR_ONNX_RUNTIME .* cannot be started \(spawn .* EMFILE\)\n$/);
  });

  it('whose package is absent, or cannot be loaded', async () => {
    const failing = (message: string, code: string) =>
      standIn(`throw Object.assign(new Error('${message}'), { code: '${code}' })`);
    vi.stubEnv('NODE_OPTIONS', failing('Cannot find package', 'ERR_MODULE_NOT_FOUND'));
    await expect(compareWithOnnxRuntime(network)).rejects.toMatchObject({
      code: 'ERR_ONNX_RUNTIME',
      message:
        'compareWithOnnxRuntime: onnxruntime-node is not installed; to have it: npm install onnxruntime-node',
      details: { package: 'onnxruntime-node', reason: 'is not installed' },
      cause: { message: 'Cannot find package' },
    });
    vi.stubEnv('NODE_OPTIONS', failing('no such library', 'ERR_DLOPEN_FAILED'));
    await expect(compareWithOnnxRuntime(network)).rejects.toMatchObject({
      code: 'ERR_ONNX_RUNTIME',
      message: expect.stringContaining('cannot be loaded (no such library); to have it') as unknown,
    });
  });

  it('whose model fails in a run', async () => {
    const model = modelBytes({
      nodes: [node('Reshape', ['x', 'shape'], 'y')],
      inputs: { x: ['N', 3] },
      tensors: { shape: int64Tensor([2], [7, 2]) },
    });
    await expect(compareWithOnnxRuntime(network, { model })).rejects.toMatchObject({
      code: 'ERR_ONNX_RUNTIME',
      message: expect.stringContaining('ONNX Runtime cannot run the model: ') as unknown,
      details: { step: 'run' },
    });
  });
});

it('takes inputs of more than 2 GiB', async () => {
  // Nothing is sent: what is asked for is checked by Node, and counts as read. That the model reads other samples is
  // found thereafter.
  const reading = `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
    const { openSync, readSync } = fs;
    const nothing = openSync('/dev/null');
    fs.readSync = (_, array, offset, length, position) => {
      readSync(nothing, array, offset, length, position);
      return length;
    };
    syncBuiltinESMExports();`;
  const child = fork(
    fileURLToPath(new URL('../../dist/onnx/runtime-process.js', import.meta.url)),
    {
      execArgv: [`--import=${dataUrl(reading)}`],
      serialization: 'advanced',
      stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
    },
  );
  const ended = once(child, 'exit').then(([code]: unknown[]) => [{ kind: 'exit', code }]);
  child.send({
    model: 'none.onnx',
    inputs: { dtype: 'float64', length: 2 ** 28 + 1 },
    signature: { input: { name: 'x', dtype: 'float64', shape: [undefined, 3] }, output: 'y' },
    sampleCount: 1,
    sampleShape: [3],
    outputCount: 2,
  });
  const [report] = (await Promise.race([once(child, 'message'), ended])) as unknown[];
  child.kill('SIGKILL');
  expect(report).toMatchObject({ kind: 'failure', code: 'ERR_SHAPE' });
});

describe('the process of the caller', () => {
  const program = (rest: string) => `
    import { compareWithOnnxRuntime, createNetwork } from ${JSON.stringify(library)};
    const network = createNetwork({ input: [3], layers: [{ type: 'dense', units: 2 }], loss: 'meanSquaredError' });
    ${rest}`;
  const run = (rest: string, options = '') =>
    spawnSync(process.execPath, ['--input-type=module', '--eval', program(rest)], {
      encoding: 'utf8',
      timeout: 20_000,
      env: { ...process.env, NODE_OPTIONS: options },
    });

  it('ends by itself behind a comparison', () => {
    const { status, stdout } = run(`
      const { maximumDifference } = await compareWithOnnxRuntime(network);
      console.log(maximumDifference < 1e-6);`);
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'true\n' });
  });

  it('ends by itself behind an abort and behind an error', async () => {
    const { options } = await busyRuntime(forEver);
    const { status, stdout } = run(
      `
      const signal = AbortSignal.timeout(300);
      await compareWithOnnxRuntime(network, { signal }).catch(({ code }) => console.log(code));`,
      options,
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'ERR_ABORTED\n' });
    const refusal = `await compareWithOnnxRuntime(network).catch(({ code }) => console.log(code));`;
    expect(run(refusal, standIn('throw new Error()'))).toMatchObject({
      status: 0,
      stdout: 'ERR_ONNX_RUNTIME\n',
    });
  });

  it.each([
    ['exits', 'process.exit(5)', { status: 5, signal: null }],
    ['is killed', "process.kill(process.pid, 'SIGKILL')", { status: null, signal: 'SIGKILL' }],
  ])('leaves no other behind when it %s meanwhile', async (_, how, expected) => {
    const { options, file } = await busyRuntime(waiting);
    const ended = run(
      `
      import { readFileSync } from 'node:fs';
      setInterval(() => { if (readFileSync(${JSON.stringify(file)}, 'utf8') !== '') ${how}; }, 10);
      await compareWithOnnxRuntime(network);`,
      options,
    );
    expect(ended).toMatchObject(expected);
    await end(await processIn(file));
  });
});
