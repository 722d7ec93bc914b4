// Dense eigenvalues and eigenpairs of given matrices: values known by hand, and laws.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  createNetwork,
  denseSpectrum,
  eigenpairs,
  eigenvalues,
  gaussianClusters,
  hessian,
  matrixOperator,
} from '../../src/index.js';
import type { Eigenpairs, SymmetricOperator } from '../../src/index.js';
import { createRandom } from '../../src/data/random.js';
import { distance, dot, largest } from '../curvature/random-problems.js';
import { refusal } from '../data/refusal.js';

const epsilon = { float64: 2 ** -52, float32: 2 ** -23 } as const;
type DTypeName = keyof typeof epsilon;

function matrixOf(
  size: number,
  entry: (i: number, j: number) => number,
  dtype: DTypeName = 'float64',
) {
  const matrix = new (dtype === 'float32' ? Float32Array : Float64Array)(size * size);
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j < size; j += 1) matrix[i * size + j] = entry(i, j);
  }
  return matrixOperator(matrix, size);
}

function symmetric(size: number, seed: number, dtype: DTypeName = 'float64') {
  const random = createRandom(seed);
  const numbers = Float64Array.from({ length: size * size }, () => random.normal());
  return matrixOf(size, (i, j) => numbers[Math.max(i, j) * size + Math.min(i, j)] ?? NaN, dtype);
}

const norm = (values: ArrayLike<number>): number => Math.sqrt(dot(values, values));

/** ‖Av − λv‖ of each pair, and max |⟨v_i, v_j⟩ − δ_ij|, computed here. */
function quality(matrix: ArrayLike<number>, size: number, { values, vectors }: Eigenpairs) {
  const rows = Array.from(values, (_, k) => vectors.slice(k * size, (k + 1) * size));
  const residuals = rows.map((v, k) => {
    const lambda = values[k] ?? NaN;
    const residual = Array.from(v, (x, i) => {
      let sum = -lambda * x;
      for (let j = 0; j < size; j += 1) sum += (matrix[i * size + j] ?? NaN) * (v[j] ?? NaN);
      return sum;
    });
    return norm(residual);
  });
  const skew = rows.map((v, k) => largest(rows.map((w, l) => dot(v, w) - (k === l ? 1 : 0))));
  return { residuals, orthogonality: largest(skew) };
}

function fail(): never {
  throw new Error('no product is asked for where there is a matrix');
}

describe('eigenvalues known by hand', () => {
  it.each([1, 2, 5, 60])('of zero, identity and a diagonal of order %i', async (size) => {
    const range = Float64Array.from({ length: size }, (_, i) => i - 1);
    expect(await eigenvalues(matrixOf(size, () => 0))).toEqual(new Float64Array(size));
    const ones = await eigenvalues(matrixOf(size, (i, j) => Number(i === j)));
    expect(ones).toEqual(new Float64Array(size).fill(1));
    const diagonal = await eigenvalues(matrixOf(size, (i, j) => (i === j ? size - 2 - i : 0)));
    expect(distance(diagonal, range)).toBeLessThanOrEqual(size * epsilon.float64 * size);
  });

  it('of all ones: n once, 0 else', async () => {
    const values = await eigenvalues(matrixOf(50, () => 1));
    const expected = new Float64Array(50);
    expected[49] = 50;
    expect(distance(values, expected)).toBeLessThanOrEqual(50 * epsilon.float64 * 50);
  });

  it('of the second difference: 2 − 2 cos(kπ/(n+1)), in both dtypes', async () => {
    const size = 100;
    const expected = Float64Array.from(
      { length: size },
      (_, k) => 2 - 2 * Math.cos(((k + 1) * Math.PI) / (size + 1)),
    );
    for (const dtype of ['float64', 'float32'] as const) {
      const entry = (i: number, j: number): number =>
        i === j ? 2 : Math.abs(i - j) === 1 ? -1 : 0;
      const values = await eigenvalues(matrixOf(size, entry, dtype));
      expect(distance(values, expected)).toBeLessThanOrEqual(size * epsilon[dtype] * 4);
    }
  });

  it.each([1e-300, 1e-160, 1, 1e150, 1e300])(
    'of [[2, 1], [1, 2]] scaled by %d: 1 and 3',
    async (scale) => {
      const operator = matrixOf(2, (i, j) => scale * (i === j ? 2 : 1));
      const { eigenvalues: values, errorBound, exactZeros } = await denseSpectrum(operator);
      expect(distance(values, [scale, 3 * scale])).toBeLessThanOrEqual(errorBound);
      expect(errorBound).toBeLessThanOrEqual(100 * epsilon.float64 * scale);
      expect(exactZeros).toBe(0);
    },
  );

  it('near the largest number come with a finite bound; beyond it they are refused', async () => {
    const size = 300;
    const identity = matrixOf(size, (i, j) => (i === j ? 1e306 : 0));
    const { eigenvalues: values, errorBound } = await denseSpectrum(identity);
    expect(largest(values)).toBe(1e306);
    expect(errorBound).toBeLessThanOrEqual(size ** 2 * epsilon.float64 * 1e306);
    // From some order on the norm is what is not finite.
    await expect(eigenvalues(matrixOf(64, () => 1.7e308))).rejects.toMatchObject({
      code: 'ERR_NUMERIC',
    });
    const large = matrixOf(4, () => 1.7e308);
    const single = matrixOf(4, () => 3e38, 'float32');
    for (const call of [
      () => eigenvalues(large),
      () => eigenpairs(large),
      () => eigenvalues(single),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: 'ERR_NUMERIC',
        message: expect.stringContaining('beyond the largest number') as string,
      });
    }
    // Values of pairs are float64, and scaled.
    expect((await eigenpairs(single)).values.at(-1)).toBeCloseTo(1.2e39, -33);
  });

  it('rows that vanish are exact zeros, wherever they are; −0 too', async () => {
    const operator = matrixOf(6, (i, j) => (i % 2 === 0 || j % 2 === 0 ? -0 : i === j ? -1 : 0));
    const spectrum = await denseSpectrum(operator);
    expect(spectrum.eigenvalues).toEqual(new Float64Array([-1, -1, -1, 0, 0, 0]));
    expect(spectrum.exactZeros).toBe(3);
    expect(spectrum.via).toBe('matrix');
  });

  it('leave the matrix of an operator as it was, also where two calls read it at once', async () => {
    for (const make of [Float64Array, Float32Array]) {
      // [300, 300]: copied by several threads
      const size = 300;
      const matrix = new make(size ** 2).map((_, at) =>
        Math.sin(1 + (at % size) * Math.floor(at / size)),
      );
      const operator = matrixOperator(matrix, size);
      const [first, second] = await Promise.all([eigenvalues(operator), eigenvalues(operator)]);
      expect(second).toEqual(first);
      expect(operator.toDense()).toEqual(matrix);
      const written = { size, dtype: operator.dtype, apply: fail, toDense: () => matrix };
      expect(await eigenvalues(written)).toEqual(first);
      expect(operator.toDense()).toEqual(matrix);
    }
  });

  it('a matrix symmetric to 1e-14 is accepted, and one wrong entry is not', async () => {
    const entries = [23473.684554963584, 4273.093076392109, 4273.093076392048, 4462.13956661408];
    const written = (matrix: readonly number[]): SymmetricOperator => ({
      size: 2,
      apply: (vectors, count) =>
        Array.from({ length: count * 2 }, (_, index) => {
          const [k, i] = [Math.floor(index / 2), index % 2];
          return dot(matrix.slice(2 * i, 2 * i + 2), vectors.slice(2 * k, 2 * k + 2));
        }),
    });
    for (const operator of [matrixOperator(entries, 2), written(entries)]) {
      const values = await eigenvalues(operator);
      expect(values[0]).toBeCloseTo(3545.86642903, 8);
      expect(values[1]).toBeCloseTo(24389.95769255, 8);
    }
    const wrong = [23473.684554963584, 4273.093076392109, 4000, 4462.13956661408];
    const message = /the operator is not symmetric: entry \(1, 0\) is 4.*, but \(0, 1\) is 4/;
    for (const operator of [matrixOperator(wrong, 2), written(wrong)]) {
      await expect(eigenvalues(operator)).rejects.toEqual(refusal('ERR_NUMERIC', message));
      await expect(eigenpairs(operator)).rejects.toEqual(refusal('ERR_NUMERIC', message));
    }
  });
});

describe('eigenpairs', () => {
  const sizes = fc.integer({ min: 1, max: 60 });
  const ends = fc.constantFrom<'largest' | 'smallest' | undefined>(
    'largest',
    'smallest',
    undefined,
  );

  it('are eigenpairs: orthonormal, with the residuals they report, all or a few from an end', async () => {
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.nat(1e6),
        ends,
        fc.constantFrom('float64', 'float32'),
        async (size, seed, end, dtype) => {
          const operator = symmetric(size, seed, dtype);
          const matrix = operator.toDense();
          const count = end === undefined ? size : 1 + (seed % size);
          const pairs = await eigenpairs(operator, end === undefined ? {} : { [end]: count });
          expect([pairs.values.length, pairs.vectors.length, pairs.residualNorms.length]).toEqual([
            count,
            count * size,
            count,
          ]);
          const { residuals, orthogonality } = quality(matrix, size, pairs);
          // LAPACK: backward error of a small multiple of n·ε·‖A‖, the vectors orthogonal to n·ε.
          const limit = 10 * size * epsilon[dtype] * Math.max(norm(matrix), Number.MIN_VALUE);
          expect(largest(residuals)).toBeLessThanOrEqual(limit);
          expect(distance(residuals, pairs.residualNorms)).toBeLessThanOrEqual(limit);
          expect(orthogonality).toBeLessThanOrEqual(10 * size * epsilon[dtype]);
          const all = await eigenvalues(operator);
          const expected = end === 'smallest' ? all.subarray(0, count) : all.subarray(size - count);
          expect(distance(pairs.values, expected)).toBeLessThanOrEqual(limit);
        },
      ),
      { seed: 11, numRuns: 150 },
    );
  });

  it.each([
    ['zero', () => 0],
    ['the identity', (i: number, j: number) => Number(i === j)],
    ['all ones', () => 1],
    [
      'eigenvalues 1 and 2, each twenty times',
      (i: number, j: number) => (i === j ? 1.5 : i + j === 39 ? 0.5 : 0),
    ],
    ['a cluster of width 1e-14', (i: number, j: number) => (i === j ? 1 + i * 1e-15 : 1e-16)],
    ['graded from 1 to 1e-30', (i: number, j: number) => 10 ** (-0.4 * (i + j))],
  ] as const)('of %s, order 40, are orthonormal at both ends', async (_, entry) => {
    const operator = matrixOf(40, entry);
    const matrix = operator.toDense();
    for (const options of [{}, { largest: 7 }, { smallest: 25 }, { largest: 1 }, { largest: 40 }]) {
      const pairs = await eigenpairs(operator, options);
      const { residuals, orthogonality } = quality(matrix, 40, pairs);
      expect(orthogonality).toBeLessThanOrEqual(400 * epsilon.float64);
      expect(largest(residuals)).toBeLessThanOrEqual(400 * epsilon.float64 * norm(matrix));
    }
  });

  it('of a curvature operator have its dtype', async () => {
    const data = gaussianClusters({ samples: 30, classes: 3, dimensions: 4, seed: 3 });
    for (const dtype of ['float64', 'float32'] as const) {
      const network = createNetwork(
        {
          input: [4],
          layers: [{ type: 'dense', units: 5 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
          loss: 'softmaxCrossEntropy',
        },
        { dtype },
      );
      const operator = hessian(network, data);
      const pairs = await eigenpairs(operator);
      const { residuals, orthogonality } = quality(await operator.toDense(), operator.size, pairs);
      expect(pairs.vectors).toBeInstanceOf(dtype === 'float64' ? Float64Array : Float32Array);
      expect(orthogonality).toBeLessThanOrEqual(10 * operator.size * epsilon[dtype]);
      const limit = 10 * operator.size * epsilon[dtype] * largest(pairs.values);
      expect(largest(residuals)).toBeLessThanOrEqual(limit);
      expect(distance(residuals, pairs.residualNorms)).toBeLessThanOrEqual(limit);
    }
  });
});

describe('across the crossover from one stage to two', () => {
  it.each(['float64', 'float32'] as const)(
    'eigenvalues of order 1900 are those known, in %s',
    async (dtype) => {
      // QDQ with Q = I − 2uuᵀ, u = 1/√n: eigenvalues 1 … n.
      const size = 1900;
      const mean = (size + 1) / 2;
      const entry = (i: number, j: number): number =>
        (i === j ? i + 1 : 0) - (2 / size) * (i + 1 + j + 1) + (4 / size) * mean;
      const { eigenvalues: values, errorBound } = await denseSpectrum(matrixOf(size, entry, dtype));
      const expected = Float64Array.from({ length: size }, (_, i) => i + 1);
      const unit = epsilon[dtype] * size;
      expect(distance(values, expected)).toBeLessThanOrEqual(50 * unit);
      expect(distance(values, expected)).toBeLessThanOrEqual(errorBound);
    },
  );
});

describe('the public fault of workspace sizes kept in float32', () => {
  it(
    'eigenpairs of a float32 operator of order 2897, where 1 + 6n + 2n² is no float32',
    { timeout: 60_000 },
    async () => {
      const size = 2897;
      const operator: SymmetricOperator = {
        size,
        dtype: 'float32',
        apply(vectors, count) {
          const products = new Float32Array(count * size);
          // x − 2u(uᵀx) for u = 1/√n in every entry
          const reflect = (x: Float64Array): Float64Array => {
            const shift = (2 / size) * x.reduce((sum, value) => sum + value, 0);
            return x.map((value) => value - shift);
          };
          for (let k = 0; k < count; k += 1) {
            const x = Float64Array.from(vectors.subarray(k * size, (k + 1) * size));
            products.set(reflect(reflect(x).map((value, i) => value * (i + 1))), k * size);
          }
          return products;
        },
      };
      const { values } = await eigenpairs(operator);
      expect(
        distance(
          values,
          Float64Array.from({ length: size }, (_, i) => i + 1),
        ),
      ).toBeLessThan(1e-2);
    },
  );
});
