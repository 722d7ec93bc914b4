import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

import { describe, expect, expectTypeOf, test } from 'vitest';

import type { Dataset } from '../../src/data/dataset.js';
import { loadFashionMnist, loadIdx, loadMnist } from '../../src/data/idx.js';
import { refusal } from './refusal.js';
import { temporaryFiles } from './temporary-files.js';

// Case 22: two images of 2 × 2 pixels.
const images = Uint8Array.of(
  0,
  0,
  8,
  3,
  0,
  0,
  0,
  2,
  0,
  0,
  0,
  2,
  0,
  0,
  0,
  2,
  0,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
);
const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 0, 1);
const labelsOf = (...values: number[]) =>
  Uint8Array.of(0, 0, 8, 1, 0, 0, 0, values.length, ...values);

async function pair(imageBytes: Uint8Array, labelBytes: Uint8Array): Promise<[string, string]> {
  const directory = await temporaryFiles({ images: imageBytes, labels: labelBytes });
  return [join(directory, 'images'), join(directory, 'labels')];
}

function expectCase22(data: Dataset): void {
  expect(data.sampleCount).toBe(2);
  expect([...data.inputs()]).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((pixel) => pixel / 255));
  expect([...data.targets()]).toEqual([0, 1]);
  expect(data.values).toMatchObject({ targetWidth: 1, integerTargets: true });
}

describe('what is read', () => {
  const [train, test_] = ['train', 't10k'];
  const names = (images_: string, labels_: string, gz = '') =>
    [train, test_].flatMap((part): [string, Uint8Array][] => [
      [`${part}-${images_}${gz}`, images],
      [`${part}-${labels_}${gz}`, labels],
    ]);
  const packed = (entries: [string, Uint8Array][]) =>
    entries.map(([name, bytes]): [string, Uint8Array] => [name, gzipSync(bytes)]);
  const usual = names('images-idx3-ubyte', 'labels-idx1-ubyte');

  test.each<[string, [string, Uint8Array][]]>([
    ['plain', usual],
    ['gzipped under …-ubyte.gz', packed(names('images-idx3-ubyte', 'labels-idx1-ubyte', '.gz'))],
    ['gzipped under …-ubyte', packed(usual)],
    ['plain under …-ubyte.gz', names('images-idx3-ubyte', 'labels-idx1-ubyte', '.gz')],
    ['plain under ….idx3-ubyte', names('images.idx3-ubyte', 'labels.idx1-ubyte')],
  ])('%s: the same data', async (_, files) => {
    const directory = await temporaryFiles(Object.fromEntries(files));
    for (const given of [directory, pathToFileURL(directory)]) {
      const data = await loadMnist(given);
      expectCase22(data.train);
      expectCase22(data.test);
      expect(data.test).toMatchObject({ inputShape: [4], classCount: 10, dtype: 'float64' });
    }
    expectCase22((await loadFashionMnist(directory)).test);
  });

  test('with split only that part is read, and only its files must be there', async () => {
    const directory = await temporaryFiles(Object.fromEntries(usual.slice(2)));
    const only = await loadMnist(directory, { split: 'test' });
    expectTypeOf(only).toEqualTypeOf<Dataset<'float64'>>();
    expectCase22(only);
    await expect(loadMnist(directory)).rejects.toEqual(
      refusal('ERR_DATA', /train-images-idx3-ubyte: no such file, nor .*pass \{ split: 'test' \}$/),
    );
  });

  test('images have shape [1, rows, columns], and float32 if asked; the types say which', async () => {
    const directory = await temporaryFiles(Object.fromEntries(usual));
    const data = await loadMnist(directory, { shape: 'image', dtype: 'float32' });
    expectTypeOf(data.train).toEqualTypeOf<Dataset<'float32'>>();
    expect(data.train.inputShape).toEqual([1, 2, 2]);
    expect(data.train.inputs()).toEqual(
      Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7], (pixel) => pixel / 255),
    );
  });

  test('a pair of files under any names is a dataset with as many classes as its labels say', async () => {
    const data = await loadIdx(...(await pair(images, labelsOf(4, 61))));
    expectTypeOf(data).toEqualTypeOf<Dataset<'float64'>>();
    expect([...data.targets()]).toEqual([4, 61]);
    expect(data.classCount).toBe(62);
  });
});

describe('refusals (case 22)', () => {
  const gzipped = gzipSync(images);
  const half = gzipped.subarray(0, gzipped.length / 2);

  test.each<[string, Uint8Array, Uint8Array, RegExp, Record<string, unknown>]>([
    [
      'images one byte short',
      images.subarray(0, 23),
      labels,
      /images: 23 bytes; expected 24 for images of 2 × 2 × 2: the file is cut off/,
      { given: 23, expected: 24 },
    ],
    [
      'labels one byte short',
      images,
      labels.subarray(0, 9),
      /labels: 9 bytes; expected 10/,
      { given: 9, expected: 10 },
    ],
    [
      'images cut in the header',
      images.subarray(0, 9),
      labels,
      /images: 9 bytes; expected 16 for the header/,
      { given: 9, expected: 16 },
    ],
    [
      'images cut in the magic number',
      images.subarray(0, 3),
      labels,
      /images: 3 bytes; expected 4/,
      { given: 3 },
    ],
    ['an empty file', new Uint8Array(), labels, /images: 0 bytes; expected 4/, { given: 0 }],
    [
      'one byte too many',
      Uint8Array.of(...images, 8),
      labels,
      /images: 25 bytes; expected 24 .* followed by something else/,
      { given: 25, expected: 24 },
    ],
    [
      'gzip cut in half',
      half,
      labels,
      /images: the gzip stream breaks off: its \d+ bytes unpack to \d+ bytes/,
      { packedBytes: half.length },
    ],
    [
      'gzip one byte short',
      gzipped.subarray(0, -1),
      labels,
      /unpack to 24 bytes; expected 24 bytes; fetch/,
      { given: 24, expected: 24 },
    ],
    [
      'gzip of a cut file',
      gzipSync(images.subarray(0, 20)),
      labels,
      /images: 20 bytes; expected 24/,
      { given: 20, expected: 24 },
    ],
    [
      'gzip with a wrong checksum',
      gzipped.with(-5, (gzipped.at(-5) ?? 0) ^ 1),
      labels,
      /gzip stream of \d+ bytes is damaged \(incorrect/,
      {},
    ],
    [
      'three labels for two images',
      images,
      labelsOf(0, 1, 1),
      /labels: 3 labels; expected 2, one for each image of/,
      { given: 3, expected: 2 },
    ],
    [
      'images and labels swapped',
      labels,
      images,
      /images: the magic number is 2049; expected 2051, IDX images of bytes; are images and labels swapped\?/,
      { given: 2049, expected: 2051 },
    ],
    [
      'another kind of file',
      Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      labels,
      /magic number is 16909060; expected 2051, IDX images of bytes$/,
      {},
    ],
    [
      'no images',
      Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2),
      labelsOf(),
      /holds 0 images/,
      {},
    ],
    [
      'extents beyond all memory',
      Uint8Array.of(0, 0, 8, 3, ...new Uint8Array(12).fill(255)),
      labels,
      /images: 16 bytes; expected 7.9\d*e\+28/,
      {},
    ],
  ])(
    '%s: ERR_DATA with file, actual and expected',
    async (_, imageBytes, labelBytes, message, details) => {
      await expect(loadIdx(...(await pair(imageBytes, labelBytes)))).rejects.toEqual(
        refusal('ERR_DATA', message, details),
      );
    },
  );

  test('every cut of a gzipped file is refused, whatever its place', async () => {
    for (let length = 0; length < gzipped.length; length++) {
      const files = await pair(gzipped.subarray(0, length), labels);
      await expect(loadIdx(...files)).rejects.toEqual(refusal('ERR_DATA', /images: /));
    }
  });

  test('an absent file or directory is ERR_DATA with its path', async () => {
    const [, labelsFile] = await pair(images, labels);
    await expect(loadIdx('/nowhere/images', labelsFile)).rejects.toEqual(
      refusal('ERR_DATA', /^\/nowhere\/images: no such file or directory$/, {
        file: '/nowhere/images',
      }),
    );
    await expect(loadMnist('/nowhere')).rejects.toEqual(
      refusal('ERR_DATA', /^\/nowhere: no such file or directory$/),
    );
    await expect(loadMnist(labelsFile)).rejects.toEqual(
      refusal('ERR_DATA', /cannot be read \(ENOTDIR\)/),
    );
    await expect(loadMnist(await temporaryFiles({}))).rejects.toEqual(
      refusal(
        'ERR_DATA',
        /train-images-idx3-ubyte: no such file, nor train-images-idx3-ubyte.gz, train-images.idx3-ubyte, train-images.idx3-ubyte.gz$/,
      ),
    );
  });

  test('MNIST has no label beyond 9', async () => {
    const directory = await temporaryFiles({
      't10k-images-idx3-ubyte': images,
      't10k-labels-idx1-ubyte': labelsOf(3, 10),
    });
    await expect(loadMnist(directory, { split: 'test' })).rejects.toEqual(
      refusal('ERR_DATA', /label 1 is 10; expected 0 to 9/, { sample: 1, value: 10 }),
    );
  });

  test('bad options and paths reject with ERR_SPEC', async () => {
    await expect(loadMnist('.', { split: 'both' as never })).rejects.toEqual(
      refusal('ERR_SPEC', /^loadMnist: option 'split' is "both"; expected 'train' or 'test'/),
    );
    await expect(loadIdx(5 as never, 'x')).rejects.toEqual(
      refusal('ERR_SPEC', /^The file is 5; expected a path or a file: URL/),
    );
    await expect(loadIdx(new URL('http://x/y'), 'x')).rejects.toEqual(
      refusal('ERR_SPEC', /^The file is http:\/\/x\/y/),
    );
  });
});
