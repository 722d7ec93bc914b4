import { describe, expect, it } from 'vitest';

import { createNetwork } from '../../src/index.js';
import { f9MarchenkoPastur } from '../../src/experiments/f9-marchenko-pastur.js';
import { s3Widths } from '../../src/experiments/s3-widths.js';
import type { S3Result } from '../../src/experiments/s3-widths.js';
import { s7Spread } from '../../src/experiments/s7-spread.js';
import {
  GRADIENT_NORM,
  blobs,
  median,
  networkOfWidth,
  randomStarts,
  trainAndMeasure,
} from '../../src/experiments/two-blobs.js';
import { renderChart } from '../../src/report/render.js';

describe('the two-blobs system', () => {
  it('has the five sizes of the paper', () => {
    const sizes = [2, 6, 10, 14, 18].map((units) => {
      using network = createNetwork(networkOfWidth(units));
      return network.parameterCount;
    });
    expect(sizes).toEqual([18, 74, 162, 282, 434]);
  });

  it('trains to the gradient norm and has two isolated eigenvalues there', async () => {
    const spec = networkOfWidth(6);
    using network = createNetwork(spec, { dtype: 'float64' });
    const data = blobs(0.2, 1);
    const [start] = randomStarts(spec, 1, 1);
    if (start === undefined) throw new Error('no start');
    const ends = await trainAndMeasure(network, data, [start], {});
    const values = ends.spectra[0] ?? [];
    expect(ends.unfinished).toBe(0);
    expect(values).toHaveLength(74);
    expect((values.at(-2) ?? 0) / (values.at(-3) ?? 1)).toBeGreaterThan(3);
    expect(GRADIENT_NORM).toBe(1e-4);
  });

  it('counts runs that stop at the cap, and measures them only if asked', async () => {
    const spec = networkOfWidth(2);
    using network = createNetwork(spec, { dtype: 'float64' });
    const starts = randomStarts(spec, 3, 1);
    const data = blobs(0.2, 1);
    const dropped = await trainAndMeasure(network, data, starts, { steps: 5 });
    expect(dropped).toEqual({ spectra: [], unfinished: 3, losses: [] });
    const kept = await trainAndMeasure(network, data, starts, {
      steps: 5,
      measureUnfinished: true,
    });
    expect(kept.unfinished).toBe(3);
    expect(kept.spectra.map((values) => values.length)).toEqual([18, 18, 18]);
  });

  it('takes the median of an even and an odd number of values', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });
});

const spectrumOf = (...top: readonly number[]): number[] => [
  ...new Array<number>(18 - top.length).fill(1e-9),
  ...top,
];

function s3With(...spectra: readonly (readonly number[])[]): S3Result {
  const width = { units: 2, parameterCount: 18, spectra, unfinished: 0 };
  const matrix = Array.from({ length: 18 * 18 }, (_, i) => Math.sin(i));
  return {
    experiment: 's3',
    seed: 1,
    starts: 1,
    widths: [width],
    matrices: [{ size: 18, matrix }],
  };
}

describe('figures S3 to S7, F9', () => {
  it('S3 holds for an isolated pair, and not for three or a slope', () => {
    expect(s3Widths.check(s3With(spectrumOf(0.01, 0.8, 1)))).toMatchObject({
      twoIsolated: { holds: true },
      sameCount: { holds: true },
    });
    const three = s3Widths.check(s3With(spectrumOf(0.5, 0.8, 1)));
    expect(three).toMatchObject({ twoIsolated: { holds: false }, sameCount: { holds: false } });
  });

  it('S3 draws its lines and its heat map', async () => {
    const charts = s3Widths.draw(s3With(spectrumOf(0.01, 0.8, 1)));
    expect(charts.map(({ kind }) => kind)).toEqual(['lines', 'heatMap']);
    for (const chart of charts) {
      expect(await renderChart(chart, { format: 'svg' })).toMatch(/^<svg/);
    }
  });

  it('S7 holds only while both eigenvalues grow', () => {
    const at = (largest: readonly number[]): Parameters<typeof s7Spread.check>[0] => ({
      experiment: 's7',
      seed: 1,
      starts: 1,
      spreads: largest.map((each, i) => ({
        standardDeviation: i,
        largest: each,
        second: each / 2,
        loss: 0,
        unfinished: 0,
      })),
    });
    expect(s7Spread.check(at([1, 2, 3, 4, 5, 6])).largestGrows?.holds).toBe(true);
    expect(s7Spread.check(at([6, 5, 4, 3, 2, 1])).largestGrows?.holds).toBe(false);
    expect(s7Spread.check(at([3, 1, 4, 1.5, 5, 2])).largestGrows?.holds).toBe(false);
  });

  it('F9 measures edges in units of the upper one, and fails beyond 2 %', () => {
    const spectrum = { eigenvalues: [0.0764, 0.3, 0.5236], exactZeros: 0, errorEstimate: 1e-16 };
    const setting = { blobs: 1, ratio: 0.2, dimensions: 3, samples: 15 } as const;
    const held = { ...setting, atZero: [spectrum], atRandom: spectrum };
    const check = (settings: readonly (typeof held)[]): boolean | undefined =>
      f9MarchenkoPastur.check({ experiment: 'f9', seed: 1, settings }).bulkEdges?.holds;
    expect(check([held])).toBe(true);
    const off = { ...spectrum, eigenvalues: [0.0764, 0.3, 0.54] };
    expect(check([{ ...held, atZero: [off] }])).toBe(false);
  });
});
