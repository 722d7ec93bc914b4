// Calls that read files or bytes hear an abort: before they begin, and in the middle.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  createNetwork,
  exportOnnx,
  importOnnx,
  loadCheckpoint,
  loadNetwork,
  loadSafetensors,
  saveCheckpoint,
} from '../../src/index.js';

interface Options {
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
}

const loss = 'softmaxCrossEntropy';
// 3 MB of weights: several pieces.
const network = createNetwork({
  input: [600],
  layers: [{ type: 'dense', units: 600 }, { type: 'tanh' }, { type: 'dense', units: 10 }],
  loss,
});
let [folder, model, checkpoint] = ['', '', ''];
let bytes: Uint8Array = new Uint8Array();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eigenscape-'));
  [model, checkpoint] = [join(folder, 'm.onnx'), join(folder, 'run.safetensors')];
  bytes = await exportOnnx(network);
  await writeFile(model, bytes);
  await saveCheckpoint(checkpoint, { network });
});

afterAll(() => rm(folder, { recursive: true }));

describe.each<readonly [string, (options: Options) => Promise<unknown>]>([
  ['importOnnx of a file', (options) => importOnnx(model, { loss, ...options })],
  ['importOnnx of bytes', (options) => importOnnx(bytes, { loss, ...options })],
  ['loadCheckpoint', (options) => loadCheckpoint(checkpoint, options)],
  ['loadNetwork', (options) => loadNetwork(network.spec, checkpoint, options)],
  ['loadSafetensors', (options) => loadSafetensors(checkpoint, options)],
])('%s', (_, read) => {
  const aborted = { name: 'AbortError', code: 'ERR_ABORTED', cause: 'enough' };

  it('rejects at once where the signal is aborted already', async () => {
    let heard = 0;
    const call = read({
      signal: AbortSignal.abort('enough'),
      onProgress: () => {
        heard += 1;
      },
    });
    await expect(call).rejects.toMatchObject(aborted);
    expect(heard).toBe(0);
  });

  it('rejects in the middle, where its progress was heard', async () => {
    const controller = new AbortController();
    let heard = 0;
    const call = read({
      signal: controller.signal,
      onProgress: () => {
        heard += 1;
        controller.abort('enough');
      },
    });
    await expect(call).rejects.toMatchObject(aborted);
    expect(heard).toBe(1);
  });
});

it('bytes of a model may change as soon as importOnnx has returned', async () => {
  const [own, parameters] = [bytes.slice(), network.parameters()];
  const call = importOnnx(own, { loss });
  own.fill(0);
  const read = (await call).parameters();
  expect(read.every((value, index) => Object.is(value, parameters[index]))).toBe(true);
});
