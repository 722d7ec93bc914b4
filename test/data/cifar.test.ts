// Files of CIFAR-10, read into memory and streamed.

import { gzipSync } from 'node:zlib';

import { expect, expectTypeOf, test } from 'vitest';

import { loadCifar10 } from '../../src/index.js';
import type { Dataset } from '../../src/index.js';
import { refusal } from './refusal.js';
import { cifarRecords } from './stored-files.js';
import { temporaryFiles } from './temporary-files.js';

test('holds red, green and blue of each image one after the other, from 0 to 1', async () => {
  const bytes = cifarRecords(3, 1);
  const directory = await temporaryFiles({ 'test_batch.bin': bytes });
  const data = await loadCifar10(directory, { split: 'test', shape: 'image', dtype: 'float32' });
  expect(data).toMatchObject({ inputShape: [3, 32, 32], classCount: 10, dtype: 'float32' });
  expectTypeOf(data).toEqualTypeOf<Dataset<'float32'>>();
  expect([...data.targets()]).toEqual([0, 1, 2]);
  const second = bytes.subarray(3074, 6146);
  expect(data.subset([1]).inputs()).toEqual(Float32Array.from(second, (pixel) => pixel / 255));
});

test('training files follow one another; packed ones too, unless they are streamed', async () => {
  const directory = await temporaryFiles({
    'data_batch_1.bin': cifarRecords(2, 1),
    'data_batch_2.bin.gz': gzipSync(cifarRecords(3, 2)),
    'test_batch.bin': cifarRecords(1, 3),
  });
  const { train, test: held } = await loadCifar10(directory);
  expect([...train.targets()]).toEqual([0, 1, 0, 1, 2]);
  expect(held).toMatchObject({ sampleCount: 1, inputShape: [3072] });
  await expect(loadCifar10(directory, { stream: true })).rejects.toEqual(
    refusal('ERR_DATA', /data_batch_2\.bin\.gz: is gzipped, .*gunzip/),
  );
});

test.each([
  ['a gap', ['data_batch_1.bin', 'data_batch_3.bin'], /data_batch_2\.bin: no such file/],
  ['no first file', ['data_batch_2.bin'], /data_batch_1\.bin: no such file, nor .*\.gz/],
])('refuses %s', async (_, names, message) => {
  const directory = await temporaryFiles(
    Object.fromEntries(names.map((name) => [name, cifarRecords(2, 1)] as const)),
  );
  await expect(loadCifar10(directory, { split: 'train' })).rejects.toEqual(
    refusal('ERR_DATA', message),
  );
});

test('refuses half a record, an empty file and a label of 10, and names the record', async () => {
  const labelled = cifarRecords(3, 1);
  labelled[2 * 3073] = 10;
  const cases = [
    [
      cifarRecords(2, 1).subarray(0, 6145),
      /test_batch\.bin: 6145 bytes; expected a multiple of 3073/,
    ],
    [new Uint8Array(0), /test_batch\.bin: 0 bytes/],
    [labelled, /the label of record 2 is 10; expected 0 to 9/],
  ] as const;
  for (const [bytes, message] of cases) {
    const directory = await temporaryFiles({ 'test_batch.bin': bytes });
    for (const stream of [false, true]) {
      await expect(loadCifar10(directory, { split: 'test', stream })).rejects.toEqual(
        refusal('ERR_DATA', message),
      );
    }
  }
});
