// All eigenvalues, in one stage and in two: spectra that are known, laws.

import { describe, expect, it } from 'vitest';

import { denseSpectrum, eigenpairs, eigenvalues, matrixOperator } from '../../src/index.js';
import { createRandom } from '../../src/data/random.js';
import { distance, largest } from '../curvature/random-problems.js';
import { epsilon, tridiagonal, withSpectrum } from './known-spectra.js';

/** The native tuning's `from` (float32's is lower), an odd order far above it, whose last blocks are cut short, and one
 *  far below it. */
const crossover = 500;
const order = 2 * crossover + 37;
const inOneStage = 203;

type Spectrum = (i: number, order: number, random: () => number) => number;
const spectra: readonly (readonly [string, Spectrum])[] = [
  ['spread evenly', (i, n) => i - n / 3],
  ['random', (_, _n, random) => random()],
  ['two clusters of width 1e-13', (i, _n, random) => (i % 2) + 1e-13 * random()],
  ['graded from 1 to 1e-300', (i, n) => 10 ** ((-300 * i) / n)],
  ['of rank 20', (i, _n, random) => (i < 20 ? random() : 0)],
  ['the identity', () => 1],
];

describe.each([
  ['float64', order],
  ['float32', order],
  ['float64', inOneStage],
  ['float32', inOneStage],
] as const)('eigenvalues, %s, order %i', (dtype, order) => {
  it.each(spectra)('%s, are within n·ε·‖A‖', async (_, value) => {
    const random = createRandom(3);
    const expected = Float64Array.from({ length: order }, (_unused, i) =>
      value(i, order, () => random.normal()),
    );
    const operator = withSpectrum(expected, dtype);
    const { eigenvalues: values, errorBound } = await denseSpectrum(operator);
    expected.sort();
    // Making the matrix rounds its entries: ε‖A‖_F ≤ √n·ε·‖A‖₂ more.
    const limit = order * epsilon[dtype] * largest(expected);
    expect(distance(values, expected)).toBeLessThanOrEqual(limit);
    expect(distance(values, expected)).toBeLessThanOrEqual(errorBound);
  });

  it.each(dtype === 'float64' ? [1e-300, 1e-150, 1e150, 1e300] : [1e-30, 1e-15, 1e15, 1e30])(
    'scaled by %d, scale with the matrix',
    async (scale) => {
      const expected = Float64Array.from({ length: order }, (_, i) => scale * (i / order - 0.5));
      const values = await eigenvalues(withSpectrum(expected, dtype));
      expect(distance(values, expected)).toBeLessThanOrEqual(order * epsilon[dtype] * scale);
    },
  );

  it('have the same bits on one, two and three threads', async () => {
    const random = createRandom(9);
    const expected = Float64Array.from({ length: order + 100 }, () => random.normal());
    const operator = withSpectrum(expected, dtype);
    const [one, two, three] = await Promise.all(
      [1, 2, 3].map((threads) => eigenvalues(operator, { threads })),
    );
    expect(two).toEqual(one);
    expect(three).toEqual(one);
  });
});

describe.each([order, inOneStage])('eigenvalues of order %i', (order) => {
  it.each([
    ['Wilkinson', (i: number) => Math.abs(i - (order - 1) / 2), 1],
    ['diagonal', (i: number) => ((i * 7919) % order) - 3, 0],
  ] as const)("of a %s matrix are those of LAPACK's divide and conquer", async (_, diagonal, e) => {
    const operator = tridiagonal(order, diagonal, () => e);
    const { values } = await eigenpairs(operator);
    const limit = order * epsilon.float64 * largest(values);
    expect(distance(await eigenvalues(operator), values)).toBeLessThanOrEqual(limit);
  });
});

/** Sums of terms of one sign, whose roundings have one sign, too, and columns that are zero but for roundings. */
const ofOneSign: readonly (readonly [string, (i: number, j: number) => number, Spectrum])[] = [
  ['1', () => 1, (i, n) => (i === 0 ? n : 0)],
  ['1 + δ_ij', (i, j) => (i === j ? 2 : 1), (i, n) => (i === 0 ? n + 1 : 1)],
  [
    'min(i, j)',
    (i, j) => Math.min(i, j) + 1,
    (i, n) => 1 / (4 * Math.sin(((2 * i + 1) * Math.PI) / (4 * n + 2)) ** 2),
  ],
];

describe.each(['float64', 'float32'] as const)('denseSpectrum, %s', (dtype) => {
  it.each(ofOneSign.flatMap((matrix) => [500, 640].map((size) => [...matrix, size] as const)))(
    'with entries %s errs by no more than its estimate',
    async (_, entry, value, size) => {
      const matrix = new (dtype === 'float32' ? Float32Array : Float64Array)(size * size);
      for (let i = 0; i < size; i += 1) {
        for (let j = 0; j < size; j += 1) matrix[i * size + j] = entry(i, j);
      }
      const expected = Float64Array.from({ length: size }, (_unused, i) =>
        value(i, size, () => NaN),
      ).sort();
      const spectrum = await denseSpectrum(matrixOperator(matrix, size));
      expect(distance(spectrum.eigenvalues, expected)).toBeLessThanOrEqual(spectrum.errorEstimate);
    },
  );
});

it.each([inOneStage, crossover])(
  'eigenvalues of order %i whose squares together are out of range',
  async (size) => {
    const matrix = new Float64Array(size * size);
    for (let i = 0; i < size; i += 1) matrix[i * size + size - 1 - i] = 1e307;
    const values = await eigenvalues(matrixOperator(matrix, size));
    const expected = values.map((_, i) => (i < Math.floor(size / 2) ? -1e307 : 1e307));
    const off = Array.from(values, (value, i) => (value - (expected[i] ?? NaN)) / 1e307);
    expect(largest(off)).toBeLessThanOrEqual(size * epsilon.float64);
  },
);

describe('denseSpectrum', () => {
  it.each([
    [40, ['eigenvalues']],
    [inOneStage, ['eigenvalues', 'full to tridiagonal', 'tridiagonal']],
    [order, ['eigenvalues', 'full to band', 'band to tridiagonal', 'tridiagonal']],
  ])('of order %i tells the seconds of its stages', async (size, names) => {
    const before = performance.now();
    const { stages } = await denseSpectrum(
      withSpectrum(
        Float64Array.from({ length: size }, (_, i) => i),
        'float64',
      ),
    );
    const passed = (performance.now() - before) / 1000;
    expect(stages.map(({ stage }) => stage)).toEqual(names);
    const [whole = NaN, ...parts] = stages.map(({ seconds }) => seconds);
    expect(whole).toBeGreaterThan(0);
    expect(whole).toBeLessThan(passed);
    expect(parts.reduce((sum, part) => sum + part, 0)).toBeLessThanOrEqual(whole);
  });
});

describe('eigenvalues', () => {
  it.each([63, 64, 65, 127, 128, 129])('agree across the ways, order %i', async (size) => {
    const expected = Float64Array.from({ length: size }, (_, i) => i + 1);
    const values = await eigenvalues(withSpectrum(expected, 'float64'));
    expect(distance(values, expected)).toBeLessThanOrEqual(size * epsilon.float64 * size);
  });

  it.each([-1, 0, 1])('agree across the crossover, order %i from it', async (offset) => {
    const expected = Float64Array.from({ length: crossover + offset }, (_, i) => i + 1);
    const values = await eigenvalues(withSpectrum(expected, 'float64'));
    const size = expected.length;
    expect(distance(values, expected)).toBeLessThanOrEqual(size * epsilon.float64 * size);
  });

  it('report their stages, each to its end, and stop when aborted', async () => {
    const expected = Float64Array.from({ length: order }, (_, i) => i);
    const operator = withSpectrum(expected, 'float64');
    const ends = new Map<string, boolean>();
    await eigenvalues(operator, {
      onProgress: ({ stage, done, total }) => ends.set(stage, done === total),
    });
    for (const stage of ['full to band', 'band to tridiagonal', 'tridiagonal']) {
      expect([stage, ends.get(stage)]).toEqual([stage, true]);
    }
    for (const last of ['full to band', 'band to tridiagonal', 'tridiagonal']) {
      const controller = new AbortController();
      const aborted = eigenvalues(operator, {
        signal: controller.signal,
        onProgress: ({ stage }) => {
          if (stage === last) controller.abort();
        },
      });
      await expect(aborted).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    }
  });
});
