// Training: stretches of steps in the engine, records between them.

import type { Dataset } from '../data/dataset.js';
import type { DType } from '../data/dtype.js';
import { EigenscapeError } from '../errors.js';
import { requireNetwork } from '../network/network.js';
import type { Network } from '../network/network.js';
import type { LongCallOptions } from '../progress.js';
import { Checkpoints } from './checkpoints.js';
import type { CheckpointOptions } from './checkpoints.js';
import { lastStep, parseTraining } from './choices.js';
import type { Choices } from './choices.js';
import type { Optimizer } from './optimizer.js';
import type { TrainingPhase } from './phase.js';
import { measure, Stops } from './record.js';
import type { TrainingRecord } from './record.js';
import { learningRateAt } from './schedule.js';
import type { ResumePoint, TrainingState } from './state.js';
import { Steps } from './steps.js';
import { Tracker } from './track.js';
import type { TrackOptions } from './track.js';

/** What a call of train takes beside its phases. */
export interface TrainingCall<D extends DType = DType> extends LongCallOptions {
  /** Of random batches; default: that of `resumeFrom`, else 0. */
  readonly seed?: number | undefined;
  /** Loss and accuracy on it are recorded too. */
  readonly testData?: Dataset | undefined;
  /** Record ‖∇L‖₂ over the whole data too; default false. */
  readonly fullGradientNorm?: boolean | undefined;
  /** A record at each multiple of so many steps, and one at each end; default, unless recordAt is given:
   *  about 100 records in all, but none before a whole pass over the data, since a record is one. */
  readonly recordEvery?: number | undefined;
  /** A record after these steps, counted from the beginning of all training, too. */
  readonly recordAt?: readonly number[] | undefined;
  /** Eigenvalues at the ends of the spectrum, in the records at the steps chosen here. */
  readonly track?: TrackOptions | undefined;
  /** Hears each record when it is made, and can ask for the state there; training goes on when the
   *  promise that it may return has settled. */
  readonly onRecord?:
    ((record: TrainingRecord, state: () => TrainingState<D>) => unknown) | undefined;
  /** Writes checkpoints while it runs, from which {@link loadCheckpoint} goes on. */
  readonly checkpoint?: CheckpointOptions | undefined;
  /** Where an earlier call ended: its steps, moments and random batches go on. */
  readonly resumeFrom?: ResumePoint<D> | undefined;
}

/** One phase; or several, each from where the one before it ended. `steps` counts those to take now; in
 *  `phases` those of the whole phase, so that a call that resumes takes what is left of them. Moments go on
 *  into a phase whose optimizer keeps the same ones. */
export type TrainOptions<D extends DType = DType> = TrainingCall<D> &
  (TrainingPhase | { readonly phases: readonly TrainingPhase[] });

/** What {@link train} resolves to. */
export interface TrainingHistory<D extends DType = DType> {
  readonly records: readonly TrainingRecord[];
  /** Goes back in as `resumeFrom`. */
  readonly state: TrainingState<D>;
  /** Why the last phase ended: all steps were taken, or the gradient was small enough. */
  readonly stoppedBy: 'steps' | 'gradientNorm';
}

/** What takes the next step. */
interface Ahead {
  readonly optimizer: Optimizer;
  readonly learningRate: number;
}

/** One call of train: how far it is. */
class Run<D extends DType> {
  readonly records: TrainingRecord[] = [];
  readonly #network: Network<D>;
  readonly #data: Dataset;
  readonly #testData: Dataset | undefined;
  readonly #choices: Choices;
  readonly #steps: Steps<D>;
  readonly #stops: Stops;
  readonly #checkpoints: Checkpoints<D> | undefined;
  readonly #tracker: Tracker | undefined;
  readonly #last: number;
  readonly #started = performance.now();
  #gradientNorm: number | undefined;

  constructor(
    network: Network<D>,
    data: Dataset,
    testData: Dataset | undefined,
    choices: Choices,
    steps: Steps<D>,
    checkpoints: Checkpoints<D> | undefined,
    tracker: Tracker | undefined,
  ) {
    this.#network = network;
    this.#data = data;
    this.#testData = testData;
    this.#choices = choices;
    this.#steps = steps;
    this.#checkpoints = checkpoints;
    this.#tracker = tracker;
    this.#last = lastStep(choices);
    this.#stops = this.#recordStops();
  }

  async train(): Promise<'steps' | 'gradientNorm'> {
    const { phases, state } = this.#choices;
    let stopped = false;
    await this.#checkpoints?.prepare(this.#choices.call.signal);
    const over = this.#steps.step >= this.#steps.phaseStart + phases[0].steps;
    await this.#record(this.#ahead(0, over));
    for (const [index, phase] of phases.entries()) {
      if (index > 0) this.#steps.nextPhase();
      const end = this.#steps.phaseStart + phase.steps;
      stopped = false;
      while (this.#steps.step < end && !stopped) {
        const before = this.#steps.step;
        const outcome = await this.#steps.take(phase, this.#nextStop(before, end) - before, {
          ...this.#quiet,
          onProgress: this.#progress(),
        });
        ({ stopped } = outcome);
        this.#gradientNorm = outcome.gradientNorm;
        const { step } = this.#steps;
        const over = stopped || step >= end;
        if (this.#isRecorded(step)) await this.#record(this.#ahead(index, over));
        if (step < this.#last && this.#checkpoints?.has(step) === true) await this.#checkpoint();
      }
    }
    if (this.#steps.step > state.step)
      await this.#record(this.#ahead(phases.length - 1, true), true);
    await this.#checkpoint();
    return stopped ? 'gradientNorm' : 'steps';
  }

  get #quiet(): LongCallOptions {
    const { signal, threads } = this.#choices.call;
    return { signal, threads };
  }

  /** Where the engine stops next after `step`, at the latest at `end`. */
  #nextStop(step: number, end: number): number {
    const checkpoint = this.#checkpoints?.after(step) ?? Infinity;
    const tracked = this.#tracker?.stops.after(step) ?? Infinity;
    return Math.min(this.#stops.after(step), tracked, checkpoint, end);
  }

  #isRecorded(step: number): boolean {
    return this.#stops.has(step) || this.#isTracked(step);
  }

  #isTracked(step: number): boolean {
    return this.#tracker !== undefined && (step === this.#last || this.#tracker.stops.has(step));
  }

  /** What takes the next step: of a phase that is over, the phase after it. */
  #ahead(index: number, over: boolean): Ahead {
    const { phases } = this.#choices;
    const { step, phaseStart } = this.#steps;
    const next = over ? phases[index + 1] : undefined;
    const { optimizer } = next ?? phases[index] ?? phases[0];
    const inPhase = next === undefined ? step - phaseStart : 0;
    return { optimizer, learningRate: learningRateAt(optimizer.learningRate, inPhase) };
  }

  #recordStops(): Stops {
    const { call, phases, state } = this.#choices;
    const epoch = Math.max(...phases.map(({ batch }) => Math.ceil(this.#data.sampleCount / batch)));
    const hundredth = Math.ceil((this.#last - state.step) / 100);
    const sparse = call.recordAt === undefined ? Math.max(epoch, hundredth) : Infinity;
    return new Stops(call.recordEvery ?? sparse, call.recordAt);
  }

  /** Adds a record of the network as it is, unless there is one. */
  async #record({ optimizer, learningRate }: Ahead, isEnd = false): Promise<void> {
    const { step } = this.#steps;
    if (this.records.at(-1)?.step === step) return;
    const { fullGradientNorm, onRecord, onProgress } = this.#choices.call;
    const tracker = isEnd || this.#isTracked(step) ? this.#tracker : undefined;
    const call = { ...this.#quiet, onProgress };
    const record = await measure(
      this.#network,
      {
        data: this.#data,
        testData: this.#testData,
        fullGradientNorm,
        track: tracker && (() => tracker.edges(optimizer, learningRate, call)),
      },
      { step, gradientNorm: this.#gradientNorm, learningRate },
      this.#quiet,
    );
    this.records.push(record);
    await onRecord?.(record, () => this.#steps.state());
  }

  async #checkpoint(): Promise<void> {
    if (this.#checkpoints === undefined) return;
    const left = { steps: this.#last - this.#steps.step, recordEvery: this.#stops.every };
    const { signal } = this.#choices.call;
    const state = await this.#steps.copyState(this.#quiet);
    await this.#checkpoints.save(state, this.records, left, signal);
  }

  /** The engine counts the steps of a stretch; callers hear those of the whole call. */
  #progress(): LongCallOptions['onProgress'] {
    const { call, state } = this.#choices;
    const { onProgress } = call;
    if (onProgress === undefined) return undefined;
    const total = this.#last - state.step;
    return ({ done: step }) => {
      const done = step - state.step;
      const seconds = (performance.now() - this.#started) / 1000;
      const secondsLeft = done > 0 ? (seconds / done) * (total - done) : undefined;
      onProgress({ stage: 'training', done, total, secondsLeft });
    };
  }
}

/** Trains a network in place. Reads of it meanwhile see some whole step.
 *  @throws EigenscapeError ERR_SPEC for options, ERR_SHAPE or ERR_DATA for data that does not fit, ERR_BUSY
 *  when it is being trained, ERR_NUMERIC when loss or gradient are no longer finite, which leaves the
 *  network on the step before; ERR_ABORTED, which leaves it on its last whole step
 *  @example await train(network, data, { optimizer: sgd({ learningRate: 0.1 }), batchSize: 'full', steps: 1000 }) */
export async function train<D extends DType>(
  network: Network<D>,
  data: Dataset,
  options: TrainOptions<D>,
): Promise<TrainingHistory<D>> {
  requireNetwork('train', network);
  network.samplesOf(data);
  const choices = parseTraining(network, data, options);
  const { testData } = options;
  if (testData !== undefined) network.samplesOf(testData);
  const last = lastStep(choices);
  if (!Number.isSafeInteger(last)) {
    const from = choices.state.step;
    throw new EigenscapeError(
      'ERR_SPEC',
      `train: ${String(last - from)} steps after step ${String(from)} are more than can be counted exactly`,
      { details: { last, from } },
    );
  }
  const { checkpoint } = choices.call;
  const checkpoints = checkpoint && new Checkpoints(network, options, checkpoint);
  const { track } = choices.call;
  const tracker = track && new Tracker(network, data, track);
  const release = network.claim();
  try {
    using steps = new Steps(network, data, choices.state, choices.phases[0].optimizer);
    const run = new Run(network, data, testData, choices, steps, checkpoints, tracker);
    const stoppedBy = await run.train();
    const { threads } = choices.call;
    return { records: run.records, state: await steps.copyState({ threads }), stoppedBy };
  } finally {
    release();
  }
}
