// The four parts of G that outliers are attributed to (Papyan 2019; 2020, section 4), as operators.
//
// Under softmax cross-entropy, with c the class of sample i, c' any class, and Q_i the sum of its target weights
// (1 without class weights),
//
//   G = Σ_i Σ_c' w_icc' δ_icc' δ_icc'ᵀ,   δ_icc' = J_iᵀ(p_i − e_c'),   w_icc' = s_i Q_i p_ic' / Σ s_n κ_n
//
// so δ_icc' is the gradient that sample i would have, were its label c'. By weighted means δ_cc' over the samples of
// a pair of classes, and δ_c of those over c' ≠ c, with w_cc' and w_c the sums of the weights,
//
//   classMeans          Σ_c w_c δ_c δ_cᵀ                                       rank ≤ C
//   crossClassMeans     Σ_c Σ_{c'≠c} w_cc' (δ_cc' − δ_c)(δ_cc' − δ_c)ᵀ          rank ≤ C(C − 2)
//   withinCrossClass    Σ_i Σ_{c'≠c} w_icc' (δ_icc' − δ_cc')(δ_icc' − δ_cc')ᵀ
//   sameClass           Σ_i w_icc δ_icc δ_iccᵀ

import type { Dataset } from '../data/dataset.js';
import type { DType } from '../data/dtype.js';
import { EigenscapeError } from '../errors.js';
import { requireNetwork } from '../network/network.js';
import type { Network } from '../network/network.js';
import { CurvatureOperator } from './operator.js';
import type { OperatorOptions, OutlierTerm } from './operator.js';

/** The names of the four parts.
 *  @internal */
export const outlierTermNames = [
  'classMeans',
  'crossClassMeans',
  'withinCrossClass',
  'sameClass',
] as const satisfies readonly OutlierTerm[];

/** @throws EigenscapeError ERR_SPEC unless the loss is softmax cross-entropy and each target a class
 *  @internal */
export function requireClasses(call: string, network: Network, data: Dataset): void {
  requireNetwork(call, network);
  network.samplesOf(data); // refuses what is no dataset, or does not fit
  const { loss } = network.spec;
  const type = typeof loss === 'string' ? loss : loss.type;
  const complaint =
    type !== 'softmaxCrossEntropy'
      ? `the network's loss is ${type}`
      : data.values.targetWidth !== 1
        ? 'the targets are rows of class probabilities'
        : undefined;
  if (complaint === undefined) return;
  throw new EigenscapeError(
    'ERR_SPEC',
    `${call}: ${complaint}; expected softmaxCrossEntropy on one class per sample, whose means G is split into`,
    { details: { call, loss: type } },
  );
}

/** The four parts of G by class means: positive semidefinite, and their sum is `gaussNewton(network, data)`. With
 *  `parameters` they are the diagonal blocks; a weight decay would belong to none of them. A product costs one and a
 *  half of G's (for `sameClass` one).
 *
 *  @throws EigenscapeError ERR_SPEC unless the loss is softmaxCrossEntropy and each target a class
 *  @example const { classMeans } = outlierTerms(network, data);
 *  const { largest } = await extremalEigenpairs(classMeans, { largest: 10 }); */
export function outlierTerms<D extends DType>(
  network: Network<D>,
  data: Dataset,
  options: Omit<OperatorOptions, 'weightDecay'> = {},
): Readonly<Record<OutlierTerm, CurvatureOperator<D>>> {
  requireClasses('outlierTerms', network, data);
  const make = (term: OutlierTerm) => new CurvatureOperator(term, network, data, options);
  return {
    classMeans: make('classMeans'),
    crossClassMeans: make('crossClassMeans'),
    withinCrossClass: make('withinCrossClass'),
    sameClass: make('sameClass'),
  };
}
