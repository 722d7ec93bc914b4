// What a caller in plain JavaScript may get wrong about a chart, refused before it is drawn.

import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import type { Chart, ChartKind } from './chart.js';

/** The lists of numbers that a series of each kind must have; a heat map has none. */
const listsOf: Readonly<Record<ChartKind, readonly string[]>> = {
  eigenvalues: ['eigenvalues'],
  histogram: ['eigenvalues'],
  lossCurve: ['steps', 'values'],
  density: ['grid', 'density', 'standardError'],
  lines: ['x', 'y'],
  heatMap: [],
};

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isNumbers(value: unknown): value is ArrayLike<number> {
  return value instanceof Float64Array || (Array.isArray(value) && !value.some(isNoNumber));
}

function isNoNumber(value: unknown): boolean {
  return typeof value !== 'number';
}

/** @throws EigenscapeError ERR_SPEC for what no chart is, ERR_SHAPE for lists of different lengths */
export function requireChart(call: string, chart: unknown): asserts chart is Chart {
  const complain = (name: string, value: unknown, expected: string) =>
    new EigenscapeError(
      'ERR_SPEC',
      `${call}: ${name} is ${describeValue(value)}; expected ${expected}`,
      {
        details: { call, name, value },
      },
    );
  const kinds = Object.keys(listsOf).join(', ');
  if (!isObject(chart))
    throw complain('the chart', chart, `{ kind, title, … }, kind one of ${kinds}`);
  const lists = new Map(Object.entries(listsOf)).get(String(chart.kind));
  if (lists === undefined) throw complain("the chart's kind", chart.kind, `one of ${kinds}`);
  if (typeof chart.title !== 'string') throw complain("the chart's title", chart.title, 'a string');
  if (chart.kind === 'heatMap') {
    requireMatrix(call, chart, complain);
    return;
  }
  if (!Array.isArray(chart.series)) {
    throw complain("the chart's series", chart.series, `an array of { name, ${lists.join(', ')} }`);
  }
  for (const [index, series] of (chart.series as readonly unknown[]).entries()) {
    const at = `series[${index}]`;
    if (!isObject(series)) throw complain(at, series, `{ name, ${lists.join(', ')} }`);
    for (const list of lists) {
      if (!isNumbers(series[list])) throw complain(`${at}.${list}`, series[list], 'numbers');
    }
    requireSameLengths(call, at, series, lists);
  }
}

type Complaint = (name: string, value: unknown, expected: string) => EigenscapeError;

function requireMatrix(
  call: string,
  { size, matrix }: Readonly<Record<string, unknown>>,
  complain: Complaint,
): void {
  if (!Number.isSafeInteger(size)) throw complain("the chart's size", size, 'a number of rows');
  if (!isNumbers(matrix)) throw complain("the chart's matrix", matrix, 'size² numbers');
  const expected = Number(size) ** 2;
  if (matrix.length === expected) return;
  throw new EigenscapeError(
    'ERR_SHAPE',
    `${call}: the chart's matrix has ${matrix.length} entries; expected size² = ${expected}`,
    { details: { call, name: 'matrix', given: matrix.length, expected } },
  );
}

function requireSameLengths(
  call: string,
  at: string,
  series: Readonly<Record<string, unknown>>,
  lists: readonly string[],
): void {
  const lengths = lists.map((list) => (series[list] as ArrayLike<number>).length);
  if (lengths.every((length) => length === lengths[0])) return;
  throw new EigenscapeError(
    'ERR_SHAPE',
    `${call}: ${lists.join(', ')} of ${at} have ${lengths.join(', ')} entries; expected as many in each`,
    { details: { call, name: at, given: lengths } },
  );
}
