// What a report shows of spectra that were found without the matrix: the outermost eigenvalues, densities.

import type { DensityTermSpectrum, LanczosTermSpectrum } from '../spectrum/result.js';
import type { Chart } from './chart.js';
import { numberText } from './number-text.js';
import type { Table } from './report.js';

interface Named<Spectrum> {
  readonly name: string;
  readonly spectrum: Spectrum;
}

/** Each eigenvalue found, from the largest down, with its residual norm. */
export function lanczosTable({ name, spectrum }: Named<LanczosTermSpectrum>): Table {
  const { eigenvalues, residualNorms, converged, smallest, bound } = spectrum;
  const count = eigenvalues.length;
  const place = (index: number): string =>
    index < smallest ? `smallest ${String(index + 1)}` : `largest ${String(count - index)}`;
  return {
    caption:
      `${name}: an eigenvalue lies within the residual norm of each value, as many distinct ones within ` +
      `${numberText(bound)}. That they are the outermost is not proven.`,
    columns: [name, 'eigenvalue', 'residual norm', 'converged'],
    rows: Array.from(eigenvalues, (_, i) => count - 1 - i).map((index) => [
      place(index),
      eigenvalues[index] ?? NaN,
      residualNorms[index] ?? NaN,
      converged[index] === true ? 'yes' : 'no',
    ]),
  };
}

/** Of each density: the trace, the outermost Ritz values, the mass of either sign. */
export function densityTable(terms: readonly Named<DensityTermSpectrum>[]): Table {
  const row = (
    label: string,
    of: (spectrum: DensityTermSpectrum) => string | number,
  ): (string | number)[] => [label, ...terms.map(({ spectrum }) => of(spectrum))];
  return {
    caption:
      'Estimates over random probes. Beyond λ₀, the share of the eigenvalues on either side; a Ritz value ' +
      'near zero may stand for many eigenvalues about it.',
    columns: ['', ...terms.map(({ name }) => name)],
    rows: [
      row('trace', ({ trace }) => trace.value),
      row('its standard error', ({ trace }) => trace.standardError),
      row('largest Ritz value', ({ nodes }) => nodes.at(-1) ?? 0),
      row('smallest Ritz value', ({ nodes }) => nodes[0] ?? 0),
      row('λ₀', ({ linearWithin }) => linearWithin),
      row('share above λ₀', (spectrum) => share(spectrum, 1)),
      row('share below −λ₀', (spectrum) => share(spectrum, -1)),
      row('probes', ({ probes }) => probes),
      row('steps', ({ steps }) => steps),
    ],
  };
}

function share({ nodes, weights, linearWithin }: DensityTermSpectrum, sign: 1 | -1): number {
  return weights.reduce(
    (sum, weight, i) => sum + (sign * (nodes[i] ?? NaN) > linearWithin ? weight : 0),
    0,
  );
}

export function lanczosCharts(terms: readonly Named<LanczosTermSpectrum>[]): Chart[] {
  if (terms.length === 0) return [];
  return [
    {
      kind: 'eigenvalues',
      title: 'The outermost eigenvalues in order',
      subtitle: 'The smallest ones found, then the largest; those between were not asked for.',
      series: terms.map(({ name, spectrum: { eigenvalues } }) => ({ name, eigenvalues })),
      errorEstimate: Math.max(...terms.map(({ spectrum }) => spectrum.bound)),
    },
  ];
}

export function densityCharts(terms: readonly Named<DensityTermSpectrum>[]): Chart[] {
  if (terms.length === 0) return [];
  return [
    {
      kind: 'density',
      title: 'How the eigenvalues are distributed',
      subtitle:
        'Density per unit of asinh(λ/λ₀), smoothed; the band is two standard errors over the probes.',
      series: terms.map(({ name, spectrum: { grid, density, standardError } }) => ({
        name,
        grid,
        density,
        standardError,
      })),
      linearWithin: Math.max(...terms.map(({ spectrum }) => spectrum.linearWithin)),
    },
  ];
}
