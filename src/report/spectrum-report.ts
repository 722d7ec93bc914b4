// The report of one spectrum: its terms side by side.

import type { DenseTermSpectrum, SpectrumTerm, TermSpectrum } from '../spectrum/result.js';
import type { Chart } from './chart.js';
import { densityCharts, densityTable, lanczosCharts, lanczosTable } from './matrix-free-report.js';
import type { Report, Table } from './report.js';

const TERM_NAMES: Readonly<Record<SpectrumTerm, string>> = {
  hessian: 'Hessian H',
  gaussNewton: 'Gauss-Newton G',
  residual: 'residual R',
  empiricalFisher: 'empirical Fisher',
  gradientCovariance: 'gradient covariance',
};

export function termName(term: SpectrumTerm): string {
  return TERM_NAMES[term];
}

const TERM_ORDER: readonly SpectrumTerm[] = [
  'hessian',
  'gaussNewton',
  'residual',
  'empiricalFisher',
  'gradientCovariance',
];

/** A result of `spectrum`, whichever terms were asked. */
export interface ReportedSpectrum {
  readonly parameterCount: number;
  readonly sampleCount: number;
  readonly loss: number;
  readonly terms: Readonly<Partial<Record<SpectrumTerm, TermSpectrum>>>;
}

export interface NamedTerm<Spectrum extends TermSpectrum = TermSpectrum> {
  readonly name: string;
  readonly spectrum: Spectrum;
}

/** Those of the terms that were found by one method. */
export function foundBy<const Method extends TermSpectrum['method']>(
  terms: readonly NamedTerm[],
  method: Method,
): NamedTerm<Extract<TermSpectrum, { readonly method: Method }>>[] {
  return terms.filter(
    (term): term is NamedTerm<Extract<TermSpectrum, { readonly method: Method }>> =>
      term.spectrum.method === method,
  );
}

/** The terms of a result in the order of H, G, R, the Fisher matrices. */
export function namedTerms({ terms }: ReportedSpectrum): NamedTerm[] {
  return TERM_ORDER.flatMap((term) => {
    const spectrum = terms[term];
    return spectrum === undefined ? [] : [{ name: TERM_NAMES[term], spectrum }];
  });
}

/** Numbers of spectra that a table shows: ends, signs counted beyond the error estimate. */
export function spectrumTable(terms: readonly NamedTerm<DenseTermSpectrum>[]): Table {
  const row = (label: string, of: (spectrum: DenseTermSpectrum) => number): (string | number)[] => [
    label,
    ...terms.map(({ spectrum }) => of(spectrum)),
  ];
  return {
    caption:
      'Signs are counted beyond the error estimate; zeros are the rest, the structural ones among ' +
      'them known to be zero exactly.',
    columns: ['', ...terms.map(({ name }) => name)],
    rows: [
      row('largest eigenvalue', ({ eigenvalues }) => eigenvalues.at(-1) ?? 0),
      row('smallest eigenvalue', ({ eigenvalues }) => eigenvalues[0] ?? 0),
      row('positive', (spectrum) => countSigns(spectrum).positive),
      row('negative', (spectrum) => countSigns(spectrum).negative),
      row('zero', (spectrum) => countSigns(spectrum).zero),
      row('of these by structure', ({ exactZeros }) => exactZeros),
      row('error estimate', ({ errorEstimate }) => errorEstimate),
      row('error bound', ({ errorBound }) => errorBound),
    ],
  };
}

interface Signs {
  readonly positive: number;
  readonly negative: number;
  readonly zero: number;
}

/** Signs of the eigenvalues that are beyond the error estimate; the others are zero. */
export function countSigns({
  eigenvalues,
  errorEstimate,
}: {
  readonly eigenvalues: readonly number[] | Float64Array;
  readonly errorEstimate: number;
}): Signs {
  let positive = 0;
  let negative = 0;
  for (const value of eigenvalues) {
    if (value > errorEstimate) positive++;
    if (value < -errorEstimate) negative++;
  }
  return { positive, negative, zero: eigenvalues.length - positive - negative };
}

/** A report of a spectrum; `manifest` says where the network and the data came from. */
export function spectrumReport(
  result: ReportedSpectrum,
  manifest: Report['manifest'] = {},
): Report {
  const terms = namedTerms(result);
  const size = result.parameterCount.toLocaleString('en');
  const dense = foundBy(terms, 'dense');
  const lanczos = foundBy(terms, 'lanczos');
  const density = foundBy(terms, 'density');
  return {
    title: `Spectrum of ${size} parameters`,
    summary:
      `${terms.map(({ name }) => name).join(', ')} of the loss over ` +
      `${result.sampleCount.toLocaleString('en')} samples, where it is ${result.loss.toPrecision(6)}.`,
    tables: [
      ...(dense.length > 0 ? [spectrumTable(dense)] : []),
      ...lanczos.map(lanczosTable),
      ...(density.length > 0 ? [densityTable(density)] : []),
    ],
    charts: [...denseCharts(dense, size), ...lanczosCharts(lanczos), ...densityCharts(density)],
    manifest: {
      parameters: result.parameterCount,
      samples: result.sampleCount,
      loss: result.loss,
      ...manifest,
    },
    data: [{ fileName: 'spectrum.json', content: result }],
  };
}

function denseCharts(terms: readonly NamedTerm<DenseTermSpectrum>[], size: string): Chart[] {
  if (terms.length === 0) return [];
  const series = terms.map(({ name, spectrum: { eigenvalues } }) => ({ name, eigenvalues }));
  const errorEstimate = Math.max(...terms.map(({ spectrum }) => spectrum.errorEstimate));
  const common = { series, errorEstimate };
  return [
    {
      ...common,
      kind: 'eigenvalues',
      title: `All ${size} eigenvalues in order`,
      subtitle: 'Logarithmic on both sides of zero; the grey band is zero for all one can tell.',
    },
    { ...common, kind: 'histogram', title: 'How many eigenvalues lie where' },
    { ...common, kind: 'eigenvalues', title: 'The 40 largest eigenvalues', largest: 40 },
  ];
}
