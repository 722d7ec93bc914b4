// Records: what is measured of a network in training, and at which steps.

import type { Dataset } from '../data/dataset.js';
import { EigenscapeError } from '../errors.js';
import { runJob } from '../long-call.js';
import { addon } from '../native.js';
import type { Network } from '../network/network.js';
import type { LongCallOptions } from '../progress.js';
import type { SpectrumEdges } from './track.js';

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
  /** ‖∇L‖₂ over the whole data, where it was asked for. */
  readonly fullGradientNorm: number | undefined;
  /** η of the step that comes next; after the last one, of that which would. */
  readonly learningRate: number;
  /** At the steps that `track` chooses. */
  readonly edges?: SpectrumEdges | undefined;
}

/** What is measured, and on what. */
export interface Measurement {
  readonly data: Dataset;
  readonly testData: Dataset | undefined;
  readonly fullGradientNorm: boolean;
  /** Finds the edges of the spectrum, where they are due. */
  readonly track: (() => Promise<SpectrumEdges>) | undefined;
}

/** What is known of the place without measuring. */
type Place = Pick<TrainingRecord, 'step' | 'gradientNorm' | 'learningRate'>;

async function evaluate(network: Network, data: Dataset, options: LongCallOptions) {
  if (network.customLoss !== undefined) {
    return { loss: await network.loss(data, options), accuracy: undefined };
  }
  const samples = network.samplesOf(data);
  const { handle } = network;
  const found = await runJob(options, (job) => addon().evaluate(handle, samples, job));
  const { loss } = network.spec;
  const classless = (typeof loss === 'string' ? loss : loss.type) === 'meanSquaredError';
  return { loss: found.loss, accuracy: classless ? undefined : found.accuracy };
}

function normOf(vector: Float64Array | Float32Array): number {
  let sum = 0;
  for (const entry of vector) sum += entry * entry;
  return Math.sqrt(sum);
}

/** Measures the network as it is after `step` steps.
 *  @throws EigenscapeError ERR_NUMERIC, naming the step */
export async function measure(
  network: Network,
  { data, testData, fullGradientNorm, track }: Measurement,
  { step, gradientNorm, learningRate }: Place,
  options: LongCallOptions,
): Promise<TrainingRecord> {
  try {
    const here = await evaluate(network, data, options);
    const test = testData && (await evaluate(network, testData, options));
    const norm = fullGradientNorm ? normOf(await network.gradient(data, options)) : undefined;
    return {
      step,
      ...here,
      testLoss: test?.loss,
      testAccuracy: test?.accuracy,
      gradientNorm,
      fullGradientNorm: norm,
      learningRate,
      ...(track === undefined ? {} : { edges: await track() }),
    };
  } catch (error) {
    if (!(error instanceof EigenscapeError) || error.code !== 'ERR_NUMERIC') throw error;
    throw new EigenscapeError(
      'ERR_NUMERIC',
      `train: no record can be made after step ${String(step)}: ${error.message}`,
      { cause: error, details: { step } },
    );
  }
}

/** Ascending steps at which to stop for something. */
export class Stops {
  /** Infinity for none */
  readonly every: number;
  readonly #at: readonly number[];

  /** @param every multiples of it; Infinity for none */
  constructor(every: number, at: readonly number[] = []) {
    this.every = every;
    this.#at = at.toSorted((a, b) => a - b);
  }

  /** The first stop after `step`; Infinity if there is none. */
  after(step: number): number {
    const multiple = (Math.floor(step / this.every) + 1) * this.every;
    return Math.min(multiple, this.#at.find((stop) => stop > step) ?? Infinity);
  }

  has(step: number): boolean {
    return step % this.every === 0 || this.#at.includes(step);
  }
}
