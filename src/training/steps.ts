// The engine's side of one call of train: a trainer, and where it stands.

import type { Dataset } from '../data/dataset.js';
import { allocate } from '../data/dtype.js';
import type { ArrayOf, DType } from '../data/dtype.js';
import { callEngine, runJob } from '../long-call.js';
import { addon } from '../native.js';
import type { JobOptions, NativeStepOutcome, NativeStepPlan, TrainerHandle } from '../native.js';
import type { Network } from '../network/network.js';
import type { LongCallOptions } from '../progress.js';
import { takeCustomSteps } from './custom-steps.js';
import { momentNames, ruleOf } from './optimizer.js';
import type { MomentName, Optimizer } from './optimizer.js';
import type { ParsedPhase } from './phase.js';
import { learningRatesOf } from './schedule.js';
import type { StartingState, TrainingState } from './state.js';

/** Learning rates that are computed beforehand: a millisecond's worth. */
const LONGEST_SCHEDULED_STRETCH = 8192;

type Place = Omit<TrainingState, 'moments' | 'updates'>;

export class Steps<D extends DType> implements Disposable {
  readonly #network: Network<D>;
  readonly #data: Dataset;
  readonly #trainer: TrainerHandle;
  #place: Place;
  #moments: readonly MomentName[];

  /** Goes on from `state` with the network's parameters. Its moments are taken if they are those that
   *  `optimizer` keeps; else it begins anew. */
  constructor(network: Network<D>, data: Dataset, state: StartingState, optimizer: Optimizer) {
    const { moments, updates, ...place } = state;
    const names = momentNames(optimizer);
    const given = names.flatMap((name) => moments[name] ?? []);
    const complete = given.length === names.length;
    this.#network = network;
    this.#data = data;
    this.#place = place;
    this.#moments = complete ? names : [];
    this.#trainer = callEngine(() =>
      addon().createTrainer(network.handle, network.samplesOf(data), {
        updates: complete ? updates : 0,
        moments: complete ? given : [],
      }),
    );
  }

  get step(): number {
    return this.#place.step;
  }
  get phaseStart(): number {
    return this.#place.phaseStart;
  }

  /** Begins the next phase here. */
  nextPhase(): void {
    const { step, phase } = this.#place;
    this.#place = { ...this.#place, phase: phase + 1, phaseStart: step };
  }

  /** Takes up to `steps` steps of a phase, or fewer where learning rates are many. */
  async take(
    phase: ParsedPhase,
    steps: number,
    options: LongCallOptions,
  ): Promise<NativeStepOutcome> {
    const plan = this.#plan(phase, steps);
    const outcome = await this.#run(plan, options);
    this.#moments = momentNames(phase.optimizer);
    this.#place = { ...this.#place, step: this.step + outcome.steps };
    return outcome;
  }

  #run(plan: NativeStepPlan, options: LongCallOptions): Promise<NativeStepOutcome> {
    const trainer = this.#trainer;
    if (this.#network.customLoss !== undefined) {
      return takeCustomSteps(this.#network, this.#data, trainer, plan, options);
    }
    const start = (job: JobOptions) => addon().runTrainer(trainer, plan, job);
    // Rejects when nothing of it writes any more.
    return runJob(options, start, { detached: false });
  }

  state(): TrainingState<D> {
    const copies = this.#moments.map(() => this.#array());
    const updates = callEngine(() => addon().trainerState(this.#trainer, copies));
    return this.#state(updates, copies);
  }

  /** The same for a call that takes its time: copied on another thread. */
  async copyState({ signal, threads }: LongCallOptions): Promise<TrainingState<D>> {
    const copies = this.#moments.map(() => this.#array());
    const trainer = this.#trainer;
    const updates = await runJob({ signal, threads }, (job) =>
      addon().copyTrainerState(trainer, copies, job),
    );
    return this.#state(updates, copies);
  }

  #array(): ArrayOf[D] {
    return allocate(this.#network.dtype, this.#network.parameterCount);
  }

  #state(updates: number, moments: readonly ArrayOf[D][]): TrainingState<D> {
    const named = Object.fromEntries(this.#moments.map((name, index) => [name, moments[index]]));
    return { ...this.#place, updates, moments: named };
  }

  [Symbol.dispose](): void {
    addon().releaseTrainer(this.#trainer);
  }

  #plan(phase: ParsedPhase, steps: number): NativeStepPlan {
    const { step, phaseStart, seed, phase: index } = this.#place;
    const { optimizer, order, batch, stopAtGradientNorm = -1 } = phase;
    const { learningRate } = optimizer;
    const scheduled = typeof learningRate !== 'number';
    const count = scheduled ? Math.min(steps, LONGEST_SCHEDULED_STRETCH) : steps;
    return {
      rule: ruleOf(optimizer),
      order: { kind: order, samples: this.#data.sampleCount, size: batch, seed, phase: index },
      phaseStart,
      firstStep: step,
      steps: count,
      learningRates: learningRatesOf(learningRate, step - phaseStart, count),
      stopAtGradientNorm,
    };
  }
}
