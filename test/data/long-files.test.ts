// Files that are read in several pieces hold what was written, whatever the piece.

import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { describe, expect, test } from 'vitest';

import { loadCifar10, loadCsv, loadIdx, loadNpy } from '../../src/index.js';
import { fromFloat16 } from '../../src/data/narrow-floats.js';
import { createRandom } from '../../src/data/random.js';
import { bytesOf, cifarRecords, idxPair, npyFile, randomBytes } from './stored-files.js';
import { temporaryFile, temporaryFiles } from './temporary-files.js';

// No whole number of pieces of 2¹⁶, nor of their rows.
const [count, width] = [301, 450];
const entries = count * width;

/** toEqual would take seconds. */
function expectBits(actual: ArrayLike<unknown>, expected: ArrayLike<unknown>): void {
  expect(actual.length).toBe(expected.length);
  const other = Array.from(actual).findIndex((value, index) => !Object.is(value, expected[index]));
  expect(other).toBe(-1);
}

describe.each([
  ['plain', (bytes: Uint8Array) => bytes],
  ['gzipped', (bytes: Uint8Array) => gzipSync(bytes)],
])('%s', (_, packed) => {
  test.each(['float64', 'float32'] as const)('pixels of IDX files in %s', async (dtype) => {
    const { images, labels } = idxPair(count, 18, 25, 10);
    const folder = await temporaryFiles({ images: packed(images), labels: packed(labels) });
    const data = await loadIdx(join(folder, 'images'), join(folder, 'labels'), { dtype });
    const pixels = Array.from(images.subarray(16), (pixel) => pixel / 255);
    expectBits(data.inputs(), dtype === 'float32' ? Float32Array.from(pixels) : pixels);
    expectBits(data.targets(), Float64Array.from(labels.subarray(8)));
  });

  test('records of CIFAR-10, in two files', async () => {
    const files = [cifarRecords(50, 1), cifarRecords(31, 2)];
    const [first, second] = files.map(packed);
    const folder = await temporaryFiles({
      'data_batch_1.bin': first ?? '',
      'data_batch_2.bin': second ?? '',
    });
    const data = await loadCifar10(folder, { split: 'train' });
    const records = [...Buffer.concat(files)];
    expectBits(
      data.inputs(),
      records.flatMap((byte, place) => (place % 3073 === 0 ? [] : [byte / 255])),
    );
    expectBits(
      data.targets(),
      records.filter((__, place) => place % 3073 === 0),
    );
  });

  test('npy files of floats in either order of bytes', async () => {
    const random = createRandom(5);
    const values = Float64Array.from({ length: entries }, () => random.normal());
    for (const [descr, swapped] of [
      ['<f8', false],
      ['>f8', true],
    ] as const) {
      const file = packed(npyFile(descr, [count, width], bytesOf(values, swapped)));
      expectBits((await loadNpy(await temporaryFile('x.npy', file))).data, values);
    }
  });

  test('npy files of halves and of column-major integers', async () => {
    const bits = new Uint16Array(randomBytes(2 * entries, 3).buffer);
    const halves = packed(npyFile('<f2', [entries], bytesOf(bits)));
    const { data } = await loadNpy(await temporaryFile('x.npy', halves));
    expectBits(data, Float32Array.from(bits, fromFloat16));

    const columns = packed(npyFile('<u2', [count, width], bytesOf(bits), 'Fortran'));
    const turned = await loadNpy(await temporaryFile('x.npy', columns));
    const rows = Uint16Array.from({ length: entries }, (__, place) => {
      const [row, column] = [Math.floor(place / width), place % width];
      return bits[column * count + row] ?? 0;
    });
    expectBits(turned.data, rows);
  });

  test('a boolean that is none is named, behind the first piece', async () => {
    const bytes = new Uint8Array(entries);
    bytes[entries - 2] = 7;
    const file = await temporaryFile('x.npy', packed(npyFile('|b1', [entries], bytes)));
    await expect(loadNpy(file)).rejects.toMatchObject({
      code: 'ERR_DATA',
      details: { element: entries - 2, value: 7 },
    });
  });

  test('lines of CSV files, across the ends of pieces', async () => {
    const random = createRandom(6);
    const values = Array.from({ length: 3000 }, () => [random.normal(), random.normal()]);
    const text = values.map(([x = 0, y = 0], line) => `${x},${line % 7},${y}`).join('\r\n');
    const file = await temporaryFile('x.csv', packed(Buffer.from(text)));
    const data = await loadCsv(file, { target: 1 });
    expect(data).toMatchObject({ classCount: 7, inputShape: [2], sampleCount: 3000 });
    expectBits(data.inputs(), values.flat());
    expectBits(
      data.targets(),
      values.map((__, line) => line % 7),
    );
  });
});
