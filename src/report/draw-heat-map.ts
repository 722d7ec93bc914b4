// A symmetric matrix as colours: blue below zero, red above, on a symlog scale; lines between blocks.

import type { Interaction } from './axes.js';
import type { HeatMapChart } from './chart.js';
import { symlogTicks } from './symlog.js';
import { tickLabels } from './axes.js';
import type { Specification } from './vega.js';

/** Cells a side at most: beyond it, neighbours share a cell that shows the entry of largest modulus. */
const CELLS = 160;

export function drawHeatMap(chart: HeatMapChart, how: Interaction): Specification {
  const { size: entries, rowsPerCell = 1, blocks = [] } = chart;
  const size = entries * rowsPerCell;
  const cells = reduce(chart, Math.ceil(entries / CELLS)).map((cell) => ({
    row: cell.row * rowsPerCell,
    rowEnd: cell.rowEnd * rowsPerCell,
    column: cell.column * rowsPerCell,
    columnEnd: cell.columnEnd * rowsPerCell,
    value: cell.value,
  }));
  const largest = cells.reduce((most, { value }) => Math.max(most, Math.abs(value)), 0) || 1;
  const constant = chart.linearWithin ?? largest / 1000;
  const position = (field: string, title: string, channel: 'x' | 'y'): Specification => ({
    field,
    type: 'quantitative',
    scale: { domain: channel === 'x' ? [0, size] : [size, 0], nice: false },
    axis: { title, grid: false, tickCount: 6, format: ',d' },
  });
  const ticks = symlogTicks([-largest, largest], constant, 2);
  const labels = Object.fromEntries(ticks.map((tick, i) => [String(tick), tickLabels(ticks)[i]]));
  const color = {
    field: 'value',
    type: 'quantitative',
    scale: {
      type: 'symlog',
      constant,
      domain: [-largest, 0, largest],
      range: ['#2166ac', '#f7f7f7', '#b2182b'],
      interpolate: 'lab',
    },
    legend: {
      title: null,
      gradientLength: 220,
      values: ticks,
      labelExpr: `${JSON.stringify(labels)}['' + datum.value] || format(datum.value, '.2~g')`,
    },
  };
  const tooltip = [
    { field: 'row', title: 'row', format: ',d' },
    { field: 'column', title: 'column', format: ',d' },
    { field: 'value', title: 'entry', format: '.3~g' },
  ];
  const bounds = blocks.filter((at) => at > 0 && at < size).map((at) => ({ at }));
  const rule = { type: 'rule', color: '#444444', strokeWidth: 0.6, opacity: 0.7 };
  return {
    datasets: { cells, bounds },
    data: { name: 'cells' },
    layer: [
      {
        mark: { type: 'rect', clip: true },
        encoding: {
          x: position('column', 'parameter', 'x'),
          x2: { field: 'columnEnd' },
          y: position('row', 'parameter', 'y'),
          y2: { field: 'rowEnd' },
          color,
          ...(how.interactive ? { tooltip } : {}),
        },
      },
      {
        data: { name: 'bounds' },
        mark: rule,
        encoding: { x: { field: 'at', type: 'quantitative' } },
      },
      {
        data: { name: 'bounds' },
        mark: rule,
        encoding: { y: { field: 'at', type: 'quantitative' } },
      },
    ],
  };
}

interface Cell {
  readonly row: number;
  readonly rowEnd: number;
  readonly column: number;
  readonly columnEnd: number;
  readonly value: number;
}

function reduce({ size, matrix }: HeatMapChart, cell: number): readonly Cell[] {
  const starts = Array.from({ length: Math.ceil(size / cell) }, (_, i) => i * cell);
  return starts.flatMap((row) =>
    starts.map((column) => {
      const [rowEnd, columnEnd] = [Math.min(size, row + cell), Math.min(size, column + cell)];
      let value = 0;
      for (let i = row; i < rowEnd; ++i) {
        for (let j = column; j < columnEnd; ++j) {
          const entry = matrix[i * size + j] ?? 0;
          if (Math.abs(entry) > Math.abs(value)) value = entry;
        }
      }
      return { row, rowEnd, column, columnEnd, value };
    }),
  );
}
