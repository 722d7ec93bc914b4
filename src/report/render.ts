// A chart as a picture: SVG by vega in Node, PNG by resvg where that is installed.

import * as v from 'valibot';

import { EigenscapeError } from '../errors.js';
import { optionsOf, parseOptions, positiveNumber } from '../options.js';
import type { Chart } from './chart.js';
import { requireChart } from './check-chart.js';
import { specification } from './specification.js';
import { drawSvg } from './vega.js';

/** Options of {@link renderChart}. */
export interface RenderOptions<Format extends 'svg' | 'png' = 'svg' | 'png'> {
  /** 'svg' gives text, 'png' bytes; png needs the package @resvg/resvg-js. */
  readonly format: Format;
  /** PNG only: pixels for each unit of the chart's width; default 2. */
  readonly scale?: number | undefined;
  /** PNG only: font files (.ttf, .otf) for machines that have none; text needs one. */
  readonly fontFiles?: readonly string[] | undefined;
}

const renderSchema = optionsOf({
  format: v.picklist(['svg', 'png'], "'svg' or 'png'"),
  scale: v.optional(positiveNumber),
  fontFiles: v.optional(v.array(v.string('a path'), 'a list of paths')),
});

/** Draws a chart, without a browser.
 *  @returns SVG text, or the bytes of a PNG file
 *  @throws EigenscapeError (rejects) ERR_SPEC and ERR_SHAPE for what is no chart; ERR_SPEC for png where the
 *  package @resvg/resvg-js is absent
 *  @example await writeFile('spectrum.svg', await renderChart(chart, { format: 'svg' })) */
export async function renderChart(chart: Chart, options: RenderOptions<'svg'>): Promise<string>;
export async function renderChart(chart: Chart, options: RenderOptions<'png'>): Promise<Uint8Array>;
export async function renderChart(
  chart: Chart,
  options: RenderOptions,
): Promise<string | Uint8Array> {
  requireChart('renderChart', chart);
  const { format } = parseOptions('renderChart', renderSchema, options);
  const svg = await drawSvg(specification(chart, 'figure'));
  return format === 'svg' ? svg : rasterize(svg, options);
}

/** Its superscripts are of one face with its digits; where it is not installed, resvg takes another. */
const PNG_FONT = 'DejaVu Sans';

interface Resvg {
  render(): { asPng(): Uint8Array };
}

interface ResvgModule {
  readonly Resvg: new (svg: string, options: unknown) => Resvg;
}

function isResvgModule(module: unknown): module is ResvgModule {
  return typeof module === 'object' && module !== null && 'Resvg' in module;
}

async function rasterize(svg: string, options: RenderOptions): Promise<Uint8Array> {
  const { scale = 2, fontFiles } = options;
  const name = ['@resvg', 'resvg-js'].join('/'); // joined: tsc must not look for the optional package
  const module: unknown = await import(name).catch((cause: unknown) => {
    throw new EigenscapeError(
      'ERR_SPEC',
      `renderChart: format 'png' needs the optional package ${name}, which is not installed; ` +
        `install it (npm install ${name}), or ask for format 'svg'`,
      { cause, details: { call: 'renderChart', package: name } },
    );
  });
  if (!isResvgModule(module)) {
    throw new EigenscapeError(
      'ERR_SPEC',
      `renderChart: ${name} is installed but exports no Resvg; expected 2.x: npm install ${name}@2`,
      { details: { call: 'renderChart', package: name } },
    );
  }
  const font = {
    loadSystemFonts: true,
    sansSerifFamily: PNG_FONT,
    defaultFontFamily: PNG_FONT,
    ...(fontFiles === undefined ? {} : { fontFiles }),
  };
  const fitTo = { mode: 'zoom', value: scale };
  return new module.Resvg(svg, { font, fitTo }).render().asPng();
}
