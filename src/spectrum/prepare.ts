// What `spectrum` and `estimate` share: their options, the operators, and the way that is taken.

import * as v from 'valibot';

import { CurvatureOperator } from '../curvature/operator.js';
import { parametersOption } from '../curvature/parameters.js';
import type { Dataset } from '../data/dataset.js';
import type { DType } from '../data/dtype.js';
import type { Network } from '../network/network.js';
import {
  nonnegativeNumber,
  optionsOf,
  positiveInteger,
  seedOption,
  wordOption,
} from '../options.js';
import { chooseMethod, requireFit } from './method.js';
import type { MethodChoice, SpectrumMethod } from './method.js';
import { planOperator } from './plan.js';
import type { Plans } from './plan.js';
import { denseSpectrumEntries, findReduction } from './reduction.js';
import type { DenseSpectrumOptions } from './reduction.js';
import { knownTerms } from './result.js';
import type { SpectrumTerm } from './result.js';

/** Options of {@link spectrum} and {@link estimate}. */
export interface SpectrumOptions<
  Term extends SpectrumTerm = SpectrumTerm,
> extends DenseSpectrumOptions {
  /** Default: ['hessian']. */
  readonly terms?: readonly Term[] | undefined;
  /** 'dense': all eigenvalues, exact. 'lanczos': the outermost ones, from products alone. 'density': how
   *  they are distributed, from products alone. 'auto' (default): dense where the matrix fits, but Lanczos if
   *  `largest` or `smallest` is given and takes less time, or if only that fits; never a density. */
  readonly method?: 'auto' | SpectrumMethod | undefined;
  /** How many eigenvalues at each end ('lanczos'); 10 and 10 if neither is given. */
  readonly largest?: number | undefined;
  readonly smallest?: number | undefined;
  /** Of 'density', as for {@link spectralDensity}: 60 and 10 by default. */
  readonly steps?: number | undefined;
  readonly probes?: number | undefined;
  /** Of random vectors. */
  readonly seed?: number | undefined;
  /** A diagonal block in place of the whole matrices, as for {@link hessian}. */
  readonly parameters?: string | readonly string[] | undefined;
  /** λ of a penalty (λ/2)‖θ‖² beside the loss: a term of its own in the result, in none of the others. (In an
   *  operator, as in `hessian(network, data, { weightDecay })`, λI is part of the matrix, but for R's.) */
  readonly weightDecay?: number | undefined;
}

/** @internal */
export const spectrumSchema = optionsOf({
  ...denseSpectrumEntries,
  terms: v.optional(
    v.pipe(
      v.array(v.picklist(knownTerms, `one of ${knownTerms.join(', ')}`), 'a list of terms'),
      v.minLength(1, 'at least one term'),
    ),
    ['hessian'],
  ),
  method: wordOption(['auto', 'dense', 'lanczos', 'density']),
  largest: v.optional(positiveInteger),
  smallest: v.optional(positiveInteger),
  steps: v.optional(positiveInteger),
  probes: v.optional(positiveInteger),
  seed: seedOption,
  parameters: parametersOption,
  weightDecay: v.optional(nonnegativeNumber, 0),
});

/** @internal */
type SpectrumChoices = v.InferOutput<typeof spectrumSchema>;

/** The terms that were asked for, in their order. */
export interface PreparedSpectrum<D extends DType = DType> {
  readonly asked: readonly SpectrumTerm[];
  readonly operators: readonly CurvatureOperator<D>[];
  readonly plans: readonly Plans[];
  readonly choice: MethodChoice;
  /** @throws EigenscapeError ERR_MEMORY if the matrix does not fit */
  readonly requireFit: () => void;
}

/** Makes the operators and plans their work; computes nothing but what the reduction of a dense matrix takes out,
 *  where one may be assembled: the terms of a network share it.
 *  @internal */
export async function prepareSpectrum<D extends DType>(
  network: Network<D>,
  data: Dataset,
  choices: SpectrumChoices,
): Promise<PreparedSpectrum<D>> {
  const { parameters, via, blockSize, reduce, signal, threads } = choices;
  const asked = [...new Set(choices.terms)];
  const operators = asked.map((term) => new CurvatureOperator(term, network, data, { parameters }));
  const [operator] = operators as [CurvatureOperator<D>];
  const matrixFree = choices.method === 'lanczos' || choices.method === 'density';
  const reduction = matrixFree
    ? undefined
    : await findReduction(operator, { via, reduce }, { signal, threads });
  const planning = { ...choices, way: { via, blockSize, reduce }, reduction };
  const plans = operators.map((one, index) =>
    planOperator(network, one, asked[index] ?? 'hessian', planning),
  );
  // A term may have a Gram matrix where another has none: the one that takes most decides for all.
  const [most] = [...plans].sort((a, b) => b.dense.bytes - a.dense.bytes) as [Plans];
  const request = { ...choices, size: most.dense.order, dtype: network.dtype, plans: most };
  const choice = chooseMethod(request);
  return {
    asked,
    operators,
    plans,
    choice,
    requireFit: () => {
      requireFit(choice, request);
    },
  };
}

/** How many dense spectra may be computed at once. */
export function termsSideBySide(
  plans: readonly Plans[],
  threads: number,
  freeMemory: number,
): number {
  const bytes = Math.max(...plans.map(({ dense }) => dense.bytes));
  return Math.max(1, Math.min(plans.length, threads, Math.floor(freeMemory / bytes)));
}
