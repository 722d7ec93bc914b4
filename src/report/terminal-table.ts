// Aligned columns of text, and one-line curves.

import { numberText } from './number-text.js';
import type { Table } from './report.js';
import type { TerminalStyle } from './terminal-style.js';

/** The lines of a table: first column to the left, the others to the right. */
export function terminalTable(
  { columns, rows }: Pick<Table, 'columns' | 'rows'>,
  style: TerminalStyle,
): string[] {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === 'number' ? numberText(cell) : cell)),
  );
  const widths = columns.map((column, i) =>
    Math.max(width(column), ...cells.map((row) => width(row[i] ?? ''))),
  );
  const line = (row: readonly string[]): string =>
    widths
      .map((w, i) => pad(row[i] ?? '', w, i === 0 ? 'right' : 'left'))
      .join('  ')
      .trimEnd();
  const rule = '─'.repeat(widths.reduce((sum, w) => sum + w + 2, -2));
  return [style.bold(line(columns)), style.dim(rule), ...cells.map(line)];
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
