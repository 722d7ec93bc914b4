import { describe, expect, it } from 'vitest';

import { f3Widths } from '../../src/experiments/f3-widths.js';
import type { F3Result, F3Run } from '../../src/experiments/f3-widths.js';
import { renderChart } from '../../src/report/render.js';

/** Spectra of M = 75·n + 10 whose largest fall as 1/rank, times `scale`, with negative ones of one shape in
 *  rank / M, times `negative`. */
function width(units: number, { scale = 1, negative = 1 } = {}): F3Run['widths'][number] {
  const parameterCount = 75 * units + 10;
  const eigenvalues = Array.from({ length: parameterCount }, (_, i) => {
    const fromTop = parameterCount - i;
    const share = (i + 1) / parameterCount;
    return fromTop <= 130
      ? scale / fromTop
      : share < 0.05
        ? (-1e-5 * negative) / (1 + 100 * share)
        : 0;
  });
  return { units, parameterCount, loss: 0.01, errorEstimate: 1e-14, eigenvalues };
}

function result(...all: readonly F3Run['widths'][]): F3Result {
  const runs = all.map((widths, i) => ({ seed: i + 1, widths }));
  return { experiment: 'f3', seed: 1, data: 'made', digest: '00', steps: 1, runs };
}

describe('figures 3 and 5', () => {
  it('hold where outliers coincide and negative ends have one shape', () => {
    const claims = f3Widths.check(result([10, 30, 50, 70].map((units) => width(units))));
    expect(Object.values(claims).map(({ holds }) => holds)).toEqual([true, true, true]);
  });

  it('fail where the outliers grow with the width', () => {
    const widths = [10, 30, 50, 70].map((units) => width(units, { scale: units }));
    expect(f3Widths.check(result(widths)).largestCoincide?.holds).toBe(false);
  });

  it('take the median over seeds, and tell them all', () => {
    const same = [10, 30].map((units) => width(units));
    const grown = [10, 30].map((units) => width(units, { scale: units }));
    const { largestCoincide: most } = f3Widths.check(result(same, grown, same));
    expect(most).toMatchObject({ holds: true, measured: '0 %; by seed 0, 70.7, 0 %' });
    expect(f3Widths.check(result(grown, same, grown)).largestCoincide?.holds).toBe(false);
  });

  it('fail where the negative ends differ by more than a factor of two', () => {
    const widths = [width(10), width(30, { negative: 2.5 })];
    expect(f3Widths.check(result(widths)).oneShape?.holds).toBe(false);
  });

  it('fail where more eigenvalues are negative than R can have', () => {
    const narrow = width(10);
    const eigenvalues = narrow.eigenvalues.map((value, i) => (i < 91 ? -1e-3 : Math.max(value, 0)));
    expect(f3Widths.check(result([{ ...narrow, eigenvalues }])).fewNegatives?.holds).toBe(false);
  });

  it('need the folder of MNIST at the paper’s scale', async () => {
    await expect(f3Widths.perform({ seed: 1, scale: 'paper' })).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining('--data-dir') as unknown,
    });
  });

  it('are drawn', async () => {
    const charts = f3Widths.draw(result([width(10), width(30)]));
    expect(charts).toHaveLength(2);
    for (const chart of charts) {
      expect(await renderChart(chart, { format: 'svg' })).toMatch(/^<svg/);
    }
  });
});
