// Optimizers as plain data.

import * as v from 'valibot';

import { nonnegativeNumber, optionsOf, parseOptions, positiveNumber } from '../options.js';

/** g ← ∇L + λθ; v ← μ v + g; θ ← θ − η v, or with Nesterov θ ← θ − η (g + μ v): torch.optim.SGD. */
export interface Sgd {
  readonly type: 'sgd';
  /** η */
  readonly learningRate: number;
  /** μ */
  readonly momentum: number;
  /** λ */
  readonly weightDecay: number;
  readonly nesterov: boolean;
}

export type Optimizer = Sgd;

export interface SgdOptions {
  readonly learningRate: number;
  /** Default 0. */
  readonly momentum?: number | undefined;
  /** Default 0. */
  readonly weightDecay?: number | undefined;
  /** Default false. */
  readonly nesterov?: boolean | undefined;
}

const entries = {
  learningRate: positiveNumber,
  momentum: v.optional(nonnegativeNumber, 0),
  weightDecay: v.optional(nonnegativeNumber, 0),
  nesterov: v.optional(v.boolean('true or false'), false),
};
const schema = optionsOf(entries);

/** An optimizer, made by {@link sgd} or written out.
 *  @internal */
export const optimizerSchema = optionsOf({ type: v.literal('sgd', "'sgd'"), ...entries });

/** Gradient descent, stochastic or (with batchSize: 'full') not.
 *  @throws EigenscapeError ERR_SPEC */
export function sgd(options: SgdOptions): Sgd {
  return { type: 'sgd', ...parseOptions('sgd', schema, options) };
}
