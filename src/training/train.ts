// Training: stretches of steps in the engine, records between them.

import * as v from 'valibot';

import type { Dataset } from '../data/dataset.js';
import { allocate } from '../data/dtype.js';
import type { ArrayOf, DType } from '../data/dtype.js';
import {
  longCallEntries,
  nonnegativeNumber,
  optionsOf,
  parseOptions,
  positiveInteger,
  requireArray,
} from '../options.js';
import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import { runJob } from '../long-call.js';
import { addon } from '../native.js';
import type { NativeSgdOutcome } from '../native.js';
import { requireNetwork } from '../network/network.js';
import type { Network } from '../network/network.js';
import type { LongCallOptions, Progress } from '../progress.js';
import { optimizerSchema } from './optimizer.js';
import type { Optimizer } from './optimizer.js';

export interface TrainOptions<D extends DType = DType> extends LongCallOptions {
  readonly optimizer: Optimizer;
  /** Samples per batch; 'full' is gradient descent. Batches are taken in the order of the data: step t
   *  takes batch t mod ⌈N / batchSize⌉, as the authors' code does. */
  readonly batchSize: number | 'full';
  /** How many steps to take. */
  readonly steps: number;
  /** Stop before the step at which ‖∇L‖₂ of the batch is not above this. */
  readonly stopAtGradientNorm?: number | undefined;
  /** Loss and accuracy on it are recorded too. */
  readonly testData?: Dataset | undefined;
  /** A record every so many steps, and one at each end; default: 100 records in all, but none before
   *  a whole pass over the data, since a record is one. */
  readonly recordEvery?: number | undefined;
  /** Hears each record when it is made. */
  readonly onRecord?: ((record: TrainingRecord) => void) | undefined;
  /** Where an earlier call ended: its steps count on and the momentum is kept. */
  readonly resumeFrom?: TrainingState<D> | undefined;
}

/** The network after `step` steps, over the whole data. */
export interface TrainingRecord {
  readonly step: number;
  readonly loss: number;
  /** Undefined for losses without classes. */
  readonly accuracy: number | undefined;
  readonly testLoss: number | undefined;
  readonly testAccuracy: number | undefined;
  /** ‖∇L‖₂ of the last batch, before its step; undefined before the first. */
  readonly gradientNorm: number | undefined;
}

/** What training needs beside the parameters to go on as if it had not stopped. */
export interface TrainingState<D extends DType = DType> {
  readonly step: number;
  /** v of the optimizer [parameterCount]; empty without momentum. */
  readonly velocity: ArrayOf[D];
}

export interface TrainingHistory<D extends DType = DType> {
  readonly records: readonly TrainingRecord[];
  /** Goes back in as `resumeFrom`. */
  readonly state: TrainingState<D>;
  /** Why it ended: all steps were taken, or the gradient was small enough. */
  readonly stoppedBy: 'steps' | 'gradientNorm';
}

const step = v.pipe(
  v.number('an integer of at least 0'),
  v.safeInteger('an integer of at least 0'),
  v.minValue(0, 'an integer of at least 0'),
);
const schema = optionsOf({
  ...longCallEntries,
  testData: v.optional(v.unknown()),
  onRecord: v.optional(
    v.custom<(record: TrainingRecord) => void>(
      (value) => typeof value === 'function',
      'a function of a record',
    ),
  ),
  resumeFrom: v.optional(optionsOf({ step, velocity: v.unknown() })),
  batchSize: v.union([v.literal('full'), positiveInteger], "'full' or an integer of at least 1"),
  steps: step,
  stopAtGradientNorm: v.optional(nonnegativeNumber),
  recordEvery: v.optional(positiveInteger),
  optimizer: optimizerSchema,
});

type Choices = v.InferOutput<typeof schema>;

/** One call of train: its choices and how far it is. */
class Run<D extends DType> {
  readonly records: TrainingRecord[] = [];
  state: TrainingState<D>;

  constructor(
    private readonly network: Network<D>,
    private readonly data: Dataset,
    private readonly testData: Dataset | undefined,
    private readonly options: Choices,
    private readonly batch: number,
  ) {
    this.state = startOf(network, options.optimizer, options.resumeFrom);
  }

  async record(gradientNorm: number | undefined): Promise<void> {
    const { signal, threads, onRecord } = this.options;
    const quiet = { signal, threads };
    const here = await evaluate(this.network, this.data, quiet);
    const test = this.testData && (await evaluate(this.network, this.testData, quiet));
    const record: TrainingRecord = {
      step: this.state.step,
      ...here,
      testLoss: test?.loss,
      testAccuracy: test?.accuracy,
      gradientNorm,
    };
    this.records.push(record);
    onRecord?.(record);
  }

  /** Takes up to `steps` steps in the engine. */
  async stretch(steps: number, last: number): Promise<NativeSgdOutcome> {
    const { network, options, batch, state } = this;
    const { optimizer, signal, threads, stopAtGradientNorm } = options;
    const samples = network.samplesOf(this.data);
    const outcome = await runJob(
      { signal, threads, onProgress: this.#progress(last) },
      (job) =>
        addon().sgd(
          network.handle,
          samples,
          job,
          {
            batch,
            firstStep: state.step,
            steps,
            learningRate: optimizer.learningRate,
            momentum: optimizer.momentum,
            weightDecay: optimizer.weightDecay,
            nesterov: optimizer.nesterov,
            stopAtGradientNorm: stopAtGradientNorm ?? -1,
          },
          state.velocity,
        ),
      { detached: false },
    );
    const velocity = allocate(network.dtype, outcome.velocity.length);
    velocity.set(outcome.velocity);
    this.state = { step: state.step + outcome.steps, velocity };
    return outcome;
  }

  /** The engine counts the steps of a stretch; callers hear those of the whole call. */
  #progress(last: number): ((progress: Progress) => void) | undefined {
    const { onProgress, resumeFrom } = this.options;
    if (onProgress === undefined) return undefined;
    const first = resumeFrom?.step ?? 0;
    const started = this.#started;
    return ({ done }) => {
      const seconds = (performance.now() - started) / 1000;
      const secondsLeft = done > first ? (seconds / (done - first)) * (last - done) : undefined;
      onProgress({ stage: 'training', done: done - first, total: last - first, secondsLeft });
    };
  }
  readonly #started = performance.now();
}

/** Where the run begins, copied from `resumeFrom` if that is given. */
function startOf<D extends DType>(
  network: Network<D>,
  { momentum }: Optimizer,
  resumeFrom: Choices['resumeFrom'],
): TrainingState<D> {
  const size = momentum === 0 ? 0 : network.parameterCount;
  const velocity = allocate(network.dtype, size);
  if (resumeFrom === undefined) return { step: 0, velocity };
  const given = resumeFrom.velocity;
  requireArray('train', 'resumeFrom.velocity', given);
  if (size > 0 && given.length !== size) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `train: resumeFrom.velocity has ${String(given.length)} entries; expected ${String(size)}, one per parameter`,
      { details: { given: given.length, expected: size } },
    );
  }
  for (let index = 0; index < size; index += 1) {
    const value = given[index];
    velocity[index] = typeof value === 'number' ? value : NaN;
    if (!Number.isFinite(velocity[index])) {
      throw new EigenscapeError(
        'ERR_DATA',
        `train: entry ${String(index)} of resumeFrom.velocity is ${describeValue(value)}; expected a finite number of ${network.dtype}`,
        { details: { index, value } },
      );
    }
  }
  return { step: resumeFrom.step, velocity };
}

async function evaluate(network: Network, data: Dataset, options: LongCallOptions) {
  const samples = network.samplesOf(data);
  const { handle } = network;
  const found = await runJob(options, (job) => addon().evaluate(handle, samples, job));
  const { loss } = network.spec;
  const classless = (typeof loss === 'string' ? loss : loss.type) === 'meanSquaredError';
  return { loss: found.loss, accuracy: classless ? undefined : found.accuracy };
}

/** Trains a network in place. Reads of it meanwhile see some whole step.
 *  @throws EigenscapeError ERR_SPEC for options, ERR_SHAPE or ERR_DATA for data that does not fit, ERR_BUSY
 *  when it is being trained, ERR_NUMERIC when the gradient is no longer finite, ERR_ABORTED, which leaves
 *  the network on its last whole step
 *  @example await train(network, data, { optimizer: sgd({ learningRate: 0.1 }), batchSize: 'full', steps: 1000 }) */
export async function train<D extends DType>(
  network: Network<D>,
  data: Dataset,
  options: TrainOptions<D>,
): Promise<TrainingHistory<D>> {
  const choices = parseOptions('train', schema, options);
  const { batchSize, steps, recordEvery } = choices;
  const { testData } = options;
  requireNetwork('train', network);
  network.samplesOf(data);
  if (testData !== undefined) network.samplesOf(testData);
  const batch = batchSize === 'full' ? data.sampleCount : Math.min(batchSize, data.sampleCount);
  const run = new Run(network, data, testData, choices, batch);
  if (!Number.isSafeInteger(run.state.step + steps)) {
    throw new EigenscapeError(
      'ERR_SPEC',
      `train: ${String(steps)} steps after step ${String(run.state.step)} are more than can be counted exactly`,
      { details: { steps, from: run.state.step } },
    );
  }
  const release = network.claim();
  try {
    const epoch = Math.ceil(data.sampleCount / batch);
    const every = recordEvery ?? Math.max(epoch, Math.ceil(steps / 100));
    const last = run.state.step + steps;
    let stopped = false;
    await run.record(undefined);
    while (run.state.step < last && !stopped) {
      const before = run.state.step;
      const outcome = await run.stretch(Math.min(every, last - before), last);
      ({ stopped } = outcome);
      if (run.state.step > before) await run.record(outcome.gradientNorm);
    }
    const stoppedBy = stopped ? 'gradientNorm' : 'steps';
    return { records: run.records, state: run.state, stoppedBy };
  } finally {
    release();
  }
}
