// The files of an experiment: numbers, manifest, page, its first chart as pictures.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { isEigenscapeError } from '../errors.js';
import type { Performance } from '../experiments/experiment.js';
import type { Chart } from '../report/chart.js';
import { renderChart } from '../report/render.js';
import { writeReport } from '../report/write-report.js';

export interface WrittenFiles {
  /** Beside index.html. */
  readonly files: readonly string[];
  /** What is not there, and why. */
  readonly note: string | undefined;
}

/** Writes result.json (the numbers and `checks`), manifest.json, index.html, figure.svg, and figure.png where the
 *  package that draws it is installed.
 *  @param folder exists */
export async function writeExperiment(
  { result, claims, report }: Performance,
  folder: string,
): Promise<WrittenFiles> {
  const write = (name: string, content: string | Uint8Array): Promise<void> =>
    writeFile(join(folder, name), content);
  const [figure] = report.charts;
  await write('result.json', `${JSON.stringify({ ...result, checks: claims })}\n`);
  await write('manifest.json', `${JSON.stringify(report.manifest, null, 2)}\n`);
  await writeReport(report, join(folder, 'index.html'));
  const files = ['result.json', 'manifest.json'];
  if (figure === undefined) return { files, note: undefined };
  await write('figure.svg', await renderChart(figure, { format: 'svg' }));
  files.push('figure.svg');
  const png = await pngOf(figure);
  if (png === undefined) {
    return { files, note: 'figure.png is not drawn: npm install @resvg/resvg-js would do it' };
  }
  await write('figure.png', png);
  files.push('figure.png');
  return { files, note: undefined };
}

/** At twice the size; undefined without the optional package. */
async function pngOf(figure: Chart): Promise<Uint8Array | undefined> {
  try {
    return await renderChart(figure, { format: 'png' });
  } catch (error) {
    if (isEigenscapeError(error) && error.code === 'ERR_SPEC') return undefined;
    throw error;
  }
}
