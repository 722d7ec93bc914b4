// Eigenvalues counted on a symlog axis, the counts on a logarithmic one.

import type { HistogramChart } from './chart.js';
import { type Interaction, seriesColours, tickedAxis, zoom } from './axes.js';
import type { Specification } from './vega.js';
import {
  extentWithZero,
  logarithmicTicks,
  padSymlog,
  symlogBins,
  symlogConstant,
  symlogTicks,
} from './symlog.js';

/** The baseline: bars of one eigenvalue must have a height. */
const BASELINE = 0.6;

export function drawHistogram(chart: HistogramChart, how: Interaction): Specification {
  const { series, bins = 90, errorEstimate } = chart;
  const extent = extentWithZero(series.map(({ eigenvalues }) => eigenvalues));
  const constant = chart.linearWithin ?? symlogConstant(extent, errorEstimate);
  const domain = padSymlog(extent, constant);
  const bars = series.flatMap(({ name, eigenvalues }) =>
    symlogBins(eigenvalues, { domain, constant, bins }).map((bin) => ({ ...bin, series: name })),
  );
  const most = Math.max(1, ...bars.map(({ count }) => count)) * 1.4;
  const ticks = logarithmicTicks([1, most], 5);
  return {
    data: { values: bars.map((bar) => ({ ...bar, base: BASELINE })) },
    ...zoom(how),
    mark: { type: 'rect', clip: true, fillOpacity: 0.4, strokeWidth: 1, strokeOpacity: 0.9 },
    encoding: {
      x: {
        field: 'low',
        type: 'quantitative',
        scale: { type: 'symlog', constant, domain, nice: false },
        axis: tickedAxis('x', {
          title: 'eigenvalue',
          ticks: symlogTicks(domain, constant),
          constant,
          grid: false,
        }),
      },
      x2: { field: 'high' },
      y: {
        field: 'count',
        type: 'quantitative',
        scale: { type: 'log', domain: [BASELINE, most], nice: false },
        axis: tickedAxis('y', { title: 'eigenvalues in the bin', ticks, constant: 0 }),
      },
      y2: { field: 'base' },
      color: seriesColours(series.map(({ name }) => name)),
      stroke: seriesColours(series.map(({ name }) => name)),
      tooltip: [
        { field: 'series', title: 'spectrum' },
        { field: 'low', title: 'from', format: '.3~g' },
        { field: 'high', title: 'to', format: '.3~g' },
        { field: 'count', title: 'eigenvalues', format: ',d' },
      ],
    },
  };
}
