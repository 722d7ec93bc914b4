// A measure over training steps, one line for each set of samples.

import type { LossCurveChart } from './chart.js';
import { type Interaction, hoverDots, seriesColours, tickedAxis, zoom } from './axes.js';
import type { Specification } from './vega.js';
import { logarithmicTicks } from './symlog.js';
import { thinEvenly } from './thin.js';

export function drawLossCurve(chart: LossCurveChart, how: Interaction): Specification {
  const { series, measure = 'loss' } = chart;
  const points = series.flatMap(({ name, steps, values }) =>
    thinEvenly(steps.length).map((i) => ({ step: steps[i], value: values[i] ?? 0, series: name })),
  );
  const low = Math.min(...points.map(({ value }) => value));
  const high = Math.max(...points.map(({ value }) => value));
  const scale = chart.scale ?? (low > 0 ? 'logarithmic' : 'linear');
  const encoding = {
    x: {
      field: 'step',
      type: 'quantitative',
      scale: { nice: false },
      axis: { title: 'training step', grid: false, format: ',d', tickCount: 6 },
    },
    y:
      scale === 'logarithmic' && low > 0
        ? logarithmicChannel([low, high], measure)
        : { field: 'value', type: 'quantitative', axis: { title: measure, format: '.3~g' } },
    color: seriesColours(series.map(({ name }) => name)),
  };
  return {
    datasets: { points },
    data: { name: 'points' },
    layer: [
      { ...zoom(how), mark: { type: 'line', strokeWidth: 2, clip: true }, encoding },
      ...(how.interactive ? [hoverDots(encoding, tooltipOf(measure))] : []),
    ],
  };
}

function logarithmicChannel([low, high]: readonly [number, number], title: string): Specification {
  const domain = [low / 1.15, high * 1.15] as const;
  return {
    field: 'value',
    type: 'quantitative',
    scale: { type: 'log', domain, nice: false },
    axis: tickedAxis('y', { title, ticks: logarithmicTicks(domain), constant: 0 }),
  };
}

function tooltipOf(measure: string): Specification[] {
  return [
    { field: 'series', title: 'samples' },
    { field: 'step', title: 'step', format: ',d' },
    { field: 'value', title: measure, format: '.5~g' },
  ];
}
