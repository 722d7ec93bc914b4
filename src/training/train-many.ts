// Many runs of training, each from a starting point of its own.

import { setImmediate } from 'node:timers/promises';

import * as v from 'valibot';

import type { Dataset } from '../data/dataset.js';
import { allocate } from '../data/dtype.js';
import type { ArrayOf, DType } from '../data/dtype.js';
import { EigenscapeError } from '../errors.js';
import { runJob, throwIfAborted } from '../long-call.js';
import { addon } from '../native.js';
import type { NativeArray, NativeStepPlan } from '../native.js';
import { requireEngineLoss, requireNetwork } from '../network/network.js';
import type { Network } from '../network/network.js';
import { placeOf, readPoints } from '../network/points.js';
import type { ParameterPoints } from '../network/points.js';
import {
  longCallEntries,
  optionsOf,
  parseOptions,
  positiveInteger,
  seedOption,
} from '../options.js';
import { progressOfWhole } from '../progress.js';
import type { LongCallOptions } from '../progress.js';
import { ruleOf } from './optimizer.js';
import { parsePhase, phaseEntries } from './phase.js';
import type { ParsedPhase, TrainingPhase } from './phase.js';
import { learningRatesOf } from './schedule.js';
import type { LearningRate } from './schedule.js';

/** What every run does; `steps` is how many it takes at most. */
export interface TrainManyOptions<D extends DType = DType> extends LongCallOptions, TrainingPhase {
  /** Run i draws random batches with seed + i, as `train` does with that seed. Default 0. */
  readonly seed?: number | undefined;
  /** Hears the runs of each stretch when all of them have ended, so that nothing is lost when the call is
   *  aborted, or fails, later: `first` is the row of the first run. */
  readonly onResult?: ((part: ManyRunsPart<D>) => void) | undefined;
  /** Runs of a stretch that onResult hears of; default 1,000. */
  readonly runsAtOnce?: number | undefined;
}

/** How all runs ended, row by row. */
export interface ManyRuns<D extends DType = DType> {
  /** How many runs. */
  readonly count: number;
  /** Where each ended [count, parameterCount]: for one that diverged, after its last finite step. */
  readonly parameters: ArrayOf[D];
  /** L over the whole data there [count]; NaN where it is not finite. */
  readonly losses: Float64Array;
  /** ‖∇L‖₂ over the whole data there [count]. */
  readonly gradientNorms: Float64Array;
  /** Steps taken [count]. */
  readonly steps: Float64Array;
  /** Why each ended: all steps were taken, the batch's gradient was small enough, or numbers were no longer
   *  finite. */
  readonly stoppedBy: readonly ('steps' | 'gradientNorm' | 'diverged')[];
  /** The runs that diverged, and what happened. */
  readonly failed: readonly { readonly point: number; readonly message: string }[];
}

/** Consecutive rows of {@link ManyRuns}; `failed` counts rows from 0, as the whole does. */
export interface ManyRunsPart<D extends DType = DType> extends ManyRuns<D> {
  readonly first: number;
}

const schema = optionsOf({
  ...longCallEntries,
  ...phaseEntries,
  seed: seedOption,
  onResult: v.optional(
    v.custom<(part: ManyRunsPart) => void>(
      (value) => typeof value === 'function',
      'a function of a part of the runs',
    ),
  ),
  runsAtOnce: v.optional(positiveInteger, 1000),
  track: v.optional(
    v.undefined_(
      'nothing: trainMany tracks no spectrum; call train for a run that is to be tracked',
    ),
  ),
});

/** Learning rates that are computed between two turns of the event loop. */
const RATES_AT_ONCE = 8192;

async function allRates(
  rate: LearningRate,
  steps: number,
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  if (typeof rate === 'number') return Float64Array.of(rate);
  const rates = new Float64Array(steps);
  for (let first = 0; first < steps; first += RATES_AT_ONCE) {
    rates.set(learningRatesOf(rate, first, Math.min(RATES_AT_ONCE, steps - first)), first);
    await setImmediate();
    throwIfAborted(signal);
  }
  return rates;
}

async function planOf(
  { optimizer, order, batch, steps, stopAtGradientNorm = -1 }: ParsedPhase,
  samples: number,
  seed: number,
  signal: AbortSignal | undefined,
): Promise<NativeStepPlan> {
  return {
    rule: ruleOf(optimizer),
    order: { kind: order, samples, size: batch, seed, phase: 0 },
    phaseStart: 0,
    firstStep: 0,
    steps,
    learningRates: await allRates(optimizer.learningRate, steps, signal),
    stopAtGradientNorm,
  };
}

/** Trains from many starting points: whole runs side by side, each on one thread. A run has the bits that
 *  `train` gives a network set to its point, with seed + its row, on any number of threads and whatever other
 *  runs there are. One that diverges is marked and does not spoil the others.
 *  @param network gives the layers and the loss; its own parameters do not matter, and stay
 *  @param points a matrix whose rows are starting points, or a list of vectors and networks
 *  @throws EigenscapeError ERR_SPEC for options, ERR_SHAPE or ERR_DATA for points and data that do not fit,
 *  ERR_ABORTED, after which `onResult` has heard what was whole
 *  @example const { parameters, losses } = await trainMany(network, data, points, {
 *    optimizer: sgd({ learningRate: 0.1 }), batchSize: 'full', steps: 1e6, stopAtGradientNorm: 1e-4 }) */
export async function trainMany<D extends DType>(
  network: Network<D>,
  data: Dataset,
  points: ParameterPoints,
  options: TrainManyOptions<D>,
): Promise<ManyRuns<D>> {
  const parsed = parseOptions('trainMany', schema, options);
  const { signal, threads, onProgress, seed, runsAtOnce } = parsed;
  requireNetwork('trainMany', network);
  requireEngineLoss('trainMany', network);
  using place = placeOf(network, data);
  const phase = parsePhase(parsed, data.sampleCount);
  const { count, values } = readPoints('trainMany', network, points);
  requireCountable(seed, count);
  const plan = await planOf(phase, data.sampleCount, seed, signal);
  const size = network.parameterCount;
  const stretch = options.onResult === undefined ? count : runsAtOnce;
  const parts: ManyRunsPart<D>[] = [];
  for (let first = 0; first < count; first += stretch) {
    const rows = Math.min(stretch, count - first);
    const starts = values.subarray(first * size, (first + rows) * size);
    const order = { ...plan.order, seed: seed + first };
    const found = await runJob(
      { signal, threads, onProgress: onProgress && progressOfWhole(onProgress, first, count) },
      (job) => addon().trainMany(place.handle, starts, { ...plan, order }, job),
    );
    const parameters = options.onResult === undefined ? values : copied(network.dtype, starts);
    const part = { first, count: rows, ...found, parameters };
    parts.push(part);
    options.onResult?.(part);
  }
  return joined(values, count, parts);
}

function requireCountable(seed: number, count: number): void {
  if (Number.isSafeInteger(seed + count)) return;
  throw new EigenscapeError(
    'ERR_SPEC',
    `trainMany: seed is ${String(seed)}, but the seeds of ${String(count)} runs, seed + i, must be safe integers`,
    { details: { seed, count } },
  );
}

function copied<D extends DType>(dtype: D, values: NativeArray): ArrayOf[D] {
  const copy = allocate(dtype, values.length);
  copy.set(values);
  return copy;
}

function joined<D extends DType>(
  parameters: ArrayOf[D],
  count: number,
  parts: readonly ManyRunsPart<D>[],
): ManyRuns<D> {
  const losses = new Float64Array(count);
  const gradientNorms = new Float64Array(count);
  const steps = new Float64Array(count);
  for (const { first, ...part } of parts) {
    losses.set(part.losses, first);
    gradientNorms.set(part.gradientNorms, first);
    steps.set(part.steps, first);
  }
  return {
    count,
    parameters,
    losses,
    gradientNorms,
    steps,
    stoppedBy: parts.flatMap(({ stoppedBy }) => stoppedBy),
    failed: parts.flatMap(({ first, failed }) =>
      failed.map(({ point, message }) => ({ point: first + point, message })),
    ),
  };
}
