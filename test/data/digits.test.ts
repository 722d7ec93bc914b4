import { expect, test } from 'vitest';

import { digits } from '../../src/data/digits.js';
import { refusal } from './refusal.js';

test('there are 1,797 digits of 64 pixels from 0 to 16, in 10 classes', () => {
  const data = digits();
  expect(data).toMatchObject({
    sampleCount: 1797,
    inputShape: [64],
    classCount: 10,
    dtype: 'float64',
  });
  const values = new Set(data.inputs());
  expect([...values].sort((a, b) => a - b)).toEqual(
    Array.from({ length: 17 }, (_, value) => value),
  );
  const counts = new Array<number>(10).fill(0);
  for (const label of data.targets()) counts[label] = (counts[label] ?? 0) + 1;
  // As scikit-learn counts them in the same file.
  expect(counts).toEqual([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
});

test('the first digit is the 0 that the source begins with', () => {
  const first = digits().take(1);
  expect([...first.targets()]).toEqual([0]);
  // prettier-ignore
  expect([...first.inputs()]).toEqual([
    0, 0, 5, 13, 9, 1, 0, 0,
    0, 0, 13, 15, 10, 15, 5, 0,
    0, 3, 15, 2, 0, 11, 8, 0,
    0, 4, 12, 0, 0, 8, 8, 0,
    0, 5, 8, 0, 0, 9, 8, 0,
    0, 4, 11, 0, 1, 12, 7, 0,
    0, 2, 14, 5, 10, 12, 0, 0,
    0, 0, 6, 13, 10, 0, 0, 0,
  ]);
});

test('as images they hold the same numbers in shape [1, 8, 8]', () => {
  const image = digits({ shape: 'image' });
  expect(image.inputShape).toEqual([1, 8, 8]);
  expect(image.inputs()).toEqual(digits().inputs());
});

test('another shape is ERR_SPEC', () => {
  expect(() => digits({ shape: 'square' as never })).toThrow(
    refusal('ERR_SPEC', /^digits: option 'shape' is "square"; expected one of "flat", "image"/),
  );
});
