// The spectrum of a sample covariance of noise, and where one strong direction leaves it.

import * as v from 'valibot';

import { optionsOf, parseOptions, positiveNumber } from '../options.js';

/** Options of {@link marchenkoPastur}. */
export interface MarchenkoPasturOptions {
  /** α = M / N: dimensions over samples. */
  readonly ratio: number;
  /** σ² of every entry; default 1. */
  readonly variance?: number | undefined;
}

/** The limit law of the eigenvalues of XᵀX/N for X [N, M] of independent entries of variance σ²,
 *  M/N → α (Marčenko and Pastur 1967). */
export interface MarchenkoPastur {
  /** σ²(1 − √α)², the lower edge of the bulk. */
  readonly lower: number;
  /** σ²(1 + √α)², its upper edge. */
  readonly upper: number;
  /** The share of eigenvalues that are zero: max(0, 1 − 1/α). */
  readonly zeroShare: number;
  /** √((upper − λ)(λ − lower)) / (2πσ²αλ) inside the bulk, 0 outside; integrates to 1 − zeroShare. */
  readonly density: (eigenvalue: number) => number;
  /** Where the largest eigenvalue goes if one direction has variance ℓσ²: σ²ℓ(1 + α/(ℓ − 1)) beyond the
   *  transition ℓ > 1 + √α (Baik, Ben Arous, Péché 2005), else the upper edge. */
  readonly outlier: (spike: number) => number;
}

const schema = optionsOf({ ratio: positiveNumber, variance: v.optional(positiveNumber, 1) });

/** The Marčenko-Pastur law for the ratio α = M/N.
 *  @throws EigenscapeError ERR_SPEC
 *  @example const { lower, upper, density } = marchenkoPastur({ ratio: 0.2 }) */
export function marchenkoPastur(options: MarchenkoPasturOptions): MarchenkoPastur {
  const { ratio, variance } = parseOptions('marchenkoPastur', schema, options);
  const lower = variance * (1 - Math.sqrt(ratio)) ** 2;
  const upper = variance * (1 + Math.sqrt(ratio)) ** 2;
  return {
    lower,
    upper,
    zeroShare: Math.max(0, 1 - 1 / ratio),
    density: (eigenvalue) =>
      eigenvalue <= lower || eigenvalue >= upper
        ? 0
        : Math.sqrt((upper - eigenvalue) * (eigenvalue - lower)) /
          (2 * Math.PI * variance * ratio * eigenvalue),
    outlier: (spike) =>
      spike > 1 + Math.sqrt(ratio) ? variance * spike * (1 + ratio / (spike - 1)) : upper,
  };
}
