// Spectra on a terminal: panels side by side over one symlog axis, the sorted eigenvalues filled
// towards zero in Braille dots (2 × 4 to a character). Our own: the maintained terminal charting
// packages have linear axes only.

import { tickLabels } from './axes.js';
import type { EigenvalueSeries } from './chart.js';
import { extentWithZero, padSymlog, symlog, symlogConstant, symlogTicks } from './symlog.js';
import type { TerminalStyle } from './terminal-style.js';

export interface TerminalChartOptions {
  readonly style: TerminalStyle;
  /** Columns of the terminal; default 80. */
  readonly columns?: number | undefined;
  /** Text rows of the panels; default 13. */
  readonly rows?: number | undefined;
  readonly errorEstimate?: number | undefined;
  /** Where the value axis is linear; default: the error estimate. */
  readonly linearWithin?: number | undefined;
}

/** Dots of one character: DOTS[column][row]. */
const DOTS: readonly (readonly number[])[] = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
];

const GAP = 3;

/** The lines of a chart of all eigenvalues in order, one panel for each spectrum. */
export function terminalSpectra(
  series: readonly EigenvalueSeries[],
  { style, columns = 80, rows = 13, errorEstimate, linearWithin }: TerminalChartOptions,
): string[] {
  const extent = extentWithZero(series.map(({ eigenvalues }) => eigenvalues));
  const constant = linearWithin ?? symlogConstant(extent, errorEstimate);
  const domain = padSymlog(extent, constant, 0.02);
  const [bottom, top] = [symlog(domain[0], constant), symlog(domain[1], constant)];
  const rowOf = (value: number): number =>
    Math.min(rows - 1, Math.floor(((top - symlog(value, constant)) / (top - bottom)) * rows));

  const labels = axisLabels(symlogTicks(domain, constant, 3), rowOf);
  const margin = Math.max(...[...labels.values()].map((label) => label.length)) + 1;
  const panel = Math.max(8, Math.floor((columns - margin - 1) / series.length) - GAP);
  const dotRow = (value: number): number =>
    Math.floor(((top - symlog(value, constant)) / (top - bottom)) * (4 * rows - 1));
  const panels = series.map(({ eigenvalues }) =>
    panelRows(dotColumns(eigenvalues, 2 * panel), { rows, dotRow, style }),
  );
  const gap = ' '.repeat(GAP);
  const titles = series.map(({ name }) => style.bold(name.slice(0, panel).padEnd(panel)));
  const feet = series.map(({ eigenvalues }) => rankLine(eigenvalues.length, panel));
  const body = Array.from({ length: rows }, (_, row) => {
    const label = (labels.get(row) ?? '').padStart(margin - 1);
    const cells = panels.map((lines) => (labels.has(row) ? '┤' : '│') + (lines[row] ?? ''));
    return `${style.dim(label)} ${cells.join(gap.slice(1))}`;
  });
  const indent = ' '.repeat(margin + 1);
  return [indent + titles.join(gap), ...body, style.dim(indent + feet.join(gap))].map((line) =>
    line.trimEnd(),
  );
}

/** For each row the label of the tick in it; zero wins over others in its row. */
function axisLabels(
  ticks: readonly number[],
  rowOf: (value: number) => number,
): Map<number, string> {
  const texts = tickLabels(ticks);
  const labels = new Map<number, string>();
  ticks.forEach((tick, i) => {
    const row = rowOf(tick);
    if (!labels.has(row) || tick === 0) labels.set(row, texts[i] ?? '');
  });
  return labels;
}

interface DotColumn {
  readonly low: number;
  readonly high: number;
}

/** Smallest and largest of the eigenvalues that each of `count` columns stands for. */
function dotColumns(values: ArrayLike<number>, count: number): DotColumn[] {
  const length = values.length;
  return Array.from({ length: length === 0 ? 0 : count }, (_, i) => {
    const from = Math.min(length - 1, Math.floor((i * length) / count));
    const to = Math.max(from, Math.ceil(((i + 1) * length) / count) - 1);
    return { low: values[from] ?? 0, high: values[to] ?? 0 };
  });
}

/** Text rows of one panel, each filled from the zero line to the column's extremes. */
function panelRows(
  columns: readonly DotColumn[],
  options: {
    readonly rows: number;
    readonly dotRow: (value: number) => number;
    readonly style: TerminalStyle;
  },
): string[] {
  const { rows, dotRow, style } = options;
  const zero = dotRow(0);
  const zeroRow = Math.floor(zero / 4);
  const width = Math.ceil(columns.length / 2);
  const cells = Array.from({ length: rows }, () => new Uint8Array(width));
  columns.forEach(({ low, high }, i) => {
    const from = Math.min(zero, dotRow(high));
    const to = Math.max(zero, dotRow(low));
    for (let y = from; y <= to; y++) {
      const row = cells[Math.floor(y / 4)];
      const x = Math.floor(i / 2);
      if (row !== undefined) row[x] = (row[x] ?? 0) | (DOTS[i % 2]?.[y % 4] ?? 0);
    }
  });
  return cells.map((row, y) => {
    const text = [...row].map((bits) => (bits === 0 ? ' ' : String.fromCharCode(0x2800 + bits)));
    const paint = y < zeroRow ? style.positive : y > zeroRow ? style.negative : style.dim;
    return paint(text.join(''));
  });
}

/** The foot of a panel: its first and its last rank. */
function rankLine(count: number, width: number): string {
  const last = count.toLocaleString('en');
  return `1${'rank'.padStart(Math.floor(width / 2) + 1).padEnd(width - 1 - last.length)}${last}`;
}
