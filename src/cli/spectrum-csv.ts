// A spectrum as CSV: a line for each value, for spreadsheets and data frames.

import type { SpectrumResult, TermSpectrum } from '../spectrum/result.js';

/** Columns that a method leaves empty stay, so that results of several methods can be joined. */
const HEADER = 'term,method,index,value,residualNorm,weight';

/** Dense and Lanczos: eigenvalues, ascending, with residual norms where there are any. Density: Ritz values and
 *  their weights, which sum to 1. Numbers are written so that reading them gives the same bits. */
export function spectrumCsv({ terms }: Pick<SpectrumResult, 'terms'>): string {
  const lines = Object.entries(terms).flatMap(([term, spectrum]) =>
    valuesOf(spectrum).map((cells, index) => [term, spectrum.method, index, ...cells].join(',')),
  );
  return `${[HEADER, ...lines].join('\n')}\n`;
}

/** value, residual norm, weight */
function valuesOf(spectrum: TermSpectrum): readonly (readonly (number | '')[])[] {
  switch (spectrum.method) {
    case 'dense':
      return Array.from(spectrum.eigenvalues, (value) => [value, '', '']);
    case 'lanczos':
      return Array.from(spectrum.eigenvalues, (value, i) => [
        value,
        spectrum.residualNorms[i] ?? '',
        '',
      ]);
    case 'density':
      return Array.from(spectrum.nodes, (value, i) => [value, '', spectrum.weights[i] ?? '']);
  }
}
