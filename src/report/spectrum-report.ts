// The report of one spectrum: its terms side by side.

import type { SpectrumResult, SpectrumTerm, TermSpectrum } from '../spectrum/result.js';
import type { Chart } from './chart.js';
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

interface NamedTerm {
  readonly name: string;
  readonly spectrum: TermSpectrum;
}

/** The terms of a result in the order of H, G, R, the Fisher matrices. */
export function namedTerms(result: SpectrumResult): NamedTerm[] {
  const terms: Readonly<Partial<Record<SpectrumTerm, TermSpectrum>>> = result.terms;
  return TERM_ORDER.flatMap((term) => {
    const spectrum = terms[term];
    return spectrum === undefined ? [] : [{ name: TERM_NAMES[term], spectrum }];
  });
}

/** Numbers of a spectrum that a table shows: ends, signs counted beyond the error estimate. */
export function spectrumTable(result: SpectrumResult): Table {
  const rows = namedTerms(result).map(({ name, spectrum }) => {
    const { eigenvalues, errorEstimate, errorBound, exactZeros } = spectrum;
    const positive = eigenvalues.filter((value) => value > errorEstimate).length;
    const negative = eigenvalues.filter((value) => value < -errorEstimate).length;
    return [
      name,
      eigenvalues.at(-1) ?? 0,
      eigenvalues[0] ?? 0,
      positive,
      negative,
      eigenvalues.length - positive - negative,
      exactZeros,
      errorEstimate,
      errorBound,
    ];
  });
  return {
    caption:
      'Signs are counted beyond the error estimate; zeros are the rest, the structural ones among ' +
      'them known to be zero exactly.',
    columns: [
      'term',
      'largest',
      'smallest',
      'positive',
      'negative',
      'zero',
      'structural zeros',
      'error estimate',
      'error bound',
    ],
    rows,
  };
}

/** A report of a spectrum; `manifest` says where the network and the data came from. */
export function spectrumReport(result: SpectrumResult, manifest: Report['manifest'] = {}): Report {
  const terms = namedTerms(result);
  const series = terms.map(({ name, spectrum: { eigenvalues } }) => ({ name, eigenvalues }));
  const errorEstimate = Math.max(...terms.map(({ spectrum }) => spectrum.errorEstimate));
  const size = result.parameterCount.toLocaleString('en');
  const common = { series, errorEstimate };
  const charts: Chart[] = [
    {
      ...common,
      kind: 'eigenvalues',
      title: `All ${size} eigenvalues in order`,
      subtitle: 'Logarithmic on both sides of zero; the grey band is zero for all one can tell.',
    },
    { ...common, kind: 'histogram', title: 'How many eigenvalues lie where' },
    { ...common, kind: 'eigenvalues', title: 'The 40 largest eigenvalues', largest: 40 },
  ];
  return {
    title: `Spectrum of ${size} parameters`,
    summary:
      `${terms.map(({ name }) => name).join(', ')} of the loss over ` +
      `${result.sampleCount.toLocaleString('en')} samples, where it is ${result.loss.toPrecision(6)}.`,
    tables: [spectrumTable(result)],
    charts,
    manifest: {
      parameters: result.parameterCount,
      samples: result.sampleCount,
      loss: result.loss,
      ...manifest,
    },
    data: [{ fileName: 'spectrum.json', content: result }],
  };
}
