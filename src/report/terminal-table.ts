// Aligned columns of text, and one-line curves.

import { numberText } from './number-text.js';
import type { Table } from './report.js';
import type { TerminalStyle } from './terminal-style.js';

/** Between columns. */
const GAP = 2;

/** The lines of a table: first column to the left, the others to the right. Where it is wider than `available`, its
 *  columns go into several tables below each other, each with the first column. */
export function terminalTable(
  { columns, rows }: Pick<Table, 'columns' | 'rows'>,
  style: TerminalStyle,
  available = Infinity,
): string[] {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === 'number' ? numberText(cell) : cell)),
  );
  const widths = columns.map((column, i) =>
    Math.max(width(column), ...cells.map((row) => width(row[i] ?? ''))),
  );
  const line = (row: readonly string[], shown: readonly number[]): string =>
    shown
      .map((i) => pad(row[i] ?? '', widths[i] ?? 0, i === 0 ? 'right' : 'left'))
      .join(' '.repeat(GAP))
      .trimEnd();
  return fitting(widths, available).flatMap((shown, table) => {
    const rule = '─'.repeat(shown.reduce((sum, i) => sum + (widths[i] ?? 0) + GAP, -GAP));
    const head = [style.bold(line(columns, shown)), style.dim(rule)];
    return [...(table > 0 ? [''] : []), ...head, ...cells.map((row) => line(row, shown))];
  });
}

/** Groups of columns that fit beside the first one, at least one in each. */
function fitting(widths: readonly number[], available: number): readonly (readonly number[])[] {
  const groups: number[][] = [];
  let used = 0;
  for (let i = 1; i < widths.length; i += 1) {
    const more = GAP + (widths[i] ?? 0);
    if (groups.length === 0 || used + more > available) {
      groups.push([0]);
      used = widths[0] ?? 0;
    }
    groups.at(-1)?.push(i);
    used += more;
  }
  return groups.length > 0 ? groups : [widths.map((_, i) => i)];
}

const BARS = '▁▂▃▄▅▆▇█';

/** A curve on one line, on a logarithmic scale where all values are positive. */
export function sparkline(values: readonly number[], columns: number): string {
  if (values.length === 0) return '';
  const logarithmic = values.every((value) => value > 0);
  const heights = values.map((value) => (logarithmic ? Math.log(value) : value));
  const low = Math.min(...heights);
  const span = Math.max(...heights) - low;
  const count = Math.min(columns, heights.length);
  return Array.from({ length: count }, (_, i) => {
    const index = count === 1 ? 0 : Math.round((i * (heights.length - 1)) / (count - 1));
    const level = span > 0 ? ((heights[index] ?? low) - low) / span : 0;
    return BARS[Math.min(7, Math.floor(level * 8))] ?? ' ';
  }).join('');
}

/** Columns that a text takes: letters with combining marks as one (no East Asian text occurs). */
function width(text: string): number {
  return text.normalize('NFC').replace(/\p{Mark}/gu, '').length;
}

function pad(text: string, columns: number, side: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, columns - width(text)));
  return side === 'left' ? space + text : text + space;
}
