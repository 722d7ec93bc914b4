// Learning rates that change with the step, as plain data. t counts the steps of the phase from 0; each
// formula is that of a scheduler in torch.optim.lr_scheduler, of which step t there is `last_epoch` t.

import * as v from 'valibot';

import {
  nonnegativeNumber,
  optionsOf,
  parseOptions,
  positiveInteger,
  positiveNumber,
} from '../options.js';

/** initial · factor^⌊t / every⌋: StepLR. */
export interface StepDecay {
  readonly type: 'stepDecay';
  readonly initial: number;
  readonly every: number;
  readonly factor: number;
}

/** initial · factorᵗ: ExponentialLR. */
export interface ExponentialDecay {
  readonly type: 'exponential';
  readonly initial: number;
  readonly factor: number;
}

/** final + (initial − final)(1 + cos(πt / steps)) / 2: the closed form of CosineAnnealingLR. It stays at
 *  `final` (default 0) once `steps` are taken, where PyTorch's would rise again. */
export interface CosineDecay {
  readonly type: 'cosine';
  readonly initial: number;
  readonly final?: number | undefined;
  readonly steps: number;
}

/** initial · factorᵏ after k of the milestones: MultiStepLR. A milestone m counts from step m on. */
export interface MultiStepDecay {
  readonly type: 'multiStep';
  readonly initial: number;
  readonly milestones: readonly number[];
  readonly factor: number;
}

/** initial · (startFactor + (endFactor − startFactor) · min(t, steps) / steps): LinearLR, whose defaults 1/3
 *  and 1 make a warm-up. */
export interface LinearRamp {
  readonly type: 'linear';
  readonly initial: number;
  readonly startFactor?: number | undefined;
  readonly endFactor?: number | undefined;
  readonly steps: number;
}

/** A linear rise from startFactor · r to r, the rate with which `then` begins, over `steps` steps; then
 *  `then`, counted from there: SequentialLR of LinearLR and another. Default startFactor: 1/3. */
export interface WarmUp {
  readonly type: 'warmUp';
  readonly steps: number;
  readonly startFactor?: number | undefined;
  readonly then: LearningRate;
}

/** The rate of the last piece that has begun; the first begins at step 0. */
export interface PiecewiseRates {
  readonly type: 'piecewise';
  readonly pieces: readonly { readonly from: number; readonly rate: number }[];
}

/** A learning rate that changes with the step. */
export type Schedule =
  | StepDecay
  | ExponentialDecay
  | CosineDecay
  | MultiStepDecay
  | LinearRamp
  | WarmUp
  | PiecewiseRates;

/** The same at every step, or by a schedule. */
export type LearningRate = number | Schedule;

const count = v.pipe(
  v.number('an integer of at least 0'),
  v.safeInteger('an integer of at least 0'),
  v.minValue(0, 'an integer of at least 0'),
);
const ascending = <Item>(numberOf: (item: Item) => number) =>
  v.check<Item[], string>(
    (items) => items.every((item, i) => i === 0 || numberOf(items[i - 1] as Item) < numberOf(item)),
    'steps in ascending order',
  );

const schedules = {
  stepDecay: optionsOf({
    type: v.literal('stepDecay'),
    initial: positiveNumber,
    every: positiveInteger,
    factor: positiveNumber,
  }),
  exponential: optionsOf({
    type: v.literal('exponential'),
    initial: positiveNumber,
    factor: positiveNumber,
  }),
  cosine: optionsOf({
    type: v.literal('cosine'),
    initial: positiveNumber,
    final: v.optional(nonnegativeNumber),
    steps: positiveInteger,
  }),
  multiStep: optionsOf({
    type: v.literal('multiStep'),
    initial: positiveNumber,
    milestones: v.pipe(
      v.array(positiveInteger, 'a list of steps'),
      ascending((milestone) => milestone),
    ),
    factor: positiveNumber,
  }),
  linear: optionsOf({
    type: v.literal('linear'),
    initial: positiveNumber,
    startFactor: v.optional(nonnegativeNumber),
    endFactor: v.optional(nonnegativeNumber),
    steps: positiveInteger,
  }),
  warmUp: optionsOf({
    type: v.literal('warmUp'),
    steps: positiveInteger,
    startFactor: v.optional(nonnegativeNumber),
    then: v.lazy((): v.GenericSchema<LearningRate> => learningRateSchema),
  }),
  piecewise: optionsOf({
    type: v.literal('piecewise'),
    pieces: v.pipe(
      v.array(optionsOf({ from: count, rate: nonnegativeNumber }), 'a list of { from, rate }'),
      v.check((pieces) => pieces[0]?.from === 0, 'pieces of which the first is from step 0'),
      ascending(({ from }) => from),
    ),
  }),
} as const;

const names = Object.keys(schedules).join(', ');

/** @internal */
export const learningRateSchema: v.GenericSchema<LearningRate> = v.lazy((given) =>
  typeof given === 'object' && given !== null
    ? v.variant('type', Object.values(schedules), `a schedule: one of ${names}`)
    : positiveNumber,
);

/** The learning rate of step t of a phase, t = 0, 1, …
 *  @throws EigenscapeError ERR_SPEC for what is no learning rate, or no step
 *  @example learningRateAt({ type: 'stepDecay', initial: 0.1, every: 30, factor: 0.1 }, 60) // 0.001 */
export function learningRateAt(rate: LearningRate, step: number): number {
  const given = parseOptions('learningRateAt', rateAtStep, { rate, step });
  return rateAt(given.rate, given.step);
}

const rateAtStep = optionsOf({ rate: learningRateSchema, step: count });

function rateAt(rate: LearningRate, step: number): number {
  if (typeof rate === 'number') return rate;
  switch (rate.type) {
    case 'stepDecay':
      return rate.initial * rate.factor ** Math.floor(step / rate.every);
    case 'exponential':
      return rate.initial * rate.factor ** step;
    case 'cosine': {
      const { initial, final = 0, steps } = rate;
      if (step >= steps) return final;
      return final + ((initial - final) * (1 + Math.cos((Math.PI * step) / steps))) / 2;
    }
    case 'multiStep':
      return rate.initial * rate.factor ** rate.milestones.filter((m) => m <= step).length;
    case 'linear':
      return rate.initial * ramp(rate, step);
    case 'warmUp':
      return step < rate.steps
        ? rateAt(rate.then, 0) * ramp(rate, step)
        : rateAt(rate.then, step - rate.steps);
    case 'piecewise':
      return rate.pieces.findLast(({ from }) => from <= step)?.rate ?? 0;
  }
}

function ramp(
  {
    startFactor = 1 / 3,
    endFactor = 1,
    steps,
  }: Pick<LinearRamp, 'startFactor' | 'endFactor' | 'steps'>,
  step: number,
): number {
  return startFactor + ((endFactor - startFactor) * Math.min(step, steps)) / steps;
}

/** Of the steps first, first + 1, …; one for all of them where it does not change.
 *  @internal */
export function learningRatesOf(rate: LearningRate, first: number, count: number): Float64Array {
  if (typeof rate === 'number') return Float64Array.of(rate);
  return Float64Array.from({ length: count }, (_, i) => rateAt(rate, first + i));
}
