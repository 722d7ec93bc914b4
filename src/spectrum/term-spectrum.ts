// The spectrum of one operator without its matrix, as `spectrum` returns it.

import type { CurvatureOperator } from '../curvature/operator.js';
import type { LongCallOptions } from '../progress.js';
import { extremalEigenpairs } from './extremal-eigenpairs.js';
import type { DensityTermSpectrum, LanczosTermSpectrum } from './result.js';
import { spectralDensity } from './spectral-density.js';

/** How many eigenvalues at each end, where neither number is given. */
export const defaultEnds = 10;

export async function lanczosSpectrum(
  operator: CurvatureOperator,
  ends: { readonly largest: number | undefined; readonly smallest: number | undefined },
  options: LongCallOptions,
): Promise<LanczosTermSpectrum> {
  const none = ends.largest === undefined && ends.smallest === undefined;
  const asked = none ? { largest: defaultEnds, smallest: defaultEnds } : ends;
  const found = await extremalEigenpairs(operator, { ...asked, ...options });
  const { largest, smallest } = found;
  const overlap = Math.max(0, largest.values.length + smallest.values.length - operator.size);
  const count = smallest.values.length - overlap;
  return {
    method: 'lanczos',
    eigenvalues: Float64Array.of(
      ...smallest.values.subarray(0, count),
      ...largest.values.slice().reverse(),
    ),
    residualNorms: Float64Array.of(
      ...smallest.residualNorms.subarray(0, count),
      ...largest.residualNorms.slice().reverse(),
    ),
    converged: [...smallest.converged.slice(0, count), ...[...largest.converged].reverse()],
    smallest: count,
    largest: largest.values.length,
    bound: found.bound,
    products: found.products,
  };
}

export async function densitySpectrum(
  operator: CurvatureOperator,
  choices: {
    readonly steps: number | undefined;
    readonly probes: number | undefined;
    readonly seed: number;
  },
  options: LongCallOptions,
): Promise<DensityTermSpectrum> {
  const found = await spectralDensity(operator, { axis: 'logarithmic', ...choices, ...options });
  const { grid, density, standardError, nodes, weights, trace, steps, probes } = found;
  const widest = Math.max(...Array.from(nodes, Math.abs));
  return {
    method: 'density',
    grid,
    density,
    standardError,
    linearWithin: 1e-6 * widest || 1,
    nodes,
    weights,
    trace,
    steps,
    probes: probes.length,
  };
}
