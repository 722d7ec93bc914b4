import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createDataset } from '../../src/data/create-dataset.js';
import { isDataset } from '../../src/data/dataset.js';
import type { Dataset } from '../../src/data/dataset.js';
import { inMemory } from './in-memory.js';
import { refusal } from './refusal.js';

/** Sample n has inputs (n, n + ½), target n and weight n + 1, so that rows can be told apart. */
function numbered(samples: number): Dataset<'float64'> {
  const indices = Array.from({ length: samples }, (_, index) => index);
  return createDataset({
    inputs: indices.map((index) => [index, index + 0.5]),
    targets: indices,
    weights: indices.map((index) => index + 1),
  });
}

/** The numbers of the samples in `data`, all arrays of which must agree on them. */
function numbersOf(data: Dataset): number[] {
  const numbers = [...data.targets()];
  expect([...data.inputs()]).toEqual(numbers.flatMap((number) => [number, number + 0.5]));
  expect([...(data.weights() ?? [])]).toEqual(numbers.map((number) => number + 1));
  expect(data.sampleCount).toBe(numbers.length);
  return numbers;
}

const count = fc.integer({ min: 2, max: 60 });

describe('laws', () => {
  test('a subset holds the chosen samples in the given order, repeated ones too', () => {
    fc.assert(
      fc.property(count, fc.array(fc.nat(1000), { minLength: 1 }), (samples, choice) => {
        const indices = choice.map((number) => number % samples);
        expect(numbersOf(numbered(samples).subset(indices))).toEqual(indices);
        expect(numbersOf(numbered(samples).subset(Int32Array.from(indices)))).toEqual(indices);
      }),
    );
  });

  test('take(n) is the first n samples', () => {
    expect(numbersOf(numbered(5).take(3))).toEqual([0, 1, 2]);
    expect(numbersOf(numbered(5).take(5))).toEqual([0, 1, 2, 3, 4]);
  });

  test('split parts the samples: none is lost, none in both', () => {
    fc.assert(
      fc.property(
        count,
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.nat(),
        (samples, test, seed) => {
          fc.pre(Math.round(test * samples) < samples);
          const parts = numbered(samples).split({ test, seed });
          const [train, tested] = [numbersOf(parts.train), numbersOf(parts.test)];
          expect(tested).toHaveLength(Math.max(1, Math.round(test * samples)));
          expect([...train, ...tested].sort((a, b) => a - b)).toEqual([...Array(samples).keys()]);
        },
      ),
    );
  });

  test('split takes a count, repeats with the seed, and has seed 0 by default', () => {
    const data = numbered(20);
    expect(data.split({ test: 7 }).test.sampleCount).toBe(7);
    expect(data.split({ test: 1 }).test.sampleCount).toBe(1);
    const order = (seed?: number) => numbersOf(data.split({ test: 5, seed }).test);
    expect(order(3)).toEqual(order(3));
    expect(order()).toEqual(order(0));
    expect(order(1)).not.toEqual(order(0));
  });

  test('parts keep shape, kind of numbers and class count, though the highest class is not in them', () => {
    const data = createDataset({
      inputs: Float32Array.from({ length: 12 }, (_, index) => index),
      targets: [0, 1, 2],
      inputShape: [1, 2, 2],
    });
    for (const part of [data.take(1), data.subset([0]), data.split({ test: 1 }).test]) {
      expect(part).toMatchObject({ inputShape: [1, 2, 2], dtype: 'float32', classCount: 3 });
      expect(part.inputs()).toBeInstanceOf(Float32Array);
    }
  });

  test('a dataset cannot be changed through its parts', () => {
    const data = numbered(4);
    inMemory(data.take(2)).fill(9);
    data.split({ test: 1 }).train.values.targets.fill(9);
    inMemory(data.standardize()).fill(9);
    expect(numbersOf(data)).toEqual([0, 1, 2, 3]);
    expect(Object.isFrozen(data.inputShape)).toBe(true);
  });

  test('datasets are known by their brand, and nothing else is', () => {
    expect(isDataset(numbered(2))).toBe(true);
    expect([null, undefined, 1, {}, [], numbered(2).values].some(isDataset)).toBe(false);
  });
});

test('seed 0 splits ten samples as it always did', () => {
  const { train, test: tested } = numbered(10).split({ test: 0.3 });
  expect({ train: numbersOf(train), test: numbersOf(tested) }).toMatchInlineSnapshot(`
    {
      "test": [
        3,
        8,
        5,
      ],
      "train": [
        4,
        6,
        0,
        1,
        7,
        9,
        2,
      ],
    }
  `);
});

describe('refusals', () => {
  const data = numbered(5);

  test.each([0, 6, -1, 2.5, NaN, '3'])('take(%s) of five samples is ERR_SPEC', (given) => {
    expect(() => data.take(given as number)).toThrow(
      refusal('ERR_SPEC', /^take: count is .*; expected an integer from 1 to 5/),
    );
  });

  test.each([5, -1, 0.5, NaN, '1'])('the index %s of five samples is ERR_SPEC', (index) => {
    expect(() => data.subset([0, index as number])).toThrow(
      refusal('ERR_SPEC', /^subset: indices\[1\] is .*; expected an integer from 0 to 4/),
    );
  });

  test('no index at all is ERR_SHAPE', () => {
    expect(() => data.subset([])).toThrow(refusal('ERR_SHAPE', /no index given/));
  });

  test.each([0, 1.5, 5, -0.2, 0.95, NaN, '2'])(
    'split({ test: %s }) of five is ERR_SPEC',
    (given) => {
      expect(() => data.split({ test: given as number })).toThrow(refusal('ERR_SPEC', /^split: /));
    },
  );

  test('a bad seed and an unknown option of split are ERR_SPEC', () => {
    expect(() => data.split({ test: 1, seed: 0.5 })).toThrow(
      refusal('ERR_SPEC', /^split: option 'seed' is 0.5; expected a safe integer/),
    );
    expect(() => data.split({ test: 1, shuffle: true } as never)).toThrow(
      refusal('ERR_SPEC', /^split: option 'shuffle' is unknown; there are test, seed/),
    );
    expect(() => data.split({} as never)).toThrow(
      refusal('ERR_SPEC', /^split: option 'test' is missing/),
    );
  });

  test('samples that all have weight 0 cannot be chosen alone', () => {
    const weighted = createDataset({ inputs: [[1], [2]], targets: [0, 1], weights: [0, 1] });
    expect(() => weighted.take(1)).toThrow(
      refusal('ERR_DATA', /All 1 chosen samples have weight 0/),
    );
  });
});
