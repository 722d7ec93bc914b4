// Steps under a loss that is written in TypeScript: a batch per crossing, with the engine's batches and
// updates.

import type { Dataset } from '../data/dataset.js';
import { allocate } from '../data/dtype.js';
import type { DType } from '../data/dtype.js';
import { EigenscapeError } from '../errors.js';
import { runJob } from '../long-call.js';
import { addon } from '../native.js';
import type { JobOptions, NativeStepOutcome, NativeStepPlan, TrainerHandle } from '../native.js';
import { sumCustomGradient } from '../network/custom-sums.js';
import type { CustomGradient, CustomLossPoint } from '../network/custom-sums.js';
import type { Network } from '../network/network.js';
import type { LongCallOptions } from '../progress.js';

/** Milliseconds between two calls of a progress function. */
const PROGRESS_EVERY = 50;

/** Takes the steps of the plan.
 *  @throws EigenscapeError as the functions of the loss, ERR_NUMERIC as the engine's own steps */
export async function takeCustomSteps<D extends DType>(
  network: Network<D>,
  data: Dataset,
  trainer: TrainerHandle,
  plan: NativeStepPlan,
  { onProgress, ...quiet }: LongCallOptions,
): Promise<NativeStepOutcome> {
  const { firstStep, phaseStart, learningRates, steps } = plan;
  let outcome: NativeStepOutcome = { steps: 0, stopped: false, loss: NaN, gradientNorm: NaN };
  let told = performance.now();
  while (outcome.steps < steps && !outcome.stopped) {
    const taken = outcome.steps;
    const point = network.customPoint(data);
    if (point === undefined) throw new TypeError('the loss is none of the user');
    const samples = addon().batchSamples(plan.order, firstStep + taken - phaseStart);
    const one = {
      ...plan,
      firstStep: firstStep + taken,
      steps: 1,
      learningRates: Float64Array.of(learningRates[taken] ?? learningRates[0] ?? NaN),
    };
    const { given, error } = await gradientOf(network, point, samples, quiet);
    const step = await takeOne(trainer, one, given, quiet).catch((failure: unknown) => {
      throw explained(failure, error);
    });
    outcome = { ...step, steps: taken + step.steps };
    if (performance.now() - told < PROGRESS_EVERY) continue;
    told = performance.now();
    const done = firstStep + outcome.steps;
    onProgress?.({ stage: 'training', done, total: firstStep + steps, secondsLeft: undefined });
  }
  return outcome;
}

/** L and ∇L of a batch. Where they are not finite the trainer gets NaN, on which it goes back a step as under
 *  any loss; `error` says why. */
async function gradientOf(
  network: Network,
  point: CustomLossPoint,
  samples: Uint32Array,
  options: LongCallOptions,
): Promise<{ readonly given: CustomGradient; readonly error?: EigenscapeError }> {
  try {
    return { given: await sumCustomGradient(point, { samples, ...options }) };
  } catch (error) {
    if (!(error instanceof EigenscapeError) || error.code !== 'ERR_NUMERIC') throw error;
    const gradient = allocate(network.dtype, network.parameterCount).fill(NaN);
    return { given: { loss: NaN, gradient }, error };
  }
}

function takeOne(
  trainer: TrainerHandle,
  plan: NativeStepPlan,
  given: CustomGradient,
  options: LongCallOptions,
): Promise<NativeStepOutcome> {
  const start = (job: JobOptions) => addon().takeStep(trainer, plan, given, job);
  return runJob(options, start, { detached: false });
}

function explained(failure: unknown, cause: EigenscapeError | undefined): unknown {
  if (cause === undefined || !(failure instanceof EigenscapeError)) return failure;
  const message = `${failure.message} (${cause.message})`;
  return new EigenscapeError(failure.code, message, { cause, details: cause.details });
}
