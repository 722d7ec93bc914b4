// Densities over a symlog axis, with a band of two standard errors.

import { type Interaction, hoverDots, seriesColours, tickedAxis, zoom } from './axes.js';
import type { DensityChart } from './chart.js';
import { logarithmicTicks, symlogTicks } from './symlog.js';
import type { Specification } from './vega.js';

const tooltip = [
  { field: 'series', title: 'spectrum' },
  { field: 'lambda', title: 'eigenvalue', format: '.3~g' },
  { field: 'value', title: 'density', format: '.3~g' },
];

/** Decades below the highest point that are shown. */
const DECADES = 8;

export function drawDensity(chart: DensityChart, how: Interaction): Specification {
  const { series, linearWithin: constant } = chart;
  const all = series.flatMap(({ grid }) => Array.from(grid));
  const extent = [Math.min(...all), Math.max(...all)] as const;
  const peak = Math.max(...series.flatMap(({ density }) => Array.from(density)));
  const domain = [peak * 10 ** -DECADES || 1e-8, peak * 1.6 || 1] as const;
  const points = series.flatMap(({ name, grid, density, standardError }) =>
    Array.from(grid, (lambda, i) => {
      const value = density[i] ?? 0;
      const error = 2 * (standardError[i] ?? 0);
      return {
        series: name,
        lambda,
        value: Math.max(value, domain[0]),
        low: Math.max(value - error, domain[0]),
        high: Math.max(value + error, domain[0]),
      };
    }),
  );
  const scale = { type: 'log', domain, nice: false };
  const axis = tickedAxis('y', {
    title: 'density',
    ticks: logarithmicTicks(domain, 6),
    constant: 0,
  });
  const x = {
    field: 'lambda',
    type: 'quantitative',
    scale: { type: 'symlog', constant, domain: extent, nice: false },
    axis: tickedAxis('x', {
      title: 'eigenvalue',
      ticks: symlogTicks(extent, constant, 4),
      constant,
      grid: false,
    }),
  };
  const color = seriesColours(series.map(({ name }) => name));
  const line = { x, y: { field: 'value', type: 'quantitative', scale, axis }, color };
  const band = { x, y: { field: 'low', type: 'quantitative', scale, axis }, y2: { field: 'high' } };
  return {
    datasets: { points },
    data: { name: 'points' },
    layer: [
      {
        ...zoom(how),
        mark: { type: 'area', opacity: 0.25, clip: true },
        encoding: { ...band, color },
      },
      { mark: { type: 'line', strokeWidth: 1.8, clip: true }, encoding: line },
      ...(how.interactive ? [hoverDots(line, tooltip)] : []),
    ],
  };
}
