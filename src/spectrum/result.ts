// What `spectrum` returns: plain data, one entry for each term that was asked.

import type { CurvatureTerm } from '../curvature/operator.js';
import type { SpectrumMethod } from './method.js';
import type { SpectrumReduction } from './reduction.js';
import type { Estimate } from './spectral-density.js';

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
export type DenseRoute = 'closedForm' | 'products' | 'gram' | 'matrix';

/** All eigenvalues of one term. */
export interface DenseTermSpectrum {
  readonly method: 'dense';
  /** All M of them, ascending, zeros included. */
  readonly eigenvalues: Float64Array;
  /** How many of them are zero exactly, by structure: by the reduction, and for rows that vanish identically. Of an
   *  operator with weightDecay λ: how many are exactly λ for that reason. */
  readonly exactZeros: number;
  /** |λ̂ − λ| is at most this, for every eigenvalue. */
  readonly errorBound: number;
  /** What the error is likely to be; smaller values are zero for all one can tell. */
  readonly errorEstimate: number;
  readonly via: DenseRoute;
  /** What was taken out of the matrix before it was assembled, where anything was. */
  readonly reduction?: SpectrumReduction;
}

/** How long a stage of a call took, from its first progress to its last. */
export interface StageTime {
  /** As progress names it: 'assembly', 'full to band' … */
  readonly stage: string;
  readonly seconds: number;
}

/** All eigenvalues of one operator, and where the time went. */
export interface DenseSpectrum extends DenseTermSpectrum {
  /** In the order in which they began. The solver is 'eigenvalues'; stages after it are parts of it. */
  readonly stages: readonly StageTime[];
}

/** The outermost eigenvalues, from products alone. */
export interface LanczosTermSpectrum {
  readonly method: 'lanczos';
  /** Those found, ascending: the smallest ones, then the largest. */
  readonly eigenvalues: Float64Array;
  /** ‖Av − λv‖ beside each: an eigenvalue lies that near. */
  readonly residualNorms: Float64Array;
  readonly converged: readonly boolean[];
  /** How many of them are from either end. */
  readonly smallest: number;
  readonly largest: number;
  /** As many distinct eigenvalues lie within this of those found; that they are the outermost is not proven. */
  readonly bound: number;
  /** Products with vectors that it took. */
  readonly products: number;
}

/** The density of the whole spectrum over a logarithmic axis, from products alone. */
export interface DensityTermSpectrum {
  readonly method: 'density';
  /** λ, evenly spaced in asinh(λ/λ₀), and the density per unit of that, with its error over probes. */
  readonly grid: Float64Array;
  readonly density: Float64Array;
  readonly standardError: Float64Array;
  /** λ₀ */
  readonly linearWithin: number;
  /** Ritz values over all probes, ascending, and their weights, which sum to 1. */
  readonly nodes: Float64Array;
  readonly weights: Float64Array;
  readonly trace: Estimate;
  readonly steps: number;
  readonly probes: number;
}

/** The spectrum of one term; `method` says which of the three. */
export type TermSpectrum = DenseTermSpectrum | LanczosTermSpectrum | DensityTermSpectrum;

/** As JSON holds it: typed arrays become arrays. */
export type Plain<T> = {
  readonly [Key in keyof T]: T[Key] extends Float64Array ? readonly number[] : T[Key];
};

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

/** What {@link spectrum} resolves to. */
export interface SpectrumResult<
  Term extends SpectrumTerm = SpectrumTerm,
  Spectrum extends TermSpectrum = TermSpectrum,
> {
  readonly version: 1;
  /** Rows of the matrices: all parameters, or those of the block that was asked for. */
  readonly parameterCount: number;
  /** N, those of weight 0 among them. */
  readonly sampleCount: number;
  /** L, without the penalty of weight decay. */
  readonly loss: number;
  /** Of all terms: the one asked for, or what 'auto' took, and why, in a sentence. */
  readonly method: SpectrumMethod;
  readonly reason: string;
  readonly terms: Readonly<Record<Term, Spectrum>>;
  /** Where weightDecay was asked for. */
  readonly weightDecay?: WeightDecayTerm;
  /** Names of the tensors in the block, where `parameters` was asked for. */
  readonly parameters?: readonly string[];
  /** Plain JSON: typed arrays become arrays. */
  toJSON(): SpectrumJson<Term, Spectrum>;
}

/** {@link SpectrumResult} as JSON holds it. */
export interface SpectrumJson<
  Term extends SpectrumTerm = SpectrumTerm,
  Spectrum extends TermSpectrum = TermSpectrum,
> {
  readonly version: 1;
  readonly parameterCount: number;
  readonly sampleCount: number;
  readonly loss: number;
  readonly method: SpectrumMethod;
  readonly reason: string;
  readonly terms: Readonly<Record<Term, Spectrum extends TermSpectrum ? Plain<Spectrum> : never>>;
  readonly weightDecay?: WeightDecayTerm;
  readonly parameters?: readonly string[];
}
