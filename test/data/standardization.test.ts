import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createDataset } from '../../src/data/create-dataset.js';
import type { Dataset } from '../../src/data/dataset.js';
import { refusal } from './refusal.js';

const of = (inputs: number[][], weights?: number[]) =>
  createDataset({ inputs, targets: inputs.map(() => 0), weights });

function column(data: Dataset, index: number): number[] {
  return [...data.inputs()].filter((_, place) => place % data.inputSize === index);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const row = fc.tuple(
  fc.double({ min: -1e3, max: 1e3, noNaN: true }),
  fc.double({ min: 1e6, max: 1e6 + 1, noNaN: true }),
);
// Where the spread is within a few ulp of the values, the mean itself cannot be held.
const rows = fc.array(row, { minLength: 2, maxLength: 40 }).filter((drawn) =>
  [0, 1].every((axis) => {
    const values = drawn.map((pair) => pair[axis] ?? 0);
    return Math.max(...values) - Math.min(...values) > 1e-3;
  }),
);

describe('laws', () => {
  test('every column has mean 0 and variance 1', () => {
    fc.assert(
      fc.property(rows, (drawn) => {
        const scaled = of(drawn).standardize();
        for (const axis of [0, 1]) {
          const values = column(scaled, axis);
          // ε·|x|/σ with |x| up to 1e6 and σ from 1e-3/√40 on is 1.4e-6 at worst.
          expect(Math.abs(mean(values))).toBeLessThan(2e-6);
          expect(mean(values.map((value) => value ** 2))).toBeCloseTo(1, 5);
        }
      }),
    );
  });

  test('a sample of weight 3 counts as three samples, and one of weight 0 not at all', () => {
    fc.assert(
      fc.property(rows, (drawn) => {
        const [first = [0, 0], ...rest] = drawn;
        const outlier = [1e5, -1e5];
        const weighted = of([outlier, first, ...rest], [0, 3, ...rest.map(() => 1)]);
        const repeated = of([first, first, first, ...rest]);
        const got = [...weighted.standardize().inputs()].slice(2);
        const expected = [...repeated.standardize().inputs()].slice(4);
        got.forEach((value, index) => {
          // Both are right to ε·|x|/σ, as above.
          const scale = Math.max(1, Math.abs(expected[index] ?? 0));
          expect(Math.abs(value - (expected[index] ?? 0)) / scale).toBeLessThan(4e-6);
        });
      }),
    );
  });

  test('constant columns become exactly 0, though their mean is not exact in float64', () => {
    const data = of(Array.from({ length: 7 }, (_, index) => [0.1, 1e300, index]));
    expect(column(data.standardize(), 0)).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect(column(data.standardize(), 1)).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect([
      ...of([[5]])
        .standardize()
        .inputs(),
    ]).toEqual([0]);
  });

  test('squares that would overflow or vanish do not', () => {
    for (const scale of [1e-300, 1e300]) {
      const scaled = of([[-scale], [scale], [-scale], [scale]]).standardize();
      expect([...scaled.inputs()]).toEqual([-1, 1, -1, 1]);
    }
  });

  test('over: [train, test] is the same as standardizing before the split', () => {
    const data = of(Array.from({ length: 20 }, (_, index) => [index ** 2, Math.sin(index)]));
    const { train, test: tested } = data.split({ test: 6 });
    const whole = data.standardize().split({ test: 6 });
    const parts = [train, tested].map((part) => part.standardize({ over: [train, tested] }));
    [whole.train, whole.test].forEach((expected, index) => {
      parts[index]?.inputs().forEach((value, place) => {
        expect(value).toBeCloseTo(expected.inputs()[place] ?? NaN, 13);
      });
    });
  });

  test('over: train scales test data by the numbers of the training data', () => {
    const train = of([
      [0, 5],
      [2, 5],
    ]);
    const scaled = of([
      [4, 5],
      [1, 7],
    ]).standardize({ over: train });
    expect([...scaled.inputs()]).toEqual([3, 0, 0, 0]);
    expect(train.standardize({ over: train }).inputs()).toEqual(train.standardize().inputs());
  });

  test('float32 data stay float32, and targets, weights and shape stay', () => {
    const data = createDataset({
      inputs: Float32Array.of(1, 2, 3, 4),
      targets: [0, 1],
      weights: [1, 2],
      inputShape: [1, 2, 1],
    });
    const scaled = data.standardize();
    expect(scaled.inputs()).toBeInstanceOf(Float32Array);
    expect(scaled).toMatchObject({ inputShape: [1, 2, 1], classCount: 2, sampleCount: 2 });
    expect(scaled.targets()).toEqual(data.targets());
    expect(scaled.weights()).toEqual(data.weights());
  });
});

test('1, 2, 3, 4 become ∓3/√5 and ∓1/√5', () => {
  const scaled = [
    ...of([[1], [2], [3], [4]])
      .standardize()
      .inputs(),
  ];
  const unit = 1 / Math.sqrt(5);
  [-3 * unit, -unit, unit, 3 * unit].forEach((expected, index) => {
    expect(scaled[index]).toBeCloseTo(expected, 15);
  });
});

describe('refusals', () => {
  test('over with another input size is ERR_SHAPE', () => {
    expect(() => of([[1], [2]]).standardize({ over: [of([[1]]), of([[1, 2]])] })).toThrow(
      refusal('ERR_SHAPE', /dataset 1 of over has 2 inputs a sample; expected 1/),
    );
  });

  test('over without a dataset is ERR_SPEC', () => {
    for (const over of [[], 5, [5], {}]) {
      expect(() => of([[1], [2]]).standardize({ over } as never)).toThrow(
        refusal('ERR_SPEC', /over is .*; expected a dataset or an array of them/),
      );
    }
  });

  test('a spread beyond float64 is ERR_NUMERIC with the column, not NaN', () => {
    expect(() =>
      of([
        [0, -1.7e308],
        [1, 1.7e308],
      ]).standardize(),
    ).toThrow(refusal('ERR_NUMERIC', /spread of input column 1 \(Infinity\)/));
    expect(() => of([[0], [5e-324]]).standardize()).toThrow(
      refusal('ERR_NUMERIC', /spread of input column 0/),
    );
    expect(() => of([[1e300]]).standardize({ over: of([[0], [1e-300]]) })).toThrow(
      refusal('ERR_NUMERIC', /sample 0, column 0 becomes Infinity/),
    );
  });
});
