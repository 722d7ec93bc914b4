import { describe, expect, it } from 'vitest';

import { t1Outliers } from '../../src/experiments/t1-outliers.js';
import { ROWS } from '../../src/experiments/t1-rows.js';
import type { T1Result } from '../../src/experiments/t1-outliers.js';
import { renderChart } from '../../src/report/render.js';

type Row = T1Result['rows'][number];

type Counts = Row['runs'][number]['counts'];

/** One data set for each of `counts`. */
function runs(...counts: readonly Counts[]): Row['runs'] {
  return counts.map((each, i) => ({
    seed: i,
    steps: 1000,
    loss: 0.001,
    gradientNorm: 0.003,
    mean: 1e-5,
    counts: each,
    largest: [3, 2, 1, 0.01, 0.001],
  }));
}

const row: Row = {
  algorithm: 'GD',
  activation: 'relu',
  covariance: 1,
  clusters: 10,
  paper: [11, 12, 10],
  parameterCount: 4270,
  runs: runs({ gap: 1, ratio: 3, elbow: 9 }),
};

/** As many rows as the table has, all but `last` as `row`. */
function result(last: Row): T1Result {
  const rows = [...new Array<Row>(18).fill(row), last];
  return { experiment: 't1', seed: 1, cap: 1000, rows };
}

describe('table 1', () => {
  it('holds while one count of each row is within one of the clusters', () => {
    expect(t1Outliers.check(result(row)).asManyAsClusters).toMatchObject({
      holds: true,
      measured: '19 of 19 rows',
    });
  });

  it('fails with the name of a row where none is', () => {
    const off = { ...row, clusters: 5, paper: [6, 7, 5] };
    expect(t1Outliers.check(result(off)).asManyAsClusters).toEqual({
      claim: expect.stringContaining('within one of the clusters') as string,
      holds: false,
      measured: '18 of 19 rows; not in GD, ReLU, covariance 1, 5 clusters',
    });
  });

  it('counts by the median over data sets, not by the best of them', () => {
    const [right, wrong] = [
      { gap: 10, ratio: 10, elbow: 10 },
      { gap: 1, ratio: 3, elbow: 20 },
    ];
    const holds = (...counts: readonly Counts[]): boolean | undefined =>
      t1Outliers.check(result({ ...row, runs: runs(...counts) })).asManyAsClusters?.holds;
    expect(holds(right, wrong, wrong, wrong, right)).toBe(false);
    expect(holds(right, wrong, right, wrong, right)).toBe(true);
  });

  it('has the 19 rows of the paper, 15 of which can be compared', () => {
    expect(ROWS).toHaveLength(19);
    const comparable = ROWS.filter(({ paper, clusters }) =>
      paper.some((count) => Math.abs(count - clusters) <= 1),
    );
    expect(comparable).toHaveLength(15);
  });

  it('leaves out rows where the paper’s own counts differ', () => {
    const tanh: Row = {
      ...row,
      activation: 'tanh',
      paper: [2, 4],
      runs: runs({ gap: 2, ratio: 4, elbow: 3 }),
    };
    expect(t1Outliers.check(result(tanh)).asManyAsClusters?.holds).toBe(true);
  });

  it('draws one figure for each setting', async () => {
    const charts = t1Outliers.draw(result({ ...row, algorithm: 'SGD' }));
    expect(charts).toHaveLength(2);
    for (const chart of charts) {
      expect(await renderChart(chart, { format: 'svg' })).toMatch(/^<svg/);
    }
  });
});
