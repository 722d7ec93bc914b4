import { describe, expect, it } from 'vitest';

import { renderChart } from '../../src/report/render.js';
import { specification } from '../../src/report/specification.js';
import { drawSvg } from '../../src/report/vega.js';
import { HOSTILE, sampleCharts } from './sample-report.js';

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

describe('renderChart', () => {
  it.each(
    sampleCharts.map((chart) => [`${chart.kind}: ${chart.title.slice(0, 20)}`, chart] as const),
  )('draws %s as SVG with marks, axes and a legend', async (_, chart) => {
    const svg = await renderChart(chart, { format: 'svg' });
    // Counts, not texts, are compared: a failure must not print the picture.
    expect(/^<svg [^]*<\/svg>$/.test(svg)).toBe(true);
    expect(count(svg, /role-axis-label/g)).toBe(2);
    expect(count(svg, /role-legend-label/g)).toBe(2);
    expect(count(svg, /class="mark-(symbol|line|area) role-mark/g)).toBeGreaterThan(0);
    expect(count(svg, /NaN/g)).toBe(0);
    expect(svg.length).toBeLessThan(120_000);
  });

  it.each(sampleCharts.map((chart) => [chart.title.slice(0, 20), chart] as const))(
    'compiles the live specification of %s without a warning of vega-lite',
    async (_, chart) => {
      // drawSvg throws at a warning
      await expect(drawSvg(specification(chart, 'livePage'))).resolves.toMatch(/^<svg/);
    },
  );

  it('keeps HTML in names as text', async () => {
    const [chart] = sampleCharts;
    if (chart === undefined) throw new Error('no chart');
    const svg = await renderChart(chart, { format: 'svg' });
    expect(svg.includes(HOSTILE)).toBe(false);
    expect(count(svg, /<script|<img/g)).toBe(0);
  });

  it('draws spectra that are empty, of zeros, or of one sign', async () => {
    for (const eigenvalues of [[], [0, 0, 0], [1], [-3, -2], [1e-300, 1e300]]) {
      for (const kind of ['eigenvalues', 'histogram'] as const) {
        const series = [{ name: 'one', eigenvalues }];
        const svg = await renderChart({ kind, title: 'edge', series }, { format: 'svg' });
        expect(count(svg, /NaN/g), `${kind} of ${JSON.stringify(eigenvalues)}`).toBe(0);
      }
    }
  });

  it('refuses png without its optional package, and says which', async () => {
    const [chart] = sampleCharts;
    if (chart === undefined) throw new Error('no chart');
    const installed = await import(['@resvg', 'resvg-js'].join('/')).then(
      () => true,
      () => false,
    );
    if (installed) {
      const png = await renderChart(chart, { format: 'png' });
      expect([...png.slice(1, 4)]).toEqual([0x50, 0x4e, 0x47]);
    } else {
      await expect(renderChart(chart, { format: 'png' })).rejects.toMatchObject({
        code: 'ERR_SPEC',
        message: expect.stringContaining('npm install @resvg/resvg-js') as string,
      });
    }
  });
});
