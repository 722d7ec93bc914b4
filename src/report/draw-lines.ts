// Curves and points over any two axes, one colour for each series.

import { type Interaction, hoverDots, seriesColours, tickedAxis, zoom } from './axes.js';
import type { LineAxis, LinesChart } from './chart.js';
import { logarithmicTicks, symlogTicks } from './symlog.js';
import { thinEvenly } from './thin.js';
import type { Specification } from './vega.js';

interface Point {
  readonly series: string;
  readonly x: number;
  readonly y: number;
}

/** Points of either mark, the axis each of them uses, and what a pointer is told. */
export function drawLines(chart: LinesChart, how: Interaction): Specification {
  const pointsOf = (marks: LinesChart['series'][number]['mark']): readonly Point[] =>
    chart.series
      .filter(({ mark = 'line' }) => mark === marks)
      .flatMap(({ name, x, y }) =>
        thinEvenly(x.length).map((i) => ({ series: name, x: x[i] ?? 0, y: y[i] ?? 0 })),
      );
  const [lines, dots] = [pointsOf('line'), pointsOf('points')];
  const all = [...lines, ...dots];
  const encoding = {
    x: channel('x', chart.x, extentOf(all, 'x')),
    y: channel('y', chart.y, extentOf(all, 'y')),
    color: seriesColours([...new Set(chart.series.map(({ name }) => name))]),
  };
  const tooltip = [
    { field: 'series', title: chart.seriesTitle ?? 'series' },
    { field: 'x', title: chart.x.title, format: chart.x.format ?? '.5~g' },
    { field: 'y', title: chart.y.title, format: chart.y.format ?? '.5~g' },
  ];
  const lineMark = { type: 'line', strokeWidth: 2, clip: true };
  const pointMark = { type: 'circle', size: 22, opacity: 0.75, clip: true };
  return {
    datasets: { all, lines, dots },
    data: { name: 'all' },
    layer: [
      { ...zoom(how), data: { name: 'lines' }, mark: lineMark, encoding },
      { data: { name: 'dots' }, mark: pointMark, encoding },
      ...(how.interactive ? [hoverDots(encoding, tooltip)] : []),
    ],
  };
}

function extentOf(points: readonly Point[], field: 'x' | 'y'): readonly [number, number] {
  return points.reduce<readonly [number, number]>(
    ([low, high], point) => [Math.min(low, point[field]), Math.max(high, point[field])],
    [Infinity, -Infinity],
  );
}

/** A logarithmic axis needs positive values; with others it becomes a linear one. */
function channel(
  field: 'x' | 'y',
  { title, scale = 'linear', format, linearWithin = 1 }: LineAxis,
  [low, high]: readonly [number, number],
): Specification {
  const grid = field === 'y';
  if (scale === 'logarithmic' && low > 0) {
    const domain = field === 'y' ? ([low / 1.15, high * 1.15] as const) : ([low, high] as const);
    return {
      field,
      type: 'quantitative',
      scale: { type: 'log', domain, nice: false },
      axis: tickedAxis(field, { title, ticks: logarithmicTicks(domain), constant: 0, grid }),
    };
  }
  if (scale === 'symlog') {
    const ticks = symlogTicks([low, high], linearWithin, 4);
    return {
      field,
      type: 'quantitative',
      scale: { type: 'symlog', constant: linearWithin, domain: [low, high], nice: false },
      axis: tickedAxis(field, { title, ticks, constant: linearWithin, grid }),
    };
  }
  return {
    field,
    type: 'quantitative',
    scale: field === 'x' ? { nice: false, zero: false } : { zero: false },
    axis: { title, grid, tickCount: 6, format: format ?? '.3~g' },
  };
}
