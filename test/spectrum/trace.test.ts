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

  it.each(['hutchinson', 'hutch++'] as const)(
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

  it('refuse fewer products than an error needs', async () => {
    await expect(trace(withOnes(d), { products: 2 })).rejects.toEqual(
      refusal('ERR_SPEC', /'products' is 2; expected an integer of at least 6/),
    );
  });
});
