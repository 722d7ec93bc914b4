// Optimizers as plain data.

import * as v from 'valibot';

import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import type { NativeRule } from '../native.js';
import { nonnegativeNumber, optionsOf, parseOptions, positiveNumber } from '../options.js';
import { learningRateSchema } from './schedule.js';
import type { LearningRate } from './schedule.js';

/** g ← ∇L + λθ; v ← μ v + (1 − τ) g, at the first step v ← g; θ ← θ − η v, or with Nesterov
 *  θ ← θ − η (g + μ v): torch.optim.SGD. */
export interface Sgd {
  readonly type: 'sgd';
  /** η, or how it changes. */
  readonly learningRate: LearningRate;
  /** μ; default 0. */
  readonly momentum: number;
  /** τ; default 0. */
  readonly dampening: number;
  /** λ; default 0. */
  readonly weightDecay: number;
  /** Default false; needs a momentum, and no dampening. */
  readonly nesterov: boolean;
}

/** g ← ∇L + λθ; m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; at step t = 1, 2, …
 *  θ ← θ − η m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ) (Kingma and Ba 2015):
 *  torch.optim.Adam. */
export interface Adam {
  readonly type: 'adam';
  /** η, or how it changes; default 0.001. */
  readonly learningRate: LearningRate;
  /** β₁; default 0.9. */
  readonly beta1: number;
  /** β₂; default 0.999. */
  readonly beta2: number;
  /** ε; default 1e-8. */
  readonly epsilon: number;
  /** λ; default 0. */
  readonly weightDecay: number;
  /** Divide by the largest v so far (Reddi, Kale and Kumar 2018); default false. */
  readonly amsgrad: boolean;
}

/** Adam with θ ← (1 − ηλ) θ in place of the λθ in g (Loshchilov and Hutter 2019); λ is 0.01 by default:
 *  torch.optim.AdamW. */
export interface AdamW extends Omit<Adam, 'type'> {
  readonly type: 'adamW';
}

/** A rule by which parameters are updated. */
export type Optimizer = Sgd | Adam | AdamW;

type Optional<Numbers> = { readonly [Key in keyof Numbers]?: Numbers[Key] | undefined };

/** Options of {@link sgd}, named as in torch.optim.SGD. */
export interface SgdOptions extends Optional<Omit<Sgd, 'type' | 'learningRate'>> {
  readonly learningRate: LearningRate;
}
/** Options of {@link adam} and {@link adamW}, named as in torch.optim. */
export type AdamOptions = Optional<Omit<Adam, 'type'>>;

const flag = v.optional(v.boolean('true or false'), false);
const share = 'a number of at least 0 and below 1';
const shareSchema = v.pipe(v.number(share), v.minValue(0, share), v.ltValue(1, share));

const sgdEntries = {
  learningRate: learningRateSchema,
  momentum: v.optional(nonnegativeNumber, 0),
  dampening: v.optional(nonnegativeNumber, 0),
  weightDecay: v.optional(nonnegativeNumber, 0),
  nesterov: flag,
};
const adamEntries = (weightDecay: number) => ({
  learningRate: v.optional(learningRateSchema, 0.001),
  beta1: v.optional(shareSchema, 0.9),
  beta2: v.optional(shareSchema, 0.999),
  epsilon: v.optional(positiveNumber, 1e-8),
  weightDecay: v.optional(nonnegativeNumber, weightDecay),
  amsgrad: flag,
});

const sgdSchema = optionsOf(sgdEntries);
const adamSchema = optionsOf(adamEntries(0));
const adamWSchema = optionsOf(adamEntries(0.01));

/** An optimizer, made by {@link sgd}, {@link adam} or {@link adamW}, or written out; what it cannot say is
 *  left to {@link requireOptimizer}.
 *  @internal */
export const optimizerSchema = v.variant(
  'type',
  [
    optionsOf({ type: v.literal('sgd'), ...sgdEntries }),
    optionsOf({ type: v.literal('adam'), ...adamEntries(0) }),
    optionsOf({ type: v.literal('adamW'), ...adamEntries(0.01) }),
  ],
  'an optimizer: sgd({ … }), adam({ … }) or adamW({ … })',
);

/** @throws EigenscapeError ERR_SPEC where PyTorch would refuse the combination
 *  @internal */
export function requireOptimizer<Given extends Optimizer>(call: string, optimizer: Given): Given {
  if (optimizer.type !== 'sgd' || !optimizer.nesterov) return optimizer;
  const { momentum, dampening } = optimizer;
  if (momentum > 0 && dampening === 0) return optimizer;
  throw new EigenscapeError(
    'ERR_SPEC',
    `${call}: nesterov is true with momentum ${describeValue(momentum)} and dampening ${describeValue(dampening)}; expected a momentum above 0 and dampening 0, or nesterov: false`,
    { details: { momentum, dampening } },
  );
}

/** Gradient descent, stochastic or (with batchSize: 'full') not.
 *  @throws EigenscapeError ERR_SPEC */
export function sgd(options: SgdOptions): Sgd {
  return requireOptimizer('sgd', { type: 'sgd', ...parseOptions('sgd', sgdSchema, options) });
}

/** Adam; its weight decay is part of the gradient.
 *  @throws EigenscapeError ERR_SPEC */
export function adam(options: AdamOptions = {}): Adam {
  return { type: 'adam', ...parseOptions('adam', adamSchema, options) };
}

/** Adam whose weight decay is a step of its own.
 *  @throws EigenscapeError ERR_SPEC */
export function adamW(options: AdamOptions = {}): AdamW {
  return { type: 'adamW', ...parseOptions('adamW', adamWSchema, options) };
}

/** The optimizer as the engine takes it.
 *  @internal */
export function ruleOf(optimizer: Optimizer): NativeRule {
  if (optimizer.type === 'sgd') {
    const { weightDecay, momentum, dampening, nesterov } = optimizer;
    return { kind: 'sgd', weightDecay, momentum, dampening, nesterov };
  }
  const { weightDecay, beta1, beta2, epsilon, amsgrad } = optimizer;
  const decoupled = optimizer.type === 'adamW';
  return { kind: 'adam', weightDecay, beta1, beta2, epsilon, decoupled, amsgrad };
}

/** v of sgd; m, v and the largest v of adam. */
export type MomentName = 'velocity' | 'first' | 'second' | 'largestSecond';

/** The moments that an optimizer keeps, in the engine's order.
 *  @internal */
export function momentNames(optimizer: Optimizer): readonly MomentName[] {
  if (optimizer.type === 'sgd') return optimizer.momentum > 0 ? ['velocity'] : [];
  return optimizer.amsgrad ? ['first', 'second', 'largestSecond'] : ['first', 'second'];
}
