import { describe, expect, it } from 'vitest';

import { s8Lines } from '../../src/experiments/s8-lines.js';
import type { S8Result } from '../../src/experiments/s8-lines.js';
import { renderChart } from '../../src/report/render.js';

/** Two moments; the loss in the middle of the line, and its excess over the chord. */
function result(same: readonly number[], different: readonly number[]): S8Result {
  const coefficients = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
  const lines = (barriers: readonly number[]): S8Result['pairs'][number]['same'] =>
    barriers.map((barrier, i) => ({
      step: 10 * i,
      losses: coefficients.map((at) => (i === 0 ? 2 : 0.5) + 4 * barrier * at * (1 - at)),
      barrier,
    }));
  const pair = { same: lines(same), different: lines(different) };
  return { experiment: 's8', seed: 1, steps: 10, coefficients, pairs: [pair] };
}

describe('figure S8', () => {
  it('holds for flat lines from one start and bent ones from two', () => {
    const claims = s8Lines.check(result([0, 0.001], [0, 0.4]));
    expect(Object.values(claims).map(({ holds }) => holds)).toEqual([true, true, true]);
  });

  it('fails for a barrier from one start, and where two starts are as flat', () => {
    const claims = s8Lines.check(result([0, 0.4], [0, 0.1]));
    expect(claims).toMatchObject({
      flatFromOneStart: { holds: false },
      lessFlatFromTwo: { holds: false },
    });
  });

  it('fails where the middle of the line does not fall', () => {
    const claims = s8Lines.check(result([0, 0.001], [0, 3]));
    expect(claims.fallsFromTwo?.holds).toBe(false);
  });

  it('draws the excess and the lines', async () => {
    for (const chart of s8Lines.draw(result([0, 0.001], [0, 0.4]))) {
      expect(await renderChart(chart, { format: 'svg' })).toMatch(/^<svg/);
    }
  });
});
