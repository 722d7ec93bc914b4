import { describe, expect, it } from 'vitest';

import { marchenkoPastur } from '../../src/index.js';

/** ∫ f over [a, b] by the midpoint rule on θ with x = (a + b)/2 − (b − a)/2·cos θ, which tames the ends. */
function integrate(f: (x: number) => number, [a, b]: readonly [number, number]): number {
  const n = 20_000;
  let sum = 0;
  for (let i = 0; i < n; ++i) {
    const theta = ((i + 0.5) * Math.PI) / n;
    const x = (a + b) / 2 - ((b - a) / 2) * Math.cos(theta);
    sum += f(x) * Math.sin(theta);
  }
  return (sum * Math.PI * (b - a)) / (2 * n);
}

describe('the Marčenko-Pastur law', () => {
  it.each([
    { ratio: 0.02, variance: 1 },
    { ratio: 0.2, variance: 0.25 },
    { ratio: 1, variance: 2 },
    { ratio: 3, variance: 1 },
  ])('has total mass 1 with its zeros, mean σ², second moment σ⁴(1 + α): $ratio', (options) => {
    const { ratio, variance } = options;
    const law = marchenkoPastur(options);
    const moment = (k: number): number =>
      integrate((x) => law.density(x) * x ** k, [law.lower, law.upper]);
    expect(moment(0) + law.zeroShare).toBeCloseTo(1, ratio === 1 ? 3 : 6);
    expect(moment(1)).toBeCloseTo(variance, 6);
    expect(moment(2)).toBeCloseTo(variance ** 2 * (1 + ratio), 6);
  });

  it('keeps a weak spike inside the bulk and joins continuously at the transition', () => {
    const { upper, outlier } = marchenkoPastur({ ratio: 0.25 });
    expect(outlier(1.4)).toBe(upper);
    expect(outlier(1.5 + 1e-9)).toBeCloseTo(upper, 8);
    expect(outlier(3)).toBeCloseTo(3 * (1 + 0.25 / 2), 12);
  });

  it('refuses a ratio that is not positive', () => {
    expect(() => marchenkoPastur({ ratio: 0 })).toThrow(
      expect.objectContaining({ code: 'ERR_SPEC' }),
    );
  });
});
