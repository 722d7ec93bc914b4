// A measure over training steps, one line for each set of samples.

import type { Interaction } from './axes.js';
import type { LossCurveChart } from './chart.js';
import { drawLines } from './draw-lines.js';
import type { Specification } from './vega.js';

export function drawLossCurve(chart: LossCurveChart, how: Interaction): Specification {
  const { series, measure = 'loss', scale = 'logarithmic', title } = chart;
  return drawLines(
    {
      kind: 'lines',
      title,
      series: series.map(({ name, steps, values }) => ({ name, x: steps, y: values })),
      seriesTitle: 'samples',
      x: { title: 'training step', format: ',d' },
      y: { title: measure, scale },
    },
    how,
  );
}
