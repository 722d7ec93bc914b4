import { describe, expect, it } from 'vitest';

import type { S1Result } from '../../src/experiments/s1-figure.js';
import { s1Spectra } from '../../src/experiments/s1-spectra.js';
import { renderChart } from '../../src/report/render.js';

type Point = S1Result['random']['before'];

/** `bulk` zeros and negative ones, `outliers` of about 1. */
function point({ bulk, outliers }: { readonly bulk: number; readonly outliers: number }): Point {
  const small = Array.from({ length: bulk }, (_, i) => (i - bulk / 2) * 1e-5);
  const large = Array.from({ length: outliers }, (_, i) => 1 + i / (10 * outliers));
  const eigenvalues = [...small, ...large];
  return {
    parameterCount: eigenvalues.length,
    loss: 0.1,
    accuracy: 1,
    errorEstimate: 1e-14,
    outliers,
    threshold: 0.5,
    eigenvalues,
  };
}

const result: S1Result = {
  experiment: 's1',
  seed: 1,
  digest: '00',
  data: 'made',
  samples: 100,
  classes: 10,
  learningRate: 0.1,
  steps: 10,
  starts: 2,
  widths: [10, 20].map((units) => ({
    units,
    points: [1, 2].map(() => point({ bulk: 10 * units, outliers: 10 })),
  })),
  random: {
    units: 20,
    before: point({ bulk: 200, outliers: 3 }),
    after: point({ bulk: 200, outliers: 30 }),
  },
  matrix: {
    units: 10,
    parameterCount: 4,
    cell: 2,
    size: 2,
    matrix: [1, 0.1, 0.1, 0],
    blocks: [0, 2],
  },
};

describe('figures S1 and S2', () => {
  it('hold where the bulk grows, outliers stay, and random inputs have another edge', () => {
    const claims = s1Spectra.check(result);
    expect(Object.values(claims).map(({ holds }) => holds)).toEqual([true, true, true, true]);
  });

  it('fail where outliers grow with the width, or the bulk does not', () => {
    const [first] = result.widths;
    if (first === undefined) throw new Error('no width');
    const more = { units: 20, points: [point({ bulk: 200, outliers: 21 })] };
    expect(s1Spectra.check({ ...result, widths: [first, more] }).outliersStay?.holds).toBe(false);
    const same = { ...first, units: 20 };
    expect(s1Spectra.check({ ...result, widths: [first, same] }).bulkGrows?.holds).toBe(false);
  });

  it('fail where random inputs have no peak at zero, or no more at the edge than images', () => {
    const flat = { ...result.random, before: point({ bulk: 3, outliers: 40 }) };
    expect(s1Spectra.check({ ...result, random: flat }).bulkOfRandomInputs?.holds).toBe(false);
    const alike = { ...result.random, after: point({ bulk: 200, outliers: 19 }) };
    expect(s1Spectra.check({ ...result, random: alike }).edgeIsTheData?.holds).toBe(false);
  });

  it('need the folder of MNIST at the paper’s scale', async () => {
    await expect(s1Spectra.perform({ seed: 1, scale: 'paper' })).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining('--data-dir') as unknown,
    });
  });

  it('are drawn, the axes of the matrix counting parameters, not cells', async () => {
    const charts = s1Spectra.draw(result);
    expect(charts.map(({ kind }) => kind)).toEqual(['heatMap', 'histogram', 'histogram']);
    for (const chart of charts) {
      expect(await renderChart(chart, { format: 'svg' })).toMatch(/^<svg/);
    }
    const [heatMap] = charts;
    if (heatMap === undefined) throw new Error('no chart');
    expect(await renderChart(heatMap, { format: 'svg' })).toMatch(/>4<\/text>/);
  });
});
