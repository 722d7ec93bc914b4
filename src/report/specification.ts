// From a chart to its vega-lite specification: one drawer for each kind, and the frame they share.

import type { Interaction } from './axes.js';
import type { Chart } from './chart.js';
import { drawDensity } from './draw-density.js';
import { drawEigenvalues } from './draw-eigenvalues.js';
import { drawHistogram } from './draw-histogram.js';
import { drawHeatMap } from './draw-heat-map.js';
import { drawLines } from './draw-lines.js';
import { drawLossCurve } from './draw-loss-curve.js';
import { INK } from './palette.js';
import type { Specification } from './vega.js';

const FONT =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif';

const CONFIG: Specification = {
  font: FONT,
  view: { stroke: null },
  mark: { aria: false }, // the chart is described as a whole
  axis: {
    labelColor: INK.muted,
    titleColor: INK.text,
    gridColor: INK.grid,
    domainColor: INK.axis,
    tickColor: INK.axis,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 500,
    titlePadding: 10,
    labelOverlap: 'greedy',
  },
  legend: { labelColor: INK.text, labelFontSize: 12, symbolSize: 120, symbolStrokeWidth: 3 },
  title: {
    color: INK.text,
    subtitleColor: INK.muted,
    fontSize: 15,
    fontWeight: 600,
    subtitleFontSize: 12,
    subtitlePadding: 6,
    anchor: 'start',
    frame: 'group',
    offset: 14,
  },
};

/** Where a chart stands. A figure is alone: its title is inside, its ground white. In a page the
 *  title is HTML and the ground is seen through; live, it answers the pointer and fills the width. */
export type Setting = 'figure' | 'page' | 'livePage';

/** The vega-lite specification of a chart. */
export function specification(chart: Chart, setting: Setting): Specification {
  const { width = 680, height = 380 } = chart;
  const interactive = setting === 'livePage';
  const common = { height, config: CONFIG, ...draw(chart, { interactive }) };
  switch (setting) {
    case 'figure': {
      const { title, subtitle } = chart;
      const heading = {
        text: wrap(title, width / 7.6),
        ...(subtitle === undefined ? {} : { subtitle: wrap(subtitle, width / 6.4) }),
      };
      const description = describe(chart);
      return { ...common, description, width, background: 'white', padding: 12, title: heading };
    }
    case 'page':
      return { ...common, width, background: null };
    case 'livePage':
      return { ...common, width: 'container', autosize: { type: 'fit-x' }, background: null };
  }
}

/** What a screen reader says of the chart. */
export function describe(chart: Chart): string {
  const what =
    chart.kind === 'heatMap'
      ? `A matrix of ${chart.size} rows.`
      : `Series: ${chart.series.map(({ name }) => name).join(', ')}.`;
  return [chart.title, chart.subtitle, what].filter(Boolean).join(' ');
}

function draw(chart: Chart, how: Interaction): Specification {
  switch (chart.kind) {
    case 'eigenvalues':
      return drawEigenvalues(chart, how);
    case 'histogram':
      return drawHistogram(chart, how);
    case 'lossCurve':
      return drawLossCurve(chart, how);
    case 'density':
      return drawDensity(chart, how);
    case 'lines':
      return drawLines(chart, how);
    case 'heatMap':
      return drawHeatMap(chart, how);
  }
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
