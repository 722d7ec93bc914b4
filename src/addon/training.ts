// Steps of training, and runs from many points.

import type {
  JobOptions,
  NativeArray,
  NativeJob,
  NetworkHandle,
  PointHandle,
  SamplesHandle,
  TrainerHandle,
  VectorHandle,
} from './handles.js';

/** The numbers of an optimizer, but for its learning rate. */
export type NativeRule =
  | {
      readonly kind: 'sgd';
      readonly weightDecay: number;
      readonly momentum: number;
      readonly dampening: number;
      readonly nesterov: boolean;
    }
  | {
      readonly kind: 'adam';
      readonly weightDecay: number;
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      readonly decoupled: boolean;
      readonly amsgrad: boolean;
    };

/** Which samples each step takes. */
export interface NativeBatchOrder {
  readonly kind: 'sequential' | 'shuffled' | 'withReplacement';
  readonly samples: number;
  /** Samples per batch. */
  readonly size: number;
  readonly seed: number;
  readonly phase: number;
}

/** A stretch of steps. */
export interface NativeStepPlan {
  readonly rule: NativeRule;
  readonly order: NativeBatchOrder;
  /** The step at which the phase began: batches count from it. */
  readonly phaseStart: number;
  readonly firstStep: number;
  readonly steps: number;
  /** One for each of the steps, or one for all. */
  readonly learningRates: Float64Array;
  /** Negative: never stop. */
  readonly stopAtGradientNorm: number;
}

export interface NativeStepOutcome {
  readonly steps: number;
  readonly stopped: boolean;
  readonly loss: number;
  readonly gradientNorm: number;
}

/** v of sgd; m, v and the largest v of adam; each [M]. `updates` were made on them. */
export interface NativeTrainerState {
  readonly updates: number;
  readonly moments: readonly VectorHandle[];
}

/** How runs from many points ended. */
export interface NativeRuns {
  /** [count], and so on */
  readonly losses: Float64Array;
  readonly gradientNorms: Float64Array;
  readonly steps: Float64Array;
  readonly stoppedBy: readonly ('steps' | 'gradientNorm' | 'diverged')[];
  readonly failed: readonly { readonly point: number; readonly message: string }[];
}

export interface TrainingCalls {
  /** Goes on from the network's parameters; the network must be written by nobody else. */
  createTrainer(
    network: NetworkHandle,
    samples: SamplesHandle,
    start: NativeTrainerState,
  ): TrainerHandle;
  runTrainer(
    trainer: TrainerHandle,
    plan: NativeStepPlan,
    options: JobOptions,
  ): NativeJob<NativeStepOutcome>;
  /** One step, whose loss and gradient come from elsewhere. */
  takeStep(
    trainer: TrainerHandle,
    plan: NativeStepPlan,
    given: { readonly loss: number; readonly gradient: NativeArray },
    options: JobOptions,
  ): NativeJob<NativeStepOutcome>;
  /** The moments into arrays [M], as many as there are; gives the number of updates. */
  trainerState(trainer: TrainerHandle, copies: readonly NativeArray[]): number;
  /** The same on another thread. */
  copyTrainerState(
    trainer: TrainerHandle,
    copies: readonly NativeArray[],
    options: JobOptions,
  ): NativeJob<number>;
  releaseTrainer(trainer: TrainerHandle): void;
  /** The samples of the batch of a step, counted within the phase. */
  batchSamples(order: NativeBatchOrder, step: number): Uint32Array;
  /** starting points [count, M], whose place the final parameters take; of `place`, the parameters do not
   *  matter. Run i takes the plan's seed + i. */
  trainMany(
    place: PointHandle,
    points: NativeArray,
    plan: NativeStepPlan,
    options: JobOptions,
  ): NativeJob<NativeRuns>;
}
