// What training needs beside the parameters to go on as if it had not stopped.

import * as v from 'valibot';

import { copyVector } from '../copies.js';
import type { ArrayOf, DType } from '../data/dtype.js';
import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import type { VectorHandle } from '../native.js';
import { optionsOf, requireArray, seedOption } from '../options.js';
import type { Network } from '../network/network.js';
import type { MomentName } from './optimizer.js';

/** The arrays of an optimizer, each [parameterCount]: `velocity` is v of sgd (absent without momentum);
 *  `first` and `second` are m and v of adam and adamW, `largestSecond` the largest v with amsgrad. */
export type Moments<D extends DType = DType> = Readonly<
  Partial<Record<MomentName, ArrayOf[D] | undefined>>
>;

/** Where training stands. Batches and learning rates are functions of it and of the options alone. */
export interface TrainingState<D extends DType = DType> {
  /** Steps taken in all. */
  readonly step: number;
  /** Which of the phases they have come to, from 0; and the step at which it began, from which batches and
   *  learning rates count. */
  readonly phase: number;
  readonly phaseStart: number;
  /** Of the random batches. */
  readonly seed: number;
  /** Steps behind the moments: since this optimizer began. */
  readonly updates: number;
  readonly moments: Moments<D>;
}

/** A state to start from. What is left out: phase 0, since step 0, the seed of the options, `updates`
 *  equal to `step`, and no moments, with which an optimizer that keeps some begins anew. */
export type ResumePoint<D extends DType = DType> = Pick<TrainingState<D>, 'step'> & {
  readonly [Key in keyof Omit<TrainingState<D>, 'step'>]?: TrainingState<D>[Key] | undefined;
};

const expected = 'an integer of at least 0';
/** @internal */
export const countSchema = v.pipe(
  v.number(expected),
  v.safeInteger(expected),
  v.minValue(0, expected),
);

const arrays = v.optional(v.unknown());
/** @internal */
export const resumeSchema = optionsOf({
  step: countSchema,
  phase: v.optional(countSchema, 0),
  phaseStart: v.optional(countSchema, 0),
  seed: v.optional(v.unwrap(seedOption)),
  updates: v.optional(countSchema),
  moments: v.optional(
    optionsOf({ velocity: arrays, first: arrays, second: arrays, largestSecond: arrays }),
    {},
  ),
});

/** A state with its moments in the engine's memory.
 *  @internal */
export interface StartingState extends Omit<TrainingState, 'moments'> {
  readonly moments: Readonly<Partial<Record<MomentName, VectorHandle>>>;
}

/** The state that a call begins with, copied from `resumeFrom` if that is given.
 *  @throws EigenscapeError ERR_SPEC, ERR_SHAPE or ERR_DATA for moments that are none of the network's
 *  @internal */
export function startingState(
  network: Network,
  resumeFrom: v.InferOutput<typeof resumeSchema> | undefined,
  seed: number | undefined,
): StartingState {
  if (resumeFrom === undefined) {
    return { step: 0, phase: 0, phaseStart: 0, seed: seed ?? 0, updates: 0, moments: {} };
  }
  const { step, phase, phaseStart, updates = step, moments } = resumeFrom;
  if (phaseStart > step || updates > step) {
    throw new EigenscapeError(
      'ERR_SPEC',
      `train: resumeFrom has step ${String(step)}, phaseStart ${String(phaseStart)} and updates ${String(updates)}; expected neither to be above step`,
      { details: { step, phaseStart, updates } },
    );
  }
  const copies: Partial<Record<MomentName, VectorHandle>> = {};
  for (const name of ['velocity', 'first', 'second', 'largestSecond'] as const) {
    const given = moments[name];
    if (given !== undefined) copies[name] = copyMoment(network, name, given);
  }
  const chosen = seed ?? resumeFrom.seed ?? 0;
  return { step, phase, phaseStart, seed: chosen, updates, moments: copies };
}

function copyMoment(network: Network, name: MomentName, given: unknown): VectorHandle {
  const called = `resumeFrom.moments.${name}`;
  requireArray('train', called, given);
  const size = network.parameterCount;
  if (given.length !== size) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `train: ${called} has ${String(given.length)} entries; expected ${String(size)}, one per parameter`,
      { details: { given: given.length, expected: size } },
    );
  }
  const copy = copyVector(given, network.dtype);
  if (typeof copy !== 'number') return copy;
  const value = given[copy];
  throw new EigenscapeError(
    'ERR_DATA',
    `train: entry ${String(copy)} of ${called} is ${describeValue(value)}; expected a finite number of ${network.dtype}`,
    { details: { index: copy, value } },
  );
}
