// The system of figures S3 to S7: two blobs in the plane, two hidden layers of equal width.

import type { Dataset } from '../data/dataset.js';
import { twoBlobs } from '../data/synthetic.js';
import { createNetwork } from '../network/create-network.js';
import type { Network } from '../network/network.js';
import { defineNetwork } from '../network/spec.js';
import type { NetworkSpec } from '../network/spec.js';
import type { LongCallOptions } from '../progress.js';
import { spectra } from '../spectrum/spectra.js';
import { sgd } from '../training/optimizer.js';
import { trainMany } from '../training/train-many.js';

export const LEARNING_RATE = 0.5;
export const GRADIENT_NORM = 1e-4;
export const SAMPLES = 200;
/** Runs that have not reached the gradient norm by then are counted as unfinished. */
export const STEPS = 200_000;

/** 2-n-n-2 ReLU: M = n² + 6n + 2, that is 18, 74, 162, 282, 434 for n = 2, 6, 10, 14, 18. */
export function networkOfWidth(units: number): NetworkSpec {
  return defineNetwork({
    input: [2],
    layers: [
      { type: 'dense', units },
      { type: 'relu' },
      { type: 'dense', units },
      { type: 'relu' },
      { type: 'dense', units: 2 },
    ],
    loss: 'softmaxCrossEntropy',
  });
}

/** Columns scaled to mean 0 and variance 1, as the authors' code does. */
export function blobs(standardDeviation: number, seed: number): Dataset<'float64'> {
  return twoBlobs({ samples: SAMPLES, standardDeviation, seed }).standardize();
}

export interface Measuring extends LongCallOptions {
  /** Steps at most; default {@link STEPS}. */
  readonly steps?: number | undefined;
  /** Whether runs that did not reach the gradient norm are measured where they stand; default false. */
  readonly measureUnfinished?: boolean | undefined;
}

export interface Ends {
  /** Of each run that is measured: its whole spectrum, ascending. */
  readonly spectra: readonly (readonly number[])[];
  readonly unfinished: number;
  readonly losses: readonly number[];
}

/** Trains from every start until ‖∇L‖ ≤ {@link GRADIENT_NORM}, then takes exact spectra of H. */
export async function trainAndMeasure(
  network: Network<'float64'>,
  data: Dataset,
  starts: readonly Float64Array[],
  { steps = STEPS, measureUnfinished = false, ...options }: Measuring,
): Promise<Ends> {
  const runs = await trainMany(network, data, starts, {
    optimizer: sgd({ learningRate: LEARNING_RATE }),
    batchSize: 'full',
    steps,
    stopAtGradientNorm: GRADIENT_NORM,
    ...options,
  });
  const { parameterCount } = network;
  const finished = runs.stoppedBy.flatMap((why, i) => (why === 'gradientNorm' ? [i] : []));
  const measured = measureUnfinished ? runs.stoppedBy.map((_, i) => i) : finished;
  const ends = measured.map((i) =>
    runs.parameters.subarray(i * parameterCount, (i + 1) * parameterCount),
  );
  if (ends.length === 0) return { spectra: [], unfinished: runs.count, losses: [] };
  const quiet = { signal: options.signal, threads: options.threads };
  const { terms } = await spectra(network, data, ends, { terms: ['hessian'], ...quiet });
  const { eigenvalues } = terms.hessian;
  return {
    spectra: ends.map((_, i) =>
      Array.from(eigenvalues.subarray(i * parameterCount, (i + 1) * parameterCount)),
    ),
    unfinished: runs.count - finished.length,
    losses: measured.map((i) => runs.losses[i] ?? NaN),
  };
}

/** 0.1 · N(0, 1) for every parameter, as the authors' code starts. */
export function randomStarts(spec: NetworkSpec, count: number, seed: number): Float64Array[] {
  return Array.from({ length: count }, (_, i) => {
    using network = createNetwork(spec, {
      seed: seed + i,
      initializer: { type: 'normal', standardDeviation: 0.1 },
      dtype: 'float64',
    });
    return network.parameters();
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const [low = NaN, high = NaN] = [sorted[half - 1], sorted[half]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}
