import {
  appendFile,
  readdir,
  readlink,
  rename,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { describe, expect, test } from 'vitest';

import {
  createDataset,
  createNetwork,
  hessian,
  isDataset,
  loadCifar10,
  loadFashionMnist,
  loadIdx,
  loadMnist,
  loadNpy,
} from '../../src/index.js';
import type { Dataset, StoredArray } from '../../src/index.js';
import { refusal } from './refusal.js';
import { bytesOf, cifarRecords, idxPair, npyFile } from './stored-files.js';
import { temporaryFile, temporaryFiles } from './temporary-files.js';

const sorted = (data: Dataset) => [...data.targets()].sort((a, b) => a - b);

async function idxFiles(count = 6, rows = 2, columns = 3) {
  const pair = idxPair(count, rows, columns, 3);
  const directory = await temporaryFiles(pair);
  return { images: join(directory, 'images'), labels: join(directory, 'labels') };
}

async function expectSame(streamed: Dataset, kept: Dataset): Promise<void> {
  const { inputShape, classCount, dtype, sampleCount } = kept;
  expect(streamed).toMatchObject({ inputShape, classCount, dtype, sampleCount, streamed: true });
  expect(streamed.targets()).toEqual(kept.targets());
  expect(streamed.weights()).toEqual(kept.weights());
  expect((await streamed.load()).inputs()).toEqual(kept.inputs());
}

/** Everything that makes a dataset from a dataset. */
const parts: Readonly<Record<string, (data: Dataset) => Dataset>> = {
  itself: (data) => data,
  take: (data) => data.take(3),
  subset: (data) => data.subset([4, 0, 1, 2, 4]),
  'subset of a subset': (data) => data.subset([4, 0, 1, 2, 5]).subset([3, 0, 2]),
  split: (data) => data.split({ test: 2, seed: 3 }).train,
  standardize: (data) => data.standardize(),
  'standardize, then a part': (data) => data.standardize().subset([5, 2]),
  'a part, standardized by another': (data) =>
    data.take(2).standardize({ over: data.subset([1, 2, 3, 5]) }),
  'standardized by two': (data) =>
    data.take(3).standardize({ over: [data.take(3), data.subset([4, 5, 5])] }),
  'standardized twice': (data) => data.standardize().take(4).standardize(),
};

describe('a streamed dataset, read into memory, is the dataset in memory', () => {
  test.each(Object.entries(parts))('of IDX files: %s', async (_, part) => {
    const { images, labels } = await idxFiles();
    for (const dtype of ['float64', 'float32'] as const) {
      const streamed = await loadIdx(images, labels, { dtype, shape: 'image', stream: true });
      await expectSame(
        part(streamed),
        part(await loadIdx(images, labels, { dtype, shape: 'image' })),
      );
    }
  });

  test('of MNIST and Fashion-MNIST', async () => {
    const { images, labels } = idxPair(4, 2, 2, 10);
    const directory = await temporaryFiles({
      'train-images-idx3-ubyte': images,
      'train-labels-idx1-ubyte.gz': gzipSync(labels), // labels are read whole, so they may be packed
      't10k-images.idx3-ubyte': images,
      't10k-labels.idx1-ubyte': labels,
    });
    for (const load of [loadMnist, loadFashionMnist]) {
      const streamed = await load(directory, { stream: true });
      const kept = await load(directory);
      await expectSame(streamed.train, kept.train);
      await expectSame(streamed.test, kept.test);
    }
  });

  test.each(Object.entries(parts))('of CIFAR-10 files: %s', async (_, part) => {
    const directory = await temporaryFiles({
      'data_batch_1.bin': cifarRecords(4, 0),
      'data_batch_2.bin': cifarRecords(2, 1),
    });
    const streamed = await loadCifar10(directory, { split: 'train', stream: true });
    await expectSame(part(streamed), part(await loadCifar10(directory, { split: 'train' })));
  });

  const numbers = [1.5, -2.25, 3, 0, 1e-3, 7, 11, 2 ** 20, -6, 4, 5, 8];
  const whole = numbers.map((number) => Math.round(number) % 100);
  const unsigned = whole.map((number) => Math.abs(number));
  const kinds: readonly (readonly [string, NodeJS.TypedArray])[] = [
    ['<f8', Float64Array.from(numbers)],
    ['>f8', Float64Array.from(numbers)],
    ['<f4', Float32Array.from(numbers)],
    ['>f4', Float32Array.from(numbers)],
    ['<f2', Uint16Array.from(numbers, (_, place) => 0x3800 + 77 * place)],
    ['|i1', Int8Array.from(whole)],
    ['|u1', Uint8Array.from(unsigned)],
    ['|b1', Uint8Array.from(unsigned, (number) => number % 2)],
    ['>i2', Int16Array.from(whole)],
    ['<u2', Uint16Array.from(unsigned)],
    ['<i4', Int32Array.from(whole)],
    ['>u4', Uint32Array.from(unsigned)],
    ['<i8', BigInt64Array.from(whole, BigInt)],
    ['>u8', BigUint64Array.from(unsigned, BigInt)],
  ];
  test.each(kinds)('of npy files of %s', async (descr, array) => {
    const body = bytesOf(array, descr.startsWith('>'));
    const file = await temporaryFile('x.npy', npyFile(descr, [6, 2], body));
    const targets = [0, 1, 2, 0, 1, 2];
    const weights = [1, 0, 2, 1, 1, 3];
    const streamed = createDataset({
      inputs: await loadNpy(file, { stream: true }),
      targets,
      weights,
    });
    const kept = createDataset({ inputs: await loadNpy(file), targets, weights });
    for (const part of Object.values(parts)) await expectSame(part(streamed), part(kept));
  });

  test('of npy files of other shapes: one entry a sample, images, one column in either order', async () => {
    const body = bytesOf(Float64Array.from(numbers));
    const cases = [
      { shape: [12], inputShape: undefined },
      { shape: [3, 2, 2], inputShape: undefined },
      { shape: [3, 4], inputShape: [1, 2, 2] },
    ];
    for (const { shape, inputShape } of cases) {
      const file = await temporaryFile('x.npy', npyFile('<f8', shape, body));
      const targets = Array.from({ length: shape[0] ?? 0 }, () => 1);
      const inputs = await loadNpy(file, { stream: true });
      const kept = createDataset({ inputs: await loadNpy(file), targets, inputShape });
      await expectSame(createDataset({ inputs, targets, inputShape }), kept);
    }
    const column = await temporaryFile('x.npy', npyFile('<f8', [12], body, 'Fortran'));
    expect((await loadNpy(column, { stream: true })).shape).toEqual([12]);
  });
});

describe('what cannot be streamed is refused when it is loaded', () => {
  const body = bytesOf(Float64Array.of(1, 2, 3, 4));

  test('gzipped files', async () => {
    const { images, labels } = idxPair(2, 2, 2, 2);
    const directory = await temporaryFiles({
      images: gzipSync(images),
      labels,
      'x.npy': gzipSync(npyFile('<f8', [2, 2], body)),
    });
    await expect(
      loadIdx(join(directory, 'images'), join(directory, 'labels'), { stream: true }),
    ).rejects.toEqual(refusal('ERR_DATA', /images: is gzipped.*stream: true/));
    await expect(loadNpy(join(directory, 'x.npy'), { stream: true })).rejects.toEqual(
      refusal('ERR_DATA', /x\.npy: is gzipped/),
    );
  });

  test.each([
    [
      'column-major',
      npyFile('<f8', [2, 2], body, 'Fortran'),
      'ERR_DATA',
      /fortran_order.*ascontiguousarray/,
    ],
    ['cut', npyFile('<f8', [2, 2], body.subarray(1)), 'ERR_DATA', /159 bytes; expected 160/],
    ['of objects', npyFile('|O', [2, 2], body), 'ERR_DATA', /Python objects/],
    ['empty', npyFile('<f8', [0, 2], new Uint8Array(0)), 'ERR_SHAPE', /at least one sample/],
    ['a scalar', npyFile('<f8', [], body.subarray(0, 8)), 'ERR_SHAPE', /at least one sample/],
  ] as const)('an npy file that is %s', async (_, bytes, code, message) => {
    const file = await temporaryFile('x.npy', bytes);
    await expect(loadNpy(file, { stream: true })).rejects.toEqual(refusal(code, message));
  });

  test('cut, empty and absent IDX files, and directories', async () => {
    const { images, labels } = idxPair(2, 2, 2, 2);
    const directory = await temporaryFiles({
      cut: images.subarray(0, 23),
      header: images.subarray(0, 10),
      nothing: '',
      labels,
    });
    const load = (name: string) =>
      loadIdx(join(directory, name), join(directory, 'labels'), { stream: true });
    await expect(load('cut')).rejects.toEqual(refusal('ERR_DATA', /cut: 23 bytes; expected 24/));
    await expect(load('header')).rejects.toEqual(refusal('ERR_DATA', /10 bytes; expected 16/));
    await expect(load('nothing')).rejects.toEqual(refusal('ERR_DATA', /0 bytes; expected 4/));
    await expect(load('absent')).rejects.toEqual(refusal('ERR_DATA', /absent: no such file/));
    await expect(load('')).rejects.toEqual(refusal('ERR_DATA', /no plain file/));
    await expect(load('labels')).rejects.toEqual(refusal('ERR_DATA', /swapped/));
  });
});

describe('a file that is changed after it was loaded', () => {
  const network = createNetwork({
    input: [6],
    layers: [{ type: 'dense', units: 3 }],
    loss: 'softmaxCrossEntropy',
  });

  test.each<readonly [string, (file: string) => Promise<void>, RegExp]>([
    ['cut', (file) => truncate(file, 30), /images: (ends at byte|was changed).*load it again/],
    ['emptied', (file) => truncate(file, 0), /images: (ends at byte|was changed).*load it again/],
    ['longer', (file) => appendFile(file, 'x'), /it had 52 bytes and has 53.*load it again/],
    ['written', (file) => writeFile(file, new Uint8Array(52)), /time of modification is another/],
    ['touched', (file) => utimes(file, 1, 1), /time of modification is another/],
  ])('is refused by every call when it was %s', async (_, change, message) => {
    const { images, labels } = await idxFiles();
    const data = await loadIdx(images, labels, { stream: true });
    await network.loss(data);
    await new Promise((resolve) => setTimeout(resolve, 20)); // clocks of files tick in milliseconds
    await change(images);
    const calls = [
      network.loss(data),
      network.gradient(data),
      network.predict(data),
      hessian(network, data).apply(network.parameters()),
      data.load(),
      network.loss(data.subset([5, 0])),
    ];
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: 'rejected', reason: refusal('ERR_DATA', message) });
    }
  });

  test('one put in its place under its name changes nothing: the dataset has the file that it opened', async () => {
    const { images, labels } = await idxFiles();
    const data = await loadIdx(images, labels, { stream: true });
    const loss = await network.loss(data);
    const other = await temporaryFile('other', new Uint8Array(52));
    await rename(other, images);
    expect(await network.loss(data)).toBe(loss);
  });
});

describe('entries that no dataset may hold', () => {
  test.each([
    ['NaN', '<f8', bytesOf(Float64Array.of(1, 2, 3, 4, 5, NaN))],
    ['−∞', '<f4', bytesOf(Float32Array.of(1, 2, 3, 4, 5, -Infinity))],
    ['a NaN of 16 bits', '<f2', bytesOf(Uint16Array.of(0, 0, 0, 0, 0, 0x7e01))],
    ['a boolean of 2', '|b1', Uint8Array.of(0, 1, 0, 1, 0, 2)],
    ['2⁵³', '<i8', bytesOf(BigInt64Array.of(0n, 0n, 0n, 0n, 0n, 2n ** 53n))],
    ['2⁶⁴ − 1', '>u8', bytesOf(BigUint64Array.of(0n, 0n, 0n, 0n, 0n, 2n ** 64n - 1n), true)],
  ])('are found when they are read: %s', async (_, descr, body) => {
    const file = await temporaryFile('x.npy', npyFile(descr, [3, 2], body));
    const data = createDataset({
      inputs: await loadNpy(file, { stream: true }),
      targets: [0, 1, 0],
    });
    const message = /x\.npy: row 2, entry 1 is NaN, infinite.*expected a finite number/;
    await expect(data.load()).rejects.toEqual(refusal('ERR_DATA', message));
    await expect(data.standardize().take(1).load()).rejects.toEqual(refusal('ERR_DATA', message));
    expect((await data.take(2).load()).inputs().every(Number.isFinite)).toBe(true);
  });

  test('a spread beyond float64 is refused where it is needed', async () => {
    const file = await temporaryFile(
      'x.npy',
      npyFile('<f8', [2, 1], bytesOf(Float64Array.of(-1.7e308, 1.7e308))),
    );
    const data = createDataset({ inputs: await loadNpy(file, { stream: true }), targets: [0, 1] });
    await expect(data.standardize().load()).rejects.toEqual(
      refusal('ERR_NUMERIC', /spread of input column 0 .*beyond what float64 holds/),
    );
  });
});

describe('handles', () => {
  async function openCount(path: string): Promise<number> {
    const links = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    );
    return links.filter((link) => link === path).length;
  }

  test.runIf(process.platform === 'linux')(
    'a file is open once, and closed with the last dataset that reads it',
    async () => {
      const { images, labels } = await idxFiles();
      const data = await loadIdx(images, labels, { stream: true });
      const scaled = data.standardize();
      const part = scaled.take(2);
      expect(await openCount(images)).toBe(1);
      data[Symbol.dispose]();
      expect((await part.load()).sampleCount).toBe(2);
      expect((await scaled.load()).sampleCount).toBe(6);
      scaled[Symbol.dispose]();
      expect(await openCount(images)).toBe(1);
      part[Symbol.dispose]();
      part[Symbol.dispose]();
      expect(await openCount(images)).toBe(0);
    },
  );

  test('a disposed dataset refuses, in memory and streamed; its operators and calls go on', async () => {
    const { images, labels } = await idxFiles();
    const layers = [{ type: 'dense', units: 3 }] as const;
    const network = createNetwork({ input: [6], layers, loss: 'softmaxCrossEntropy' });
    for (const stream of [false, true]) {
      const data = await loadIdx(images, labels, { stream });
      const operator = hessian(network, data);
      const before = await operator.apply(network.parameters());
      const underWay = network.loss(data);
      data[Symbol.dispose]();
      expect(await underWay).toBeGreaterThan(0);
      expect(await operator.apply(network.parameters())).toEqual(before);
      const disposed = refusal('ERR_DISPOSED', /dataset was disposed/);
      expect(() => data.targets()).toThrow(disposed);
      expect(() => data.inputs()).toThrow(disposed);
      expect(() => data.take(1)).toThrow(disposed);
      expect(() => data.standardize()).toThrow(disposed);
      expect(() => hessian(network, data)).toThrow(disposed);
      await expect(network.loss(data)).rejects.toEqual(disposed);
      await expect(network.predict(data)).rejects.toEqual(disposed);
      await expect(data.load()).rejects.toEqual(disposed);
      expect(isDataset(data)).toBe(true);
    }
  });

  test('a disposed array makes no more datasets; those it made stay', async () => {
    const file = await temporaryFile('x.npy', npyFile('|u1', [2, 2], Uint8Array.of(1, 2, 3, 4)));
    const array: StoredArray = await loadNpy(file, { stream: true });
    const data = createDataset({ inputs: array, targets: [0, 1] });
    array[Symbol.dispose]();
    expect([...(await data.load()).inputs()]).toEqual([1, 2, 3, 4]);
    expect(() => createDataset({ inputs: array, targets: [0, 1] })).toThrow(
      refusal('ERR_DISPOSED', /streamed array was disposed/),
    );
  });
});

describe('what needs the inputs in memory says so', () => {
  test('inputs(), and scales of data on disk for data in memory', async () => {
    const { images, labels } = await idxFiles();
    const streamed = await loadIdx(images, labels, { stream: true });
    const kept = await loadIdx(images, labels);
    expect(() => streamed.inputs()).toThrow(refusal('ERR_SPEC', /stay on disk.*load\(\)/));
    const mixed = refusal('ERR_SPEC', /some of these datasets stay on disk and some are in memory/);
    expect(() => kept.standardize({ over: streamed })).toThrow(mixed);
    expect(() => streamed.standardize({ over: [streamed, kept] })).toThrow(mixed);
    await expectSame(
      streamed.standardize({ over: kept.take(3) }),
      kept.standardize({ over: kept.take(3) }),
    );
    expect(sorted(await kept.load())).toEqual(sorted(streamed));
  });

  test('an option that is none', async () => {
    const { images, labels } = await idxFiles();
    // @ts-expect-error: a string is no option of this kind.
    const loading = loadIdx(images, labels, { stream: 'yes' });
    await expect(loading).rejects.toEqual(
      refusal('ERR_SPEC', /loadIdx: option 'stream' is "yes"; expected true or false/),
    );
  });
});
