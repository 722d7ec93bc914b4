// Trace and Frobenius norm: every method against values known by hand, and the reach of its error.

import { describe, expect, it } from 'vitest';

import { frobeniusNorm, trace } from '../../src/index.js';
import type { SymmetricOperator } from '../../src/index.js';
import { refusal } from '../data/refusal.js';

/** diag(d) + u uᵀ without its dense matrix, u of ones. */
function withOnes(d: readonly number[]): SymmetricOperator {
  const n = d.length;
  return {
    size: n,
    apply(v, count) {
      const products = new Float64Array(v.length);
      for (let k = 0; k < count; k += 1) {
        const row = Float64Array.from(v.subarray(k * n, (k + 1) * n));
        const sum = row.reduce((a, b) => a + b, 0);
        for (let i = 0; i < n; i += 1) products[k * n + i] = (d[i] ?? NaN) * (row[i] ?? NaN) + sum;
      }
      return products;
    },
  };
}

/** Qᵀ diag(values) Q of the cosine transform Q. */
function rotated(values: readonly number[]): SymmetricOperator {
  const n = values.length;
  const q = Array.from({ length: n }, (_, i) =>
    Float64Array.from(
      { length: n },
      (__, j) => Math.sqrt((i === 0 ? 1 : 2) / n) * Math.cos((Math.PI * i * (2 * j + 1)) / (2 * n)),
    ),
  );
  return {
    size: n,
    apply(v, count) {
      const products = new Float64Array(v.length);
      for (let k = 0; k < count; k += 1) {
        q.forEach((row, i) => {
          let along = 0;
          for (let j = 0; j < n; j += 1) along += (row[j] ?? NaN) * (v[k * n + j] ?? NaN);
          along *= values[i] ?? NaN;
          for (let j = 0; j < n; j += 1) {
            products[k * n + j] = (products[k * n + j] ?? NaN) + along * (row[j] ?? NaN);
          }
        });
      }
      return products;
    },
  };
}

const d = Array.from({ length: 60 }, (_, i) => i / 10 - 2);
const traceOf = d.reduce((sum, x) => sum + x + 1, 0);
const normOf = Math.sqrt(d.reduce((sum, x) => sum + (x + 1) ** 2 + 59, 0));

describe('trace and Frobenius norm', () => {
  it('are exact by default on small operators', async () => {
    expect(await trace(withOnes(d))).toEqual({
      value: expect.closeTo(traceOf, 10) as number,
      standardError: 0,
      method: 'exact',
    });
    expect((await frobeniusNorm(withOnes(d))).value).toBeCloseTo(normOf, 10);
  });

  it.each(['hutchinson', 'hutch++', 'xtrace'] as const)(
    '%s covers the trace in about 95 of 100 runs',
    async (method) => {
      let covered = 0;
      for (let seed = 0; seed < 100; seed += 1) {
        const { value, standardError } = await trace(withOnes(d), { method, seed, products: 45 });
        if (Math.abs(value - traceOf) <= 2.02 * standardError) covered += 1;
      }
      expect(covered / 100).toBeGreaterThan(0.9);
      expect(covered / 100).toBeLessThan(1);
    },
  );

  it('the norm by random vectors covers the truth, and a sketch as large as the matrix is exact', async () => {
    const { value, standardError } = await frobeniusNorm(withOnes(d), {
      method: 'hutchinson',
      seed: 3,
    });
    expect(Math.abs(value - normOf)).toBeLessThan(3 * standardError);
    const whole = await trace(withOnes(d), { method: 'hutch++', products: 180 });
    expect(whole.value).toBeCloseTo(traceOf, 10);
    expect(whole.standardError).toBe(0);
  });

  it('xtrace errs less than hutch++ where eigenvalues decay, with as many products', async () => {
    for (const decay of [(i: number) => 1 / (1 + i) ** 2, (i: number) => 0.8 ** i]) {
      const values = Array.from({ length: 200 }, (_, i) => decay(i));
      const exact = values.reduce((a, b) => a + b, 0);
      const off = { 'hutch++': 0, xtrace: 0 };
      for (let seed = 0; seed < 40; seed += 1) {
        for (const method of ['hutch++', 'xtrace'] as const) {
          const { value } = await trace(rotated(values), { method, products: 60, seed });
          off[method] += (value - exact) ** 2;
        }
      }
      expect(off.xtrace).toBeLessThan(off['hutch++'] / 2);
    }
  });

  it('hutch++ is exact on an operator of low rank', async () => {
    const values = [5, -2, 1e-3, ...Array.from({ length: 47 }, () => 0)];
    for (let seed = 0; seed < 20; seed += 1) {
      const { value } = await trace(rotated(values), { method: 'hutch++', products: 30, seed });
      expect(Math.abs(value - 3.001)).toBeLessThan(1e-12);
    }
  });

  it.each([
    ['zero', Array.from({ length: 50 }, () => 0)],
    ['the identity', Array.from({ length: 50 }, () => 1)],
    ['of rank 3, with both signs', [5, -2, 1e-3, ...Array.from({ length: 47 }, () => 0)]],
    ['of size 1', [7]],
    ['of size 2, rank 1', [7, 0]],
    ['graded over 200 decades', Array.from({ length: 30 }, (_, i) => 10 ** (100 - 7 * i))],
  ])('xtrace is exact on an operator that is %s', async (_, values) => {
    const exact = values.reduce((a, b) => a + b, 0);
    for (let seed = 0; seed < 20; seed += 1) {
      const { value, standardError } = await trace(rotated(values), {
        method: 'xtrace',
        products: 20,
        seed,
      });
      const norm = Math.max(...values.map(Math.abs));
      expect(Math.abs(value - exact)).toBeLessThanOrEqual(1e-12 * norm);
      expect(standardError).toBeLessThanOrEqual(1e-12 * norm);
    }
  });

  it('refuse fewer products than an error needs', async () => {
    await expect(trace(withOnes(d), { products: 2 })).rejects.toEqual(
      refusal('ERR_SPEC', /'products' is 2; expected an integer of at least 6/),
    );
  });
});
