// All eigenvalues in order, or the largest ones as points.

import type { EigenvalueSeries, EigenvaluesChart } from './chart.js';
import { type Interaction, nearest, seriesColours, tickedAxis, zoom } from './axes.js';
import type { Specification } from './vega.js';
import {
  extentWithZero,
  logarithmicTicks,
  padSymlog,
  symlogConstant,
  symlogTicks,
} from './symlog.js';
import { thinAscending } from './thin.js';

interface Point {
  readonly rank: number;
  readonly value: number;
  readonly series: string;
  /** Drawn as a dot: it stands far from its neighbours. */
  readonly dot: boolean;
}

export function drawEigenvalues(chart: EigenvaluesChart, how: Interaction): Specification {
  const { series, scale = 'symlog', largest, errorEstimate } = chart;
  const shown = largest === undefined ? series : series.map((each) => lastOf(each, largest));
  const extent = extentWithZero(shown.map(({ eigenvalues }) => eigenvalues));
  const smallest = Math.min(...shown.map(({ eigenvalues }) => eigenvalues[0] ?? 0));
  const constant = chart.linearWithin ?? symlogConstant(extent, errorEstimate);
  const points = shown.flatMap((each, order) =>
    pointsOf(each, constant, largest !== undefined).map((point) => ({ ...point, order })),
  );
  const size = Math.max(1, ...shown.map(({ eigenvalues }) => eigenvalues.length));
  const top = largest !== undefined;
  const logarithmic = top && smallest > 0 && scale === 'symlog';
  const encoding = {
    x: rankChannel(size, top),
    y: logarithmic
      ? logarithmicChannel([smallest, extent[1]])
      : scale === 'symlog'
        ? symlogChannel(extent, constant)
        : linearChannel(extent),
    color: seriesColours(series.map(({ name }) => name)),
  };
  const band = errorEstimate === undefined ? [] : [zeroBand(errorEstimate)];
  return {
    datasets: { points },
    data: { name: 'points' },
    layer: [
      ...(logarithmic ? [] : [...band, zeroLine]),
      curve(encoding, !top, how),
      dots(encoding, top ? NESTED : SMALL, how),
    ],
  };
}

function lastOf({ name, eigenvalues }: EigenvalueSeries, count: number): EigenvalueSeries {
  return { name, eigenvalues: eigenvalues.slice(Math.max(0, eigenvalues.length - count)) };
}

function pointsOf(
  { name, eigenvalues }: EigenvalueSeries,
  constant: number,
  fromTheTop: boolean,
): Point[] {
  const count = eigenvalues.length;
  return thinAscending(eigenvalues, { constant }).map((i) => ({
    rank: fromTheTop ? count - i : i + 1,
    value: eigenvalues[i] ?? 0,
    series: name,
    dot: fromTheTop || i < 20 || i >= count - 30,
  }));
}

function rankChannel(size: number, fromTheTop: boolean): Specification {
  const title = fromTheTop ? 'rank, from the largest' : `rank, of ${size.toLocaleString('en')}`;
  return {
    field: 'rank',
    type: 'quantitative',
    scale: { domain: [fromTheTop ? 0.5 : 1 - size * 0.01, size * 1.01], nice: false, zero: false },
    axis: { title, grid: false, format: ',d', tickCount: 6, tickMinStep: 1 },
  };
}

function symlogChannel(extent: readonly [number, number], constant: number): Specification {
  const domain = padSymlog(extent, constant);
  return {
    field: 'value',
    type: 'quantitative',
    scale: { type: 'symlog', constant, domain, nice: false },
    axis: tickedAxis('y', { title: 'eigenvalue', ticks: symlogTicks(domain, constant), constant }),
  };
}

function logarithmicChannel([low, high]: readonly [number, number]): Specification {
  const domain = [low / 1.2, high * 1.2] as const;
  return {
    field: 'value',
    type: 'quantitative',
    scale: { type: 'log', domain, nice: false },
    axis: tickedAxis('y', { title: 'eigenvalue', ticks: logarithmicTicks(domain), constant: 0 }),
  };
}

function linearChannel([low, high]: readonly [number, number]): Specification {
  const pad = 0.04 * (high - low || 1);
  return {
    field: 'value',
    type: 'quantitative',
    scale: { domain: [low - pad, high + pad], nice: false, zero: false },
    axis: { title: 'eigenvalue', grid: true, tickCount: 8, format: '.3~g' },
  };
}

/** Where no value can be told from zero. */
function zeroBand(errorEstimate: number): Specification {
  return {
    data: { values: [{ low: -errorEstimate, high: errorEstimate }] },
    mark: { type: 'rect', color: '#808890', opacity: 0.18, clip: true },
    encoding: { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } },
  };
}

const zeroLine: Specification = {
  data: { values: [{ zero: 0 }] },
  mark: { type: 'rule', color: '#808890', opacity: 0.8, clip: true },
  encoding: { y: { field: 'zero', type: 'quantitative' } },
};

function curve(encoding: Specification, itself: boolean, how: Interaction): Specification {
  const opacity = itself ? 0.9 : 0.35; // under dots it only guides the eye
  return { ...zoom(how), mark: { type: 'line', strokeWidth: 2, opacity, clip: true }, encoding };
}

type DotSize = { readonly value: number } | typeof NESTED;

const SMALL = { value: 34 } as const;

/** The first series has the larger dots, so that one under another is still seen. */
const NESTED = { condition: { test: 'datum.order === 0', value: 130 }, value: 34 } as const;

/** Dots where values stand apart; in a page also one, unseen until pointed at, for every value. */
function dots(encoding: Specification, size: DotSize, how: Interaction): Specification {
  const hidden = {
    condition: [
      { param: 'nearest', empty: false, value: 1 },
      { test: 'datum.dot', value: 0.85 },
    ],
    value: 0,
  };
  return {
    ...nearest(how),
    ...(how.interactive ? {} : { transform: [{ filter: 'datum.dot' }] }),
    mark: { type: 'circle', clip: true },
    encoding: {
      ...encoding,
      size,
      opacity: how.interactive ? hidden : { value: 0.85 },
      tooltip: [
        { field: 'series', title: 'spectrum' },
        { field: 'rank', title: 'rank', format: ',d' },
        { field: 'value', title: 'eigenvalue', format: '.6~g' },
      ],
    },
  };
}
