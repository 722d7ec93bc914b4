// Sums of a custom loss over samples: the outputs come from the engine, the functions run here, a few
// milliseconds at a time, and the gradient goes back through the engine.

import { setImmediate } from 'node:timers/promises';

import type { Dataset } from '../data/dataset.js';
import { EigenscapeError } from '../errors.js';
import { runJob, throwIfAborted } from '../long-call.js';
import { requireMemory } from '../memory.js';
import { addon } from '../native.js';
import type { NativeArray, NativeChosen, OperatorHandle, PointHandle } from '../native.js';
import type { LongCallOptions } from '../progress.js';
import { lossGradient, lossValue } from './custom-loss.js';
import type { LossSample } from './custom-loss.js';
import { checkDerivatives } from './loss-derivatives.js';
import type { CustomLossSpec } from './spec.js';

/** Where a custom loss is asked for: parameters and data that the engine holds, and the loss. */
export interface CustomLossPlace {
  readonly handle: PointHandle | OperatorHandle;
  readonly data: Dataset;
  readonly outputCount: number;
  readonly loss: CustomLossSpec;
}

/** A place that is asked once, then released. */
export interface CustomLossPoint extends CustomLossPlace {
  readonly handle: PointHandle;
}

export interface CustomSumOptions extends LongCallOptions {
  /** The samples of the sum, such as a batch, in this order; default: all. */
  readonly samples?: Uint32Array | undefined;
}

/** Milliseconds of user functions between two turns of the event loop. */
const slice = 4;
/** Outputs that are fetched at once, in numbers: a megabyte. */
const outputsAtOnce = 2 ** 17;
/** Samples at which derivatives are checked. */
const checkedSamples = 5;

const checked = new WeakSet<CustomLossSpec>();

function weightOf(data: Dataset, sample: number): number {
  return data.values.weights?.[sample] ?? (data.values.weights === undefined ? 1 : 0);
}

function sampleOf(data: Dataset, index: number, outputs: Float64Array): LossSample {
  const { targets, targetWidth } = data.values;
  const target =
    targetWidth === 1
      ? (targets[index] ?? NaN)
      : targets.subarray(index * targetWidth, (index + 1) * targetWidth);
  return { index, outputs, target };
}

async function outputsOf(
  { handle }: CustomLossPlace,
  chosen: NativeChosen,
  { signal, threads }: LongCallOptions,
): Promise<Float64Array> {
  const outputs = await runJob({ signal, threads }, (job) =>
    addon().outputsAt(handle, chosen, job),
  );
  return outputs instanceof Float64Array ? outputs : Float64Array.from(outputs);
}

/** The samples of a sum, in its order. */
function chosenOf({ data }: CustomLossPlace, samples: Uint32Array | undefined): Uint32Array {
  return samples ?? Uint32Array.from({ length: data.sampleCount }, (_, index) => index);
}

/** Checks the loss at a few of the samples that count, the first time that it is used. */
async function checkOnce(
  place: CustomLossPlace,
  chosen: Uint32Array,
  options: LongCallOptions,
): Promise<void> {
  const { loss, data, outputCount } = place;
  if (checked.has(loss)) return;
  const counting = chosen.filter((index) => weightOf(data, index) > 0);
  const count = Math.min(checkedSamples, counting.length);
  const few = Uint32Array.from(
    { length: count },
    (_, i) => counting[Math.floor((i * (counting.length - 1)) / Math.max(1, count - 1))] ?? 0,
  );
  const outputs = await outputsOf(place, few, options);
  let since = performance.now();
  for (const [i, index] of few.entries()) {
    const row = outputs.subarray(i * outputCount, (i + 1) * outputCount);
    const check = checkDerivatives(loss, sampleOf(data, index, row));
    while (check.next().done !== true) {
      if (performance.now() - since < slice) continue;
      await setImmediate();
      throwIfAborted(options.signal);
      since = performance.now();
    }
  }
  checked.add(loss);
}

/** Calls `visit` for each sample that counts, with its place in the sum, and lets timers run every few
 *  milliseconds. The first use of a loss checks it.
 *  @throws EigenscapeError whatever {@link checkDerivatives} and the functions' results are refused for,
 *  ERR_NUMERIC for an output that is not finite, ERR_ABORTED */
export async function visitSamples(
  place: CustomLossPlace,
  samples: Uint32Array | undefined,
  options: LongCallOptions,
  visit: (position: number, sample: LossSample) => void,
): Promise<void> {
  const { data, outputCount } = place;
  const chosen = chosenOf(place, samples);
  await checkOnce(place, chosen, options);
  const stretch = Math.max(1, Math.floor(outputsAtOnce / outputCount));
  let since = performance.now();
  for (let first = 0; first < chosen.length; first += stretch) {
    const part = chosen.subarray(first, first + stretch);
    const run = samples === undefined ? { first, count: part.length } : part;
    const outputs = await outputsOf(place, run, options);
    for (const [i, index] of part.entries()) {
      if (weightOf(data, index) === 0) continue;
      const row = outputs.subarray(i * outputCount, (i + 1) * outputCount);
      visit(first + i, sampleOf(data, index, row));
      if (performance.now() - since < slice) continue;
      await setImmediate();
      throwIfAborted(options.signal);
      options.onProgress?.({
        stage: 'custom loss',
        done: first + i + 1,
        total: chosen.length,
        secondsLeft: undefined,
      });
      since = performance.now();
    }
  }
}

/** Σ s_n over the samples of the sum. */
function totalWeight({ data }: CustomLossPlace, chosen: Uint32Array): number {
  const total = chosen.reduce((sum, index) => sum + weightOf(data, index), 0);
  if (total > 0) return total;
  throw new EigenscapeError(
    'ERR_DATA',
    'every sample is ignored or has weight 0, so the loss has no denominator; give some sample a weight',
    { details: { sampleCount: chosen.length } },
  );
}

/** L = Σ s_n ℓ_n / Σ s_n; releases the point.
 *  @throws EigenscapeError as {@link visitSamples}, ERR_DATA when no sample counts */
export async function sumCustomLoss(
  point: CustomLossPoint,
  { samples, ...options }: CustomSumOptions,
): Promise<number> {
  try {
    const { data, loss } = point;
    const total = totalWeight(point, chosenOf(point, samples));
    let sum = 0;
    await visitSamples(point, samples, options, (_, sample) => {
      sum += weightOf(data, sample.index) * lossValue(loss, sample);
    });
    return requireFinite(sum / total);
  } finally {
    addon().release(point.handle);
  }
}

function requireFinite(loss: number): number {
  if (Number.isFinite(loss)) return loss;
  throw new EigenscapeError(
    'ERR_NUMERIC',
    `the sum of the custom loss over the samples is ${loss}; scale the loss or its weights down`,
    { details: { value: loss } },
  );
}

export interface CustomGradient {
  /** L over the samples of the sum. */
  readonly loss: number;
  /** ∇L [M] */
  readonly gradient: NativeArray;
}

/** L and ∇L = Σ_n J_nᵀ (s_n ∇ℓ_n / Σ s); releases the point. A step of training asks for the `samples` of its
 *  batch: `sumCustomGradient(network.customPoint(data), { samples: batch })`, with {@link CustomLossPoint} made
 *  anew at each step, since it holds the parameters of its time.
 *  @throws EigenscapeError as {@link sumCustomLoss} */
export async function sumCustomGradient(
  point: CustomLossPoint,
  { samples, ...options }: CustomSumOptions,
): Promise<CustomGradient> {
  try {
    const { handle, data, loss, outputCount } = point;
    const chosen = chosenOf(point, samples);
    const total = totalWeight(point, chosen);
    requireMemory(
      2 * 8 * chosen.length * outputCount,
      `the derivatives of a custom loss for ${chosen.length} samples`,
      'take fewer samples: data.take(count)',
    );
    const outputBar = new Float64Array(chosen.length * outputCount);
    let sum = 0;
    await visitSamples(point, samples, options, (position, sample) => {
      const weight = weightOf(data, sample.index);
      sum += weight * lossValue(loss, sample);
      const gradient = lossGradient(loss, sample);
      for (let c = 0; c < outputCount; c += 1) {
        outputBar[position * outputCount + c] = (weight / total) * (gradient[c] ?? NaN);
      }
    });
    const run = samples ?? { first: 0, count: chosen.length };
    const gradient = await runJob(options, (job) => addon().pullBack(handle, run, outputBar, job));
    return { loss: requireFinite(sum / total), gradient };
  } finally {
    addon().release(point.handle);
  }
}
