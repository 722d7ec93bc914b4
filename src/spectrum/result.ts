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
  /** How many of them are zero exactly, by structure: rows of the matrix that vanish identically. Of an
   *  operator with weightDecay λ: how many are exactly λ for that reason. */
  readonly exactZeros: number;
  /** |λ̂ − λ| is at most this, for every eigenvalue. */
  readonly errorBound: number;
  /** What the error is likely to be; smaller values are zero for all one can tell. */
  readonly errorEstimate: number;
  readonly via: DenseRoute;
}

export type TermSpectrum = DenseTermSpectrum;

/** (λ/2)‖θ‖² over all parameters, beside the loss: its Hessian is λI, so each eigenvalue of H is moved by λ and
 *  no eigenvector changes. No other term of the result has it in. */
export interface WeightDecayTerm {
  /** λ */
  readonly eigenvalue: number;
  /** How often: the number of parameters of the matrix. */
  readonly multiplicity: number;
  /** (λ/2)‖θ‖² of all the network's parameters: what it adds to the loss. */
  readonly penalty: number;
}

export interface SpectrumResult<Term extends SpectrumTerm = SpectrumTerm> {
  readonly version: 1;
  /** Rows of the matrices: all parameters, or those of the block that was asked for. */
  readonly parameterCount: number;
  readonly sampleCount: number;
  /** L, without the penalty of weight decay. */
  readonly loss: number;
  readonly terms: Readonly<Record<Term, TermSpectrum>>;
  /** Where weightDecay was asked for. */
  readonly weightDecay?: WeightDecayTerm;
  /** Names of the tensors in the block, where `parameters` was asked for. */
  readonly parameters?: readonly string[];
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
  readonly weightDecay?: WeightDecayTerm;
  readonly parameters?: readonly string[];
}
