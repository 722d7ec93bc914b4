import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { createDataset } from '../../src/data/create-dataset.js';
import { cifarImages, mnistImages, shrunken } from '../../src/experiments/image-sets.js';
import { cifarRecords, idxPair } from '../data/stored-files.js';
import { temporaryFiles } from '../data/temporary-files.js';

async function idxFiles(folder: string, prefix: 'train' | 't10k', count: number): Promise<void> {
  const { images, labels } = idxPair(count, 4, 4, 10);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${prefix}-images-idx3-ubyte`), images);
  await writeFile(join(folder, `${prefix}-labels-idx1-ubyte`), labels);
}

describe('images from a folder', () => {
  it('are MNIST’s training images, of the folder itself or of mnist in it', async () => {
    const folder = await temporaryFiles({});
    await idxFiles(join(folder, 'mnist'), 'train', 12);
    await idxFiles(join(folder, 'mnist'), 't10k', 8);
    for (const given of [folder, join(folder, 'mnist')]) {
      const { data, name } = await mnistImages('f4', given, 'float32');
      expect([data.sampleCount, data.inputShape, data.dtype]).toEqual([12, [1, 4, 4], 'float32']);
      expect(name).toBe('MNIST, training images');
    }
  });

  it('are MNIST’s test images where there are no others, and say so', async () => {
    const folder = await temporaryFiles({});
    await idxFiles(folder, 't10k', 8);
    const { data, name } = await mnistImages('f4', folder, 'float64');
    expect([data.sampleCount, name]).toEqual([8, 'MNIST, test images']);
  });

  it('are CIFAR-10’s, as much of it as is there', async () => {
    const folder = await temporaryFiles({});
    await writeFile(join(folder, 'data_batch_1.bin'), cifarRecords(20, 1));
    await writeFile(join(folder, 'test_batch.bin'), cifarRecords(10, 2));
    const { train, test } = await cifarImages('f7', folder, 'float32');
    expect([train.sampleCount, test.sampleCount, train.inputShape]).toEqual([20, 10, [3, 32, 32]]);
  });

  it('are missed by the names of the folders that were looked in', async () => {
    const folder = await temporaryFiles({});
    await expect(mnistImages('f4', folder, 'float64')).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining(join(folder, 'MNIST', 'raw')) as unknown,
    });
    await expect(cifarImages('f7', undefined, 'float64')).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining('--data-dir') as unknown,
    });
  });
});

describe('shrunken images', () => {
  it('are averages over squares, channel by channel; what is left over is dropped', () => {
    const inputs = Float64Array.from({ length: 2 * 2 * 5 * 4 }, (_, i) => i);
    const data = createDataset({ inputs, targets: [0, 1], inputShape: [2, 5, 4] });
    const small = shrunken(data, 2);
    expect(small.inputShape).toEqual([2, 2, 2]);
    expect(Array.from(small.inputs()).slice(0, 8)).toEqual([
      2.5, 4.5, 10.5, 12.5, 22.5, 24.5, 30.5, 32.5,
    ]);
    expect(Array.from(small.targets())).toEqual([0, 1]);
  });

  it('are the same images where these are small enough', () => {
    const data = createDataset({ inputs: [[1, 2, 3, 4]], targets: [0], inputShape: [1, 2, 2] });
    expect(shrunken(data, 2)).toBe(data);
  });
});
