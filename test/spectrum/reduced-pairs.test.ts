// Eigenpairs and counts from the smaller matrix that a reduction leaves, in terms of the whole.

import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  denseSpectrum,
  eigenpairs,
  gradientCovariance,
  hessian,
  negativeCount,
  residual,
} from '../../src/index.js';
import type { CurvatureOperator, DType, Eigenpairs } from '../../src/index.js';
import { createRandom } from '../../src/data/random.js';
import { chainWithDeadUnits, randomData, stripedImages } from './reduced-problems.js';

const unit = { float64: 2 ** -52, float32: 2 ** -23 } as const;

/** ‖A v − λ v‖ of each pair by products, the largest |vᵢᵀvⱼ − δᵢⱼ|. */
async function check(
  operator: CurvatureOperator,
  { values, vectors }: Eigenpairs,
): Promise<{ residuals: number[]; defect: number }> {
  const { size } = operator;
  const products = await operator.apply(vectors, values.length);
  const row = (k: number): number[] => Array.from(vectors.subarray(k * size, (k + 1) * size));
  const rows = Array.from(values, (_, k) => row(k));
  const residuals = rows.map((v, k) =>
    Math.hypot(...v.map((x, i) => (products[k * size + i] ?? NaN) - (values[k] ?? NaN) * x)),
  );
  let defect = 0;
  for (const [i, a] of rows.entries()) {
    for (const [j, b] of rows.entries()) {
      const inner = a.reduce((sum, x, k) => sum + x * (b[k] ?? NaN), 0);
      defect = Math.max(defect, Math.abs(inner - (i === j ? 1 : 0)));
    }
  }
  return { residuals, defect };
}

/** The pairs are those of the whole matrix, with vectors and residuals that hold of it. */
async function expectPairs(operator: CurvatureOperator): Promise<void> {
  const whole = await denseSpectrum(operator, { reduce: false });
  // Not from a Gram matrix, which the covariance of few samples would come from.
  const spectrum = await denseSpectrum(operator, { via: 'products' });
  expect(spectrum.reduction?.size).toBeLessThan(operator.size);
  const bound = whole.errorEstimate + spectrum.errorEstimate;
  const norm = Math.hypot(...whole.eigenvalues);
  const pairs = await eigenpairs(operator);
  expect(pairs.values.length).toBe(operator.size);
  for (const [k, value] of pairs.values.entries()) {
    expect(Math.abs(value - (whole.eigenvalues[k] ?? NaN))).toBeLessThanOrEqual(bound);
  }
  const { residuals, defect } = await check(operator, pairs);
  expect(defect).toBeLessThan(20 * Math.sqrt(operator.size) * unit[operator.dtype]);
  for (const [k, residualNorm] of pairs.residualNorms.entries()) {
    // The products are rounded, too.
    expect(residuals[k]).toBeLessThanOrEqual(residualNorm + bound);
    expect(residualNorm).toBeLessThan(1e3 * unit[operator.dtype] * norm);
  }
}

const chain = (dtype: DType) => chainWithDeadUnits('relu', dtype);
const convolution = (dtype: DType) =>
  createNetwork(
    {
      input: [2, 5, 5],
      layers: [
        { type: 'conv2d', filters: 3, kernelSize: 3 },
        { type: 'tanh' },
        { type: 'flatten' },
        { type: 'dense', units: 3 },
      ],
      loss: 'softmaxCrossEntropy',
    },
    { seed: 1, dtype },
  );

/** Repeated and summed inputs: the basis of their span is no choice of columns. */
const mixed = createDataset({
  inputs: Array.from({ length: 20 }, (_, n) => {
    const random = createRandom(n + 1);
    const [a, b] = [Math.round(16 * random.normal()) / 16, Math.round(16 * random.normal()) / 16];
    return [a, b, a + b, a - b];
  }),
  targets: Array.from({ length: 20 }, (_, n) => n % 3),
});

describe('eigenpairs of a reduced matrix', () => {
  it.each(['float64', 'float32'] as const)('are those of the whole (%s)', async (dtype) => {
    for (const make of [hessian, residual, gradientCovariance]) {
      await expectPairs(make(chain(dtype), mixed));
      await expectPairs(make(convolution(dtype), stripedImages(30, 2, 5)));
    }
    await expectPairs(hessian(chain(dtype), mixed, { parameters: 'dense0', weightDecay: 0.25 }));
  });

  it('at one end are the same, wherever the zeros lie', async () => {
    const operator = hessian(chain('float64'), mixed);
    const all = await eigenpairs(operator);
    const { reduction, errorBound } = await denseSpectrum(operator);
    const zeros = operator.size - (reduction?.size ?? NaN);
    const negative = all.values.findIndex((value) => value >= 0);
    expect(zeros).toBeGreaterThan(20);
    expect(negative).toBeGreaterThan(1);
    const far = [1, negative, negative + 1, negative + zeros, operator.size - 1, operator.size];
    for (const count of far) {
      for (const end of ['smallest', 'largest'] as const) {
        const some = await eigenpairs(operator, { [end]: count });
        const begin = end === 'smallest' ? 0 : operator.size - count;
        expect(some.values.length).toBe(count);
        for (const [k, value] of some.values.entries()) {
          expect(Math.abs(value - (all.values[begin + k] ?? NaN))).toBeLessThanOrEqual(errorBound);
        }
        const { residuals, defect } = await check(operator, some);
        expect(defect).toBeLessThan(1e-12);
        expect(Math.max(...residuals)).toBeLessThan(Math.max(...some.residualNorms) + errorBound);
      }
    }
  });

  it('are those of the whole matrix where it is asked for', async () => {
    const operator = hessian(chain('float64'), mixed);
    const [whole, reduced] = [
      await eigenpairs(operator, { reduce: false }),
      await eigenpairs(operator),
    ];
    const { errorBound } = await denseSpectrum(operator);
    for (const [k, value] of whole.values.entries()) {
      expect(Math.abs(value - (reduced.values[k] ?? NaN))).toBeLessThanOrEqual(2 * errorBound);
    }
    await expect(eigenpairs(operator, { reduce: true as unknown as false })).rejects.toMatchObject({
      code: 'ERR_SPEC',
      message: expect.stringContaining("'exact' or false") as string,
    });
  });
});

describe('negativeCount of a reduced matrix', () => {
  it('counts what is below, the zeros at their place', async () => {
    const data = randomData(25, 4, { seed: 2 });
    for (const operator of [
      hessian(chain('float64'), data),
      hessian(convolution('float64'), stripedImages(30, 2, 5)),
      hessian(chain('float64'), data, { weightDecay: 0.125 }),
    ]) {
      const { eigenvalues, reduction, errorBound } = await denseSpectrum(operator);
      const zeros = operator.size - (reduction?.size ?? NaN);
      expect(zeros).toBeGreaterThan(0);
      const lambda = operator.weightDecay;
      const margin = 1e4 * errorBound;
      for (const shift of [lambda - margin, lambda + margin, 0, 1e-3, -1e-3]) {
        const expected = eigenvalues.filter((value) => value < shift).length;
        const near = eigenvalues.filter((value) => Math.abs(value - shift) < margin / 2).length;
        const found = await negativeCount(operator, { shift, tolerance: 0 });
        if (found.method !== 'inertia') throw new Error('not certified');
        const [lower, upper] = found.uncertain.ranks;
        expect(lower).toBeLessThanOrEqual(expected);
        expect(upper).toBeGreaterThanOrEqual(expected - near);
        if (near === 0) expect(found).toMatchObject({ count: expected, certified: true });
      }
      // At the zeros' own place, none of them is below.
      const below = eigenvalues.filter((value) => value < lambda - errorBound).length;
      const { count } = await negativeCount(operator, { shift: lambda });
      expect(count).toBeLessThanOrEqual(below);
    }
  });
});

describe('the covariance of the gradients of one sample is 0', () => {
  // What is left of the matrix is one entry, which has no mirror image to show its rounding.
  it.each([1, 3, 8, 11, 40])(
    'within its errorBound, and certainly not negative, seed %i',
    async (seed) => {
      const network = createNetwork(
        {
          input: [1, 4, 4],
          layers: [
            { type: 'conv2d', filters: 3, kernelSize: 2 },
            { type: 'softplus' },
            { type: 'flatten' },
            { type: 'dense', units: 1, name: 'out' },
          ],
          loss: 'binaryCrossEntropy',
        },
        { seed },
      );
      let state = seed * 77;
      const next = (): number => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return (state / 2 ** 32 - 0.5) * 6;
      };
      const data = createDataset({
        inputs: [Array.from({ length: 16 }, next)],
        inputShape: [1, 4, 4],
        targets: [[1]],
      });
      const operator = gradientCovariance(network, data, { parameters: ['out'] });
      const { eigenvalues, errorBound } = await denseSpectrum(operator, { via: 'products' });
      expect(Math.max(...eigenvalues.map(Math.abs))).toBeLessThanOrEqual(errorBound);
      expect(await negativeCount(operator)).toMatchObject({ count: 0 });
    },
  );
});
