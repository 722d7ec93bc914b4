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

/** The baseline: one eigenvalue must have a height, none must not. */
const BASELINE = 0.6;

export function drawHistogram(chart: HistogramChart, how: Interaction): Specification {
  const { series, bins = 90, errorEstimate } = chart;
  const extent = extentWithZero(series.map(({ eigenvalues }) => eigenvalues));
  const constant = chart.linearWithin ?? symlogConstant(extent, errorEstimate);
  const domain = padSymlog(extent, constant);
  const values = series.flatMap(({ name, eigenvalues }) =>
    symlogBins(eigenvalues, { domain, constant, bins }).map((bin) => ({
      ...bin,
      series: name,
      height: Math.max(bin.count, BASELINE),
      base: BASELINE,
    })),
  );
  const most = Math.max(1, ...values.map(({ count }) => count)) * 1.4;
  const names = series.map(({ name }) => name);
  const y = countChannel(most);
  const x = valueChannel(domain, constant);
  const outline = { x: { ...x, field: 'low' }, y, color: seriesColours(names) };
  return {
    data: { values },
    layer: [
      {
        ...zoom(how),
        mark: { type: 'area', interpolate: 'step-after', opacity: 0.28, clip: true },
        encoding: { ...outline, y: { ...y, stack: null }, y2: { datum: BASELINE } },
      },
      {
        mark: { type: 'line', interpolate: 'step-after', strokeWidth: 1.5, clip: true },
        encoding: outline,
      },
      ...(how.interactive ? [hoverBars(outline)] : []),
    ],
  };
}

function valueChannel(domain: readonly [number, number], constant: number): Specification {
  const ticks = symlogTicks(domain, constant, 4);
  return {
    type: 'quantitative',
    scale: { type: 'symlog', constant, domain, nice: false },
    axis: tickedAxis('x', { title: 'eigenvalue', ticks, constant, grid: false }),
  };
}

function countChannel(most: number): Specification {
  const ticks = logarithmicTicks([1, most], 5);
  return {
    field: 'height',
    type: 'quantitative',
    scale: { type: 'log', domain: [BASELINE, most], nice: false },
    axis: tickedAxis('y', { title: 'eigenvalues in the bin', ticks, constant: 0 }),
  };
}

/** Unseen bars that carry the tooltips: an area has one for all its bins. */
function hoverBars({ color: _, ...encoding }: Specification): Specification {
  return {
    transform: [{ filter: 'datum.count > 0' }],
    mark: { type: 'rect', fill: 'transparent', clip: true },
    encoding: {
      ...encoding,
      x2: { field: 'high' },
      y2: { field: 'base' },
      tooltip: [
        { field: 'series', title: 'spectrum' },
        { field: 'low', title: 'from', format: '.3~g' },
        { field: 'high', title: 'to', format: '.3~g' },
        { field: 'count', title: 'eigenvalues', format: ',d' },
      ],
    },
  };
}
