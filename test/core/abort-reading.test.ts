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
  loadCifar10,
  loadCsv,
  loadIdx,
  loadMnist,
  loadNetwork,
  loadNpy,
  loadSafetensors,
  saveCheckpoint,
} from '../../src/index.js';
import type { Progress } from '../../src/index.js';
import { bytesOf, cifarRecords, idxPair, npyFile } from '../data/stored-files.js';

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
  await writeData();
});

/** Several pieces of each. */
async function writeData(): Promise<void> {
  const { images, labels } = idxPair(300, 28, 28, 10);
  for (const part of ['train', 't10k']) {
    await writeFile(join(folder, `${part}-images-idx3-ubyte`), images);
    await writeFile(join(folder, `${part}-labels-idx1-ubyte`), labels);
  }
  await writeFile(join(folder, 'data_batch_1.bin'), cifarRecords(70, 1));
  await writeFile(join(folder, 'test_batch.bin'), cifarRecords(70, 1));
  const values = Float64Array.from({ length: 50_000 }, (_, i) => Math.sin(i));
  await writeFile(join(folder, 'x.npy'), npyFile('<f8', [50_000], bytesOf(values)));
  await writeFile(join(folder, 'x.csv'), Array.from(values, (x) => `${x},1`).join('\n'));
}

const at = (name: string): string => join(folder, name);

afterAll(() => rm(folder, { recursive: true }));

describe.each<readonly [string, (options: Options) => Promise<unknown>]>([
  ['importOnnx of a file', (options) => importOnnx(model, { loss, ...options })],
  ['importOnnx of bytes', (options) => importOnnx(bytes, { loss, ...options })],
  ['loadCheckpoint', (options) => loadCheckpoint(checkpoint, options)],
  ['loadNetwork', (options) => loadNetwork(network.spec, checkpoint, options)],
  ['loadSafetensors', (options) => loadSafetensors(checkpoint, options)],
  ['loadMnist', (options) => loadMnist(folder, options)],
  [
    'loadIdx',
    (options) => loadIdx(at('train-images-idx3-ubyte'), at('train-labels-idx1-ubyte'), options),
  ],
  ['loadCifar10', (options) => loadCifar10(folder, options)],
  ['loadNpy', (options) => loadNpy(at('x.npy'), options)],
  ['loadCsv', (options) => loadCsv(at('x.csv'), { target: 1, ...options })],
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

  it('lets the event loop turn between its pieces, so that an abort comes through', async () => {
    const controller = new AbortController();
    const call = read({
      signal: controller.signal,
      onProgress: () => {
        setImmediate(() => {
          controller.abort('enough');
        });
      },
    });
    await expect(call).rejects.toMatchObject(aborted);
  });
});

describe.each<readonly [string, (onProgress: (progress: Progress) => void) => Promise<unknown>]>([
  ['loadMnist', (onProgress) => loadMnist(folder, { split: 'test', onProgress })],
  ['loadCifar10', (onProgress) => loadCifar10(folder, { split: 'train', onProgress })],
  ['loadNpy', (onProgress) => loadNpy(at('x.npy'), { onProgress })],
  ['loadCsv', (onProgress) => loadCsv(at('x.csv'), { target: 1, onProgress })],
])('%s', (_, read) => {
  it('tells of its progress, and of its end', async () => {
    const told: Progress[] = [];
    await read((progress) => told.push(progress));
    const [first, last] = [told[0], told.at(-1)];
    expect(told.length).toBeGreaterThan(1);
    expect(first?.done).toBeLessThan(first?.total ?? 0);
    expect(last?.done).toBe(last?.total);
    expect(last?.secondsLeft).toBe(0);
  });
});

it('bytes of a model may change as soon as importOnnx has returned', async () => {
  const [own, parameters] = [bytes.slice(), network.parameters()];
  const call = importOnnx(own, { loss });
  own.fill(0);
  const read = (await call).parameters();
  expect(read.every((value, index) => Object.is(value, parameters[index]))).toBe(true);
});
