// Reports into files.

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { reportPage } from './page.js';
import type { Report } from './report.js';
import { type ReportedSpectrum, spectrumReport } from './spectrum-report.js';

/** Writes one HTML page that needs no network: charts, key numbers, choices, data to download.
 *  @param results a spectrum, or a report put together by hand
 *  @example await writeReport(await spectrum(network, data, { terms: ['hessian'] }), 'spectrum.html') */
export async function writeReport(results: Report | ReportedSpectrum, file: string): Promise<void> {
  const html = await reportPage('terms' in results ? spectrumReport(results) : results);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, html);
}
