import { describe, expect, it } from 'vitest';

import { overview } from '../../src/cli/overview.js';
import type { Performance } from '../../src/experiments/experiment.js';
import type { Chart } from '../../src/report/chart.js';
import { reportPage } from '../../src/report/page.js';

const chart: Chart = {
  kind: 'lines',
  title: 'A line',
  series: [{ name: 'one', x: [1, 2], y: [1, 2] }],
  x: { title: 'x' },
  y: { title: 'y' },
};

function performed(holds: boolean): Performance {
  const claims = { grows: { claim: 'It grows.', holds, measured: '1, 2' } };
  return {
    result: { values: [1, 2] },
    claims,
    report: {
      title: 'Figure <1>',
      summary: 'Found.',
      tables: [],
      charts: [chart, chart, chart],
      claims: Object.values(claims),
      manifest: { seed: 7 },
    },
  };
}

describe('the page over all experiments', () => {
  const report = overview([
    { id: 'f1', performance: performed(true) },
    { id: 's1', performance: performed(false) },
  ]);

  it('counts the claims that hold, and names the experiment of each', () => {
    expect(report.summary).toBe('1 of 2 claims hold, in 2 experiments.');
    expect(report.claims?.map(({ claim }) => claim)).toEqual(['F1. It grows.', 'S1. It grows.']);
  });

  it('has each experiment with charts, manifest and data, under ids that are unique', async () => {
    const html = (await reportPage(report)).replace(/<script>[^]*?<\/script>/g, '');
    const ids = [...html.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(['f1', 'f1-chart-2', 's1-chart-1', 's1-data-1']));
    for (const text of ['href="#s1"', 'href="f1/index.html"', 'Figure &lt;1&gt;', '<dd>7</dd>']) {
      expect(html.includes(text), text).toBe(true);
    }
  });
});
