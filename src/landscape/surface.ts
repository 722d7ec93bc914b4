// The loss over whole data at many points, in one crossing to the engine.

import type { Dataset } from '../data/dataset.js';
import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import { runJob } from '../long-call.js';
import { addon } from '../native.js';
import type { NativePoints, NativePointValues } from '../native.js';
import type { Network } from '../network/network.js';
import { placeOf } from '../network/points.js';
import { requireArray } from '../options.js';
import type { LongCallOptions, Progress } from '../progress.js';

/** Losses, and accuracies where the loss knows classes. Where the network's outputs overflow, as they may
 *  far away, the loss is Infinity and the accuracy NaN: a surface may be looked at beyond its edge. */
export interface SurfaceValues {
  /** L at each point; Infinity where it overflows. */
  readonly losses: Float64Array;
  /** Undefined for losses without classes. */
  readonly accuracies: Float64Array | undefined;
  /** Undefined without testData. */
  readonly testLosses: Float64Array | undefined;
  readonly testAccuracies: Float64Array | undefined;
}

/** The data that values are taken over. */
export interface SurfaceData {
  readonly data: Dataset;
  readonly testData: Dataset | undefined;
}

/** Values at all points; of a line its length, and derivatives along it over the training data alone.
 *  @internal */
export async function surfaceAt(
  network: Network,
  { data, testData }: SurfaceData,
  points: NativePoints,
  options: LongCallOptions,
): Promise<SurfaceValues & { readonly along: NativePointValues }> {
  const { count, coefficients, basis } = points;
  const here = await valuesAt(network, data, points, staged(options, 'loss'));
  const plain = { count, coefficients, basis };
  const there =
    testData && (await valuesAt(network, testData, plain, staged(options, 'test loss')));
  const classless = isClassless(network);
  return {
    losses: here.losses,
    accuracies: classless ? undefined : here.accuracies,
    testLosses: there?.losses,
    testAccuracies: classless ? undefined : there?.accuracies,
    along: here,
  };
}

async function valuesAt(
  network: Network,
  data: Dataset,
  points: NativePoints,
  options: LongCallOptions,
): Promise<NativePointValues> {
  using place = placeOf(network, data);
  const { handle } = place;
  return await runJob(options, (job) => addon().evaluatePoints(handle, points, job));
}

/** What a long call takes of `options`, with the stage's name in its progress. */
function staged({ signal, threads, onProgress }: LongCallOptions, stage: string): LongCallOptions {
  const report =
    onProgress &&
    ((progress: Progress): void => {
      onProgress({ ...progress, stage });
    });
  return { signal, threads, onProgress: report };
}

function isClassless({ spec: { loss } }: Network): boolean {
  return (typeof loss === 'string' ? loss : loss.type) === 'meanSquaredError';
}

/** Refuses what is no dataset for this network, before anything is computed.
 *  @internal */
export function requireData(network: Network, { data, testData }: SurfaceData): void {
  network.samplesOf(data);
  if (testData !== undefined) network.samplesOf(testData);
}

/** A checked copy of coefficients: at least one, all finite.
 *  @internal */
export function readCoefficients(call: string, name: string, given: unknown): Float64Array {
  requireArray(call, name, given);
  const values = Float64Array.from({ length: given.length }, (_, index) => {
    const value = given[index];
    return typeof value === 'number' ? value : NaN;
  });
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (values.length > 0 && wrong < 0) return values;
  throw new EigenscapeError(
    'ERR_SPEC',
    values.length === 0
      ? `${call}: ${name} is empty; expected at least one number`
      : `${call}: entry ${String(wrong)} of ${name} is ${describeValue(given[wrong])}; expected a finite number`,
    { details: { call, name } },
  );
}

/** `count` numbers from `first` to `last`, each rounded once.
 *  @internal */
export function evenly(first: number, last: number, count: number): Float64Array {
  const steps = Math.max(count - 1, 1);
  return Float64Array.from(
    { length: count },
    (_, index) => (first * (steps - index) + last * index) / steps,
  );
}
