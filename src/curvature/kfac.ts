// K-FAC and EKFAC: Kronecker products in place of the layers' blocks of G, as operators whose spectra can be laid
// over the exact one.
//
//   K-FAC   block of a layer = S ⊗ A (rows of [outputs, inputs]): A the second moment of the layer's inputs ã with
//           a 1 appended for the bias, S = Σ_n Σ_r δ_nr δ_nrᵀ that of what reaches its outputs
//                                                     (Martens and Grosse 2015; convolutions: Grosse and Martens 2016)
//   EKFAC   the same eigenvectors; eigenvalues that are the diagonal of the block in them  (George et al. 2018)

import * as v from 'valibot';

import type { Dataset } from '../data/dataset.js';
import type { DType } from '../data/dtype.js';
import { optionsOf, parseOptions, positiveInteger, seedOption, wordOption } from '../options.js';
import { requireNetwork } from '../network/network.js';
import type { Network } from '../network/network.js';
import { requireKnownLoss } from './monte-carlo-fisher.js';
import { CurvatureOperator, operatorEntries } from './operator.js';
import type { OperatorOptions } from './operator.js';

/** Options of {@link kfac} and {@link ekfac}. */
export interface KfacOptions extends OperatorOptions {
  /** Whose factors. 'exact' (default): G's, from a root of ∇²ℓ, C − 1 rows a sample for softmax, C for other
   *  losses. 'monteCarlo': {@link monteCarloFisher}'s, by labels drawn from the model. 'empirical': the empirical
   *  Fisher's, by the data's own labels. */
  readonly fisher?: 'exact' | 'monteCarlo' | 'empirical' | undefined;
  /** Labels drawn for each sample by 'monteCarlo'. Default 1. */
  readonly samples?: number | undefined;
  /** Of the labels drawn. Default 0. */
  readonly seed?: number | undefined;
  /** What becomes of a convolution's T positions. 'expand' (default), KFC: positions are treated as independent
   *  samples, A = Σ_t ã_t ã_tᵀ and S a mean over t. 'reduce' (Eschenhagen et al. 2023): A of the mean of ã_t
   *  over t, S of the sum of δ_t. */
  readonly positions?: 'expand' | 'reduce' | undefined;
}

const schema = optionsOf({
  ...operatorEntries,
  fisher: wordOption(['exact', 'monteCarlo', 'empirical']),
  samples: v.optional(positiveInteger, 1),
  seed: seedOption,
  positions: wordOption(['expand', 'reduce']),
});

function make<D extends DType>(
  term: 'kfac' | 'ekfac',
  network: Network<D>,
  data: Dataset,
  options: KfacOptions,
): CurvatureOperator<D> {
  const { fisher, samples, seed, positions, ...rest } = parseOptions(term, schema, options);
  requireNetwork(term, network);
  if (fisher !== 'empirical') {
    requireKnownLoss(term, network, `of which fisher: '${fisher}' needs a root or a distribution`);
  }
  const root = { kind: fisher, draws: samples, seed, positions } as const;
  return new CurvatureOperator(term, network, data, rest, root);
}

/** K-FAC for dense and convolutional layers (for each group its own block); the vectors of a normalization have
 *  their block of G itself, or beyond 1,024 entries its diagonal. Between layers it is 0. One block equals G's for
 *  one sample and one position. Factors are computed at first use, in one pass over the data; its eigenvalues
 *  are products of theirs, so `eigenvalues` needs no matrix. With `parameters`, A is that of the chosen tensors.
 *  @throws EigenscapeError ERR_SPEC for a custom loss unless `fisher` is 'empirical', or an option that does not fit
 *  @example const values = await eigenvalues(kfac(network, data, { fisher: 'exact' })) */
export function kfac<D extends DType>(
  network: Network<D>,
  data: Dataset,
  options: KfacOptions = {},
): CurvatureOperator<D> {
  return make('kfac', network, data, options);
}

/** EKFAC: K-FAC's eigenvectors with the eigenvalues that are best in Frobenius norm, by a second pass over the
 *  same samples; with `fisher: 'exact'` it is never further from G's blocks than K-FAC.
 *  @throws EigenscapeError as {@link kfac} */
export function ekfac<D extends DType>(
  network: Network<D>,
  data: Dataset,
  options: KfacOptions = {},
): CurvatureOperator<D> {
  return make('ekfac', network, data, options);
}
