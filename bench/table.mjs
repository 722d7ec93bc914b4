// Tables: of cells, and of what a trial found.

const units = [
  [1, 's'],
  [1e-3, 'ms'],
  [1e-6, 'µs'],
];

/** Three digits, and no exponent up to a million. */
export function formatNumber(value) {
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return Number(value.toPrecision(3)).toString();
}

/** Seconds in the largest unit of which there is at least one. */
export function formatSeconds(seconds) {
  const [scale, unit] = units.find(([size]) => seconds >= size) ?? units[units.length - 1];
  return `${formatNumber(seconds / scale)} ${unit}`;
}

export const header = ['', 'median', 'expected', 'spread', '× best', '× floor', 'how'];

function contenderName({ label, version, precision }) {
  return [label, version, precision].filter(Boolean).join(' ');
}

function cellsOf(row) {
  const name = contenderName(row);
  if (row.absent !== undefined) return [name, '–', '', '', '', '', `absent: ${row.absent}`];
  if (row.failed !== undefined) return [name, '–', '', '', '', '', `failed: ${row.failed}`];
  return [
    name,
    formatSeconds(row.median),
    row.expected === undefined ? '' : formatSeconds(row.expected.seconds),
    `${formatSeconds(row.fastest)} – ${formatSeconds(row.slowest)}`,
    formatNumber(row.toBest),
    formatNumber(row.toFloor),
    row.way,
  ];
}

/** A count of flops, with the unit that suits it. */
function formatFlops(flops) {
  if (flops >= 1e9) return `${formatNumber(flops / 1e9)} GFLOP`;
  if (flops >= 1e6) return `${formatNumber(flops / 1e6)} MFLOP`;
  return `${formatNumber(flops / 1e3)} kFLOP`;
}

/** The floor as a row of the table: what it counts, at which speed. */
function floorCells({ seconds, flops, gigaflops, counting }) {
  const how = `${formatFlops(flops)} at ${formatNumber(gigaflops)} GFLOP/s: ${counting}`;
  return ['floor', formatSeconds(seconds), '', '', '', '1', how];
}

/** The cells of one trial, contenders first, the floor last.
 *  @returns {string[][]} */
export function trialCells({ rows, floor }) {
  return [...rows.map(cellsOf), floorCells(floor)];
}

/** Lines of aligned columns: the first and the last to the left, numbers to the right.
 *  @param {readonly (readonly string[])[]} rows */
export function textTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const align = (cell, column) =>
    column === 0
      ? cell.padEnd(widths[column])
      : column === widths.length - 1
        ? cell
        : cell.padStart(widths[column]);
  return rows.map((row) => row.map(align).join('  ').trimEnd()).join('\n');
}

/** The same as a table of Markdown, laid out as Prettier does. */
export function markdownTable(rows) {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const last = rows[0].length - 1;
  const right = (column) => column > 0 && column < last;
  const widths = rows[0].map((_, column) =>
    Math.max(3, ...escaped.map((row) => row[column].length)),
  );
  const pad = (cell, column) =>
    right(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column]);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const rule = widths.map((width, column) =>
    right(column) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  const [head, ...body] = escaped.map((row) => line(row.map(pad)));
  return [head, line(rule), ...body].join('\n');
}
