// Eigenpairs of orders at which they come in two stages and back: residuals, orthogonality, laws.

import { describe, expect, it } from 'vitest';

import { eigenpairs } from '../../src/index.js';
import type { Eigenpairs } from '../../src/index.js';
import { createRandom } from '../../src/data/random.js';
import { distance, largest, sameBits } from '../curvature/random-problems.js';
import { epsilon, tridiagonal, withSpectrum } from './known-spectra.js';
import type { DTypeName } from './known-spectra.js';

/** The native tuning's `pairsFrom`, and an order above it, 59 Wilkinson matrices of order 21. */
const crossover = 1200;
const order = 59 * 21;

/** max |V Vᵀ − I| for rows V [count, size]. */
function orthogonalityError(vectors: Float64Array | Float32Array, size: number): number {
  const rows = Float64Array.from(vectors);
  const count = rows.length / size;
  let most = 0;
  // Four rows against one: a quarter of the loads.
  for (let i = 0; i < count; i += 4) {
    for (let j = 0; j < Math.min(count, i + 4); j += 1) {
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let k = 0; k < size; k += 1) {
        const x = rows[j * size + k] ?? 0;
        const at = i * size + k;
        a += x * (rows[at] ?? 0);
        b += x * (rows[at + size] ?? 0);
        c += x * (rows[at + 2 * size] ?? 0);
        d += x * (rows[at + 3 * size] ?? 0);
      }
      [a, b, c, d].slice(0, count - i).forEach((product, r) => {
        most = Math.max(most, Math.abs(product - Number(i + r === j)));
      });
    }
  }
  return most;
}

/** ‖A v − λ v‖ of every `step`th pair, from products with A. */
async function residuals(
  operator: ReturnType<typeof withSpectrum>,
  { values, vectors }: Eigenpairs,
  step: number,
): Promise<Map<number, number>> {
  const { size } = operator;
  const found = new Map<number, number>();
  for (let k = 0; k < values.length; k += step) {
    const vector = Float64Array.from(vectors.subarray(k * size, (k + 1) * size));
    const product = await operator.apply(vector, 1);
    const value = values[k] ?? NaN;
    // Scaled, since squares of large residuals overflow.
    const apart = Array.from(vector, (x, i) => (product[i] ?? NaN) - value * x);
    const scale = largest(apart) || 1;
    found.set(k, scale * Math.hypot(...apart.map((x) => x / scale)));
  }
  return found;
}

async function expectPairs(
  operator: ReturnType<typeof withSpectrum>,
  pairs: Eigenpairs,
  dtype: DTypeName,
  norm: number,
): Promise<void> {
  const limit = Math.max(operator.size, 10) * epsilon[dtype];
  expect(orthogonalityError(pairs.vectors, operator.size)).toBeLessThanOrEqual(limit);
  expect(largest(pairs.residualNorms)).toBeLessThanOrEqual(limit * norm);
  for (const [k, residual] of await residuals(operator, pairs, 211)) {
    expect(Math.abs(residual - (pairs.residualNorms[k] ?? NaN))).toBeLessThanOrEqual(limit * norm);
    expect(residual).toBeLessThanOrEqual(limit * norm);
  }
}

const spectra: readonly (readonly [string, (i: number, random: () => number) => number])[] = [
  ['random', (_, random) => random()],
  ['two clusters of width 1e-13', (i, random) => (i % 2) + 1e-13 * random()],
  ['graded from 1 to 1e-300', (i) => 10 ** ((-300 * i) / order)],
  ['of rank 20', (i, random) => (i < 20 ? random() : 0)],
  ['the identity', () => 1],
  ['zero', () => 0],
];

const wilkinson = (i: number): number => Math.abs(i - (order - 1) / 2);
const smallWilkinson = (i: number): number => Math.abs((i % 21) - 10);
const tridiagonals: readonly (readonly [string, (i: number) => number, (i: number) => number])[] = [
  ["Wilkinson's", wilkinson, () => 1],
  ["Wilkinson's of order 21, glued by 1e-8", smallWilkinson, (i) => (i % 21 === 0 ? 1e-8 : 1)],
  ["Wilkinson's of order 21, glued by 1e-14", smallWilkinson, (i) => (i % 21 === 0 ? 1e-14 : 1)],
];

describe.each(['float64', 'float32'] as const)('eigenpairs in two stages, %s', (dtype) => {
  // All of them in float64, a third in float32: most of the time goes into V Vᵀ.
  const asked = dtype === 'float64' ? {} : { largest: order / 3 };
  it.each(spectra)('of a matrix whose spectrum is %s', async (_, value) => {
    const random = createRandom(3);
    const expected = Float64Array.from({ length: order }, (_unused, i) =>
      value(i, () => random.normal()),
    );
    const operator = withSpectrum(expected, dtype);
    const pairs = await eigenpairs(operator, asked);
    const norm = largest(expected);
    await expectPairs(operator, pairs, dtype, norm);
    expected.sort();
    const limit = order * epsilon[dtype] * norm;
    const same = expected.subarray(order - pairs.values.length);
    expect(distance(pairs.values, same)).toBeLessThanOrEqual(limit);
  });

  it.each(tridiagonals)('of %s matrix', async (_, diagonal, beside) => {
    const operator = tridiagonal(order, diagonal, beside, dtype);
    const pairs = await eigenpairs(operator, asked);
    await expectPairs(operator, pairs, dtype, largest(pairs.values));
  });

  it.each(dtype === 'float64' ? [1e-306, 1e-150, 1e150] : [1e-30, 1e30])(
    'scaled by %d, scale with the matrix',
    async (scale) => {
      const expected = Float64Array.from({ length: order }, (_, i) => scale * (i / order - 0.5));
      const operator = withSpectrum(expected, dtype);
      const pairs = await eigenpairs(operator, { largest: 150 });
      await expectPairs(operator, pairs, dtype, scale / 2);
      const limit = order * epsilon[dtype] * scale;
      expect(distance(pairs.values, expected.subarray(-150))).toBeLessThanOrEqual(limit);
    },
  );

  it('a range of them are those of all, at either end', async () => {
    const random = createRandom(4);
    const spectrum = Float64Array.from({ length: order }, () => random.normal());
    const operator = withSpectrum(spectrum, dtype);
    const all = await eigenpairs(operator);
    await expectPairs(operator, all, dtype, largest(spectrum));
    for (const end of ['smallest', 'largest'] as const) {
      for (const count of [1, 37, 250]) {
        const some = await eigenpairs(operator, { [end]: count });
        const from = end === 'smallest' ? 0 : order - count;
        expect(sameBits(some.values, all.values.subarray(from, from + count))).toBe(true);
        const limit = order * epsilon[dtype];
        expect(orthogonalityError(some.vectors, order)).toBeLessThanOrEqual(limit);
        expect(largest(some.residualNorms)).toBeLessThanOrEqual(limit * largest(spectrum));
      }
    }
  });

  it('have the same bits on one, two and three threads', async () => {
    const random = createRandom(9);
    const expected = Float64Array.from({ length: order + 70 }, () => random.normal());
    const operator = withSpectrum(expected, dtype);
    for (const some of [{}, { largest: 100 }]) {
      const [one, ...others] = await Promise.all(
        [1, 2, 3].map((threads) => eigenpairs(operator, { threads, ...some })),
      );
      for (const other of others) {
        expect(sameBits(other.values, one?.values)).toBe(true);
        expect(sameBits(other.vectors, one?.vectors)).toBe(true);
        expect(sameBits(other.residualNorms, one?.residualNorms)).toBe(true);
      }
    }
  });
});

describe('eigenpairs in two stages', () => {
  it.each([-1, 0, 1])('agree across the crossover, order %i from it', async (offset) => {
    const expected = Float64Array.from({ length: crossover + offset }, (_, i) => i + 1);
    const operator = withSpectrum(expected, 'float64');
    const pairs = await eigenpairs(operator, { largest: 80 });
    await expectPairs(operator, pairs, 'float64', largest(expected));
    const limit = expected.length * epsilon.float64 * expected.length;
    expect(distance(pairs.values, expected.subarray(-80))).toBeLessThanOrEqual(limit);
  });

  it('report their stages, each to its end, and stop when aborted', async () => {
    const expected = Float64Array.from({ length: order }, (_, i) => i);
    const operator = withSpectrum(expected, 'float64');
    const stages = [
      'full to band',
      'band to tridiagonal',
      'tridiagonal',
      'vectors: tridiagonal to band',
      'vectors: band to full',
      'residuals',
    ];
    const ends = new Map<string, boolean>();
    const totals = new Map<string, Set<number>>();
    await eigenpairs(operator, {
      onProgress: ({ stage, done, total }) => {
        ends.set(stage, done === total);
        totals.set(stage, (totals.get(stage) ?? new Set()).add(total));
      },
    });
    for (const [stage, found] of totals) expect([stage, ...found]).toHaveLength(2);
    for (const stage of stages) expect([stage, ends.get(stage)]).toEqual([stage, true]);
    for (const last of stages) {
      const controller = new AbortController();
      const aborted = eigenpairs(operator, {
        signal: controller.signal,
        onProgress: ({ stage }) => {
          if (stage === last) controller.abort();
        },
      });
      await expect(aborted).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    }
  });
});

describe('eigenpairs in one stage, of entries whose squares are out of range', () => {
  const size = 40;

  it.each([1e-150, 1e150, 1e200])('scaled by %d, residual norms scale with it', async (scale) => {
    const expected = Float64Array.from({ length: size }, (_, i) => scale * (i - size / 3));
    const { residualNorms } = await eigenpairs(withSpectrum(expected, 'float64'));
    const most = largest(residualNorms) / (epsilon.float64 * largest(expected));
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(size);
  });

  it('near the smallest number, a range of a graded one is as precise as all', async () => {
    const expected = Float64Array.from({ length: size }, (_, i) => 1e-234 * 10 ** (-i / 4));
    const operator = withSpectrum(expected, 'float64');
    expected.sort();
    const { values } = await eigenpairs(operator, { smallest: 17 });
    const limit = size * epsilon.float64 * largest(expected);
    expect(distance(values, expected.subarray(0, 17))).toBeLessThanOrEqual(limit);
  });
});
