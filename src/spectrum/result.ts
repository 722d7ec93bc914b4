// What `spectrum` returns: plain data, one entry for each term that was asked.

import type { CurvatureTerm } from '../curvature/operator.js';

/** H = G + R: the Hessian, the generalized Gauss-Newton term, the residual term (eq. 4 of Sagun et
 *  al. 2017); the empirical Fisher F and the covariance of the per-sample gradients beside them. */
export type SpectrumTerm = CurvatureTerm;

/** @internal */
export const knownTerms = [
  'hessian',
  'gaussNewton',
  'residual',
  'empiricalFisher',
  'gradientCovariance',
] as const satisfies readonly SpectrumTerm[];

/** How a dense matrix came to be: closed formulas of layered networks, products with unit vectors, or
 *  from the operator itself. */
export type DenseRoute = 'closedForm' | 'products' | 'matrix';

export interface DenseTermSpectrum {
  readonly method: 'dense';
  /** All M of them, ascending, zeros included. */
  readonly eigenvalues: Float64Array;
  /** How many of them are zero exactly, by structure: rows of the matrix that vanish identically. */
  readonly exactZeros: number;
  /** |λ̂ − λ| is at most this, for every eigenvalue. */
  readonly errorBound: number;
  /** What the error is likely to be; smaller values are zero for all one can tell. */
  readonly errorEstimate: number;
  readonly via: DenseRoute;
}

export type TermSpectrum = DenseTermSpectrum;

export interface SpectrumResult<Term extends SpectrumTerm = SpectrumTerm> {
  readonly version: 1;
  readonly parameterCount: number;
  readonly sampleCount: number;
  readonly loss: number;
  readonly terms: Readonly<Record<Term, TermSpectrum>>;
  /** Plain JSON: typed arrays become arrays. */
  toJSON(): SpectrumJson<Term>;
}

/** {@link SpectrumResult} as JSON holds it. */
export interface SpectrumJson<Term extends SpectrumTerm = SpectrumTerm> {
  readonly version: 1;
  readonly parameterCount: number;
  readonly sampleCount: number;
  readonly loss: number;
  readonly terms: Readonly<
    Record<
      Term,
      Omit<DenseTermSpectrum, 'eigenvalues'> & { readonly eigenvalues: readonly number[] }
    >
  >;
}
