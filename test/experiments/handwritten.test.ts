import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { handwritten } from '../../src/experiments/handwritten.js';
import { idxPair } from '../data/stored-files.js';
import { temporaryFiles } from '../data/temporary-files.js';

describe('handwritten digits', () => {
  it('are those of the package at demo scale', async () => {
    const { data, name } = await handwritten('s1', 5, { scale: 'demo', dataDirectory: undefined });
    expect([data.sampleCount, data.inputShape, name]).toEqual([
      5,
      [64],
      'UCI digits, standardized',
    ]);
  });

  it('are the first rows of pixels of MNIST at the paper’s, also of mnist in the folder', async () => {
    const above = await temporaryFiles({});
    const { images, labels } = idxPair(6, 4, 4, 10);
    const folder = join(above, 'mnist');
    await mkdir(folder);
    await writeFile(join(folder, 't10k-images-idx3-ubyte'), images);
    await writeFile(join(folder, 't10k-labels-idx1-ubyte'), labels);
    const { data, name } = await handwritten('s1', 5, {
      scale: 'paper',
      dataDirectory: above,
    });
    expect([data.sampleCount, data.inputShape, name]).toEqual([5, [16], 'MNIST, test images']);
  });

  it('need a folder at the paper’s scale', async () => {
    await expect(
      handwritten('s1', 5, { scale: 'paper', dataDirectory: undefined }),
    ).rejects.toMatchObject({ code: 'ERR_DATA', details: { experiment: 's1' } });
  });
});
