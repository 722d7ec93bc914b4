// All eigenvalues of orders at which the two-stage way is taken: spectra that are known, laws.

import { describe, expect, it } from 'vitest';

import { denseSpectrum, eigenpairs, eigenvalues, matrixOperator } from '../../src/index.js';
import { createRandom } from '../../src/data/random.js';
import { distance, largest } from '../curvature/random-problems.js';

const epsilon = { float64: 2 ** -52, float32: 2 ** -23 } as const;
type DTypeName = keyof typeof epsilon;

/** The native tuning's `from` (float32's is lower), and an odd order above it, whose last blocks are cut short. */
const crossover = 900;
const order = crossover + 37;

const arrayOf = (dtype: DTypeName, length: number): Float64Array | Float32Array =>
  new (dtype === 'float32' ? Float32Array : Float64Array)(length);

/** Q D Q for Q = I − 2uuᵀ with a random unit vector u: its eigenvalues are those of D. */
function withSpectrum(spectrum: Float64Array, dtype: DTypeName) {
  const size = spectrum.length;
  const random = createRandom(5);
  const u = Float64Array.from({ length: size }, () => random.normal());
  const length = Math.hypot(...u);
  for (let i = 0; i < size; i += 1) u[i] = (u[i] ?? NaN) / length;
  const du = u.map((value, i) => value * (spectrum[i] ?? NaN));
  const udu = du.reduce((sum, value, i) => sum + value * (u[i] ?? NaN), 0);
  const matrix = arrayOf(dtype, size * size);
  for (let i = 0; i < size; i += 1) {
    const [ui, dui] = [u[i] ?? NaN, du[i] ?? NaN];
    for (let j = 0; j < i; j += 1) {
      const [uj, duj] = [u[j] ?? NaN, du[j] ?? NaN];
      const entry = 4 * udu * ui * uj - 2 * (ui * duj + dui * uj);
      matrix[i * size + j] = entry;
      matrix[j * size + i] = entry;
    }
    matrix[i * size + i] = (spectrum[i] ?? NaN) + 4 * udu * ui * ui - 4 * ui * dui;
  }
  return matrixOperator(matrix, size);
}

function tridiagonal(size: number, diagonal: (i: number) => number, beside: number) {
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i += 1) {
    matrix[i * size + i] = diagonal(i);
    if (i > 0) {
      matrix[i * size + i - 1] = beside;
      matrix[(i - 1) * size + i] = beside;
    }
  }
  return matrixOperator(matrix, size);
}

const spectra: readonly (readonly [string, (i: number, random: () => number) => number])[] = [
  ['spread evenly', (i) => i - order / 3],
  ['random', (_, random) => random()],
  ['two clusters of width 1e-13', (i, random) => (i % 2) + 1e-13 * random()],
  ['graded from 1 to 1e-300', (i) => 10 ** ((-300 * i) / order)],
  ['of rank 20', (i, random) => (i < 20 ? random() : 0)],
  ['the identity', () => 1],
];

describe.each(['float64', 'float32'] as const)('eigenvalues in two stages, %s', (dtype) => {
  it.each(spectra)('%s, are within n·ε·‖A‖', async (_, value) => {
    const random = createRandom(3);
    const expected = Float64Array.from({ length: order }, (_unused, i) =>
      value(i, () => random.normal()),
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

describe('eigenvalues in two stages', () => {
  it.each([
    ['Wilkinson', (i: number) => Math.abs(i - (order - 1) / 2), 1],
    ['diagonal', (i: number) => ((i * 7919) % order) - 3, 0],
  ] as const)("of a %s matrix are those of LAPACK's divide and conquer", async (_, diagonal, e) => {
    const operator = tridiagonal(order, diagonal, e);
    const { values } = await eigenpairs(operator);
    const limit = order * epsilon.float64 * largest(values);
    expect(distance(await eigenvalues(operator), values)).toBeLessThanOrEqual(limit);
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
