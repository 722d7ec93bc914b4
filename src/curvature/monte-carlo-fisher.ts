// The Fisher matrix by labels drawn from the model: an unbiased estimate of G by first derivatives alone.
//
//   F̂ = Σ_n s_n / S Σ_k g_nk g_nkᵀ / Σ s_n κ_n, g_nk the gradient of ℓ_n for label k of S;  E F̂ = G
//
// The labels of softmax cross-entropy are classes drawn by p; those of the squared error are normal about f with
// variance C/2, of which ℓ is the negative logarithm; those of binary cross-entropy are drawn by σ(f), with
// gradients √C times as long, since ℓ is a mean over C outputs. Class weights and smoothing enter as in ∇²ℓ, by
// the label that is given, and once.

import * as v from 'valibot';

import type { Dataset } from '../data/dataset.js';
import type { DType } from '../data/dtype.js';
import { EigenscapeError } from '../errors.js';
import { optionsOf, parseOptions, positiveInteger, seedOption } from '../options.js';
import { requireNetwork } from '../network/network.js';
import type { Network } from '../network/network.js';
import { CurvatureOperator, operatorEntries } from './operator.js';
import type { OperatorOptions } from './operator.js';

/** Options of {@link monteCarloFisher}. */
export interface MonteCarloFisherOptions extends OperatorOptions {
  /** Labels drawn for each sample of the data. Default 1. */
  readonly samples?: number | undefined;
  /** The labels of a sample depend on this and its place in the data alone. Default 0. */
  readonly seed?: number | undefined;
}

const schema = optionsOf({
  ...operatorEntries,
  samples: v.optional(positiveInteger, 1),
  seed: seedOption,
});

/** Labels come from the loss's own distribution, which a custom loss does not have.
 *  @throws EigenscapeError ERR_SPEC
 *  @internal */
export function requireKnownLoss(call: string, network: Network, purpose: string): void {
  if (network.customLoss === undefined) return;
  throw new EigenscapeError(
    'ERR_SPEC',
    `${call}: the network's loss is custom, ${purpose}; expected softmaxCrossEntropy, meanSquaredError or ` +
      'binaryCrossEntropy; gaussNewton and empiricalFisher know custom losses',
    { details: { call } },
  );
}

/** F̂, the Monte-Carlo Fisher: second moment of gradients at labels drawn from the model, whose expectation is
 *  G. The draws are fixed by the seed when it is made, so that it is one matrix, and repeatable.
 *  @throws EigenscapeError ERR_SPEC for a custom loss, or an option that does not fit
 *  @example const estimate = await monteCarloFisher(network, data, { samples: 10, seed: 1 }).toDense() */
export function monteCarloFisher<D extends DType>(
  network: Network<D>,
  data: Dataset,
  options: MonteCarloFisherOptions = {},
): CurvatureOperator<D> {
  const { samples, seed, ...rest } = parseOptions('monteCarloFisher', schema, options);
  requireNetwork('monteCarloFisher', network);
  requireKnownLoss(
    'monteCarloFisher',
    network,
    'so that there is no distribution to draw labels from',
  );
  const root = { kind: 'monteCarlo', draws: samples, seed } as const;
  return new CurvatureOperator('monteCarloFisher', network, data, rest, root);
}
