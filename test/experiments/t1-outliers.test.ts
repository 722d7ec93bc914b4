import { describe, expect, it } from 'vitest';

import { t1Outliers } from '../../src/experiments/t1-outliers.js';
import type { T1Result } from '../../src/experiments/t1-outliers.js';
import { renderChart } from '../../src/report/render.js';

type Row = T1Result['rows'][number];

const row: Row = {
  algorithm: 'GD',
  activation: 'relu',
  covariance: 1,
  clusters: 10,
  paper: [11, 12, 10],
  parameterCount: 4270,
  steps: 3000,
  loss: 0.001,
  mean: 1e-5,
  counts: { gap: 1, ratio: 3, elbow: 9 },
  largest: [3, 2, 1, 0.01, 0.001],
};

/** As many rows as the table has, all but `last` as `row`. */
function result(last: Row): T1Result {
  const rows = [...new Array<Row>(18).fill(row), last];
  return { experiment: 't1', seed: 1, cap: 3000, rows };
}

describe('table 1', () => {
  it('holds while one count of each row is within one of the clusters', () => {
    expect(t1Outliers.check(result(row)).asManyAsClusters).toMatchObject({
      holds: true,
      measured: '19 of 19 rows',
    });
  });

  it('fails with the name of a row where none is', () => {
    const off = { ...row, clusters: 5, paper: [6, 7, 5], counts: { gap: 1, ratio: 3, elbow: 9 } };
    expect(t1Outliers.check(result(off)).asManyAsClusters).toEqual({
      claim: expect.stringContaining('within one of the clusters') as string,
      holds: false,
      measured: '18 of 19 rows; not in GD, ReLU, covariance 1, 5 clusters',
    });
  });

  it('leaves out rows where the paper’s own counts differ', () => {
    const tanh: Row = {
      ...row,
      activation: 'tanh',
      paper: [2, 4],
      counts: { gap: 2, ratio: 4, elbow: 3 },
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
