// Reports into files.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { filePath, type FilePath } from '../data/file-bytes.js';
import { unwritable } from '../data/replace-file.js';
import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import { requireChart } from './check-chart.js';
import { reportPage } from './page.js';
import type { Report } from './report.js';
import { type ReportedSpectrum, spectrumReport } from './spectrum-report.js';

/** Writes one HTML page that needs no network: charts, key numbers, choices, data to download.
 *  @param results a spectrum, or a report put together by hand
 *  @param file a path or a file: URL; its folder is made when it is missing
 *  @throws EigenscapeError (rejects) ERR_SPEC for what is neither; ERR_FILE when it cannot be written
 *  @example await writeReport(await spectrum(network, data, { terms: ['hessian'] }), 'spectrum.html') */
export async function writeReport(
  results: Report | ReportedSpectrum,
  file: FilePath,
): Promise<void> {
  requireResults(results);
  const path = filePath(file);
  const html = await reportPage('terms' in results ? spectrumReport(results) : results);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, html);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** Callers in plain JavaScript may hand over anything. */
function requireResults(results: unknown): void {
  const given = typeof results === 'object' && results !== null ? results : {};
  if ('terms' in given && typeof given.terms === 'object' && 'parameterCount' in given) return;
  if ('title' in given && 'manifest' in given && 'tables' in given && 'charts' in given) {
    if (Array.isArray(given.charts)) {
      for (const chart of given.charts as readonly unknown[]) requireChart('writeReport', chart);
      return;
    }
  }
  throw new EigenscapeError(
    'ERR_SPEC',
    `writeReport: the results are ${describeValue(results)}; expected what spectrum(…) resolves to, or a ` +
      'report { title, tables, charts, manifest }',
    { details: { call: 'writeReport', name: 'results' } },
  );
}
