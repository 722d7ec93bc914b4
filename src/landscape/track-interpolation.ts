// The lines between two trajectories, step by step.

import * as v from 'valibot';

import type { Dataset } from '../data/dataset.js';
import { EigenscapeError } from '../errors.js';
import { requireEngineLoss, requireNetwork } from '../network/network.js';
import type { Network } from '../network/network.js';
import { readPoints } from '../network/points.js';
import type { ParameterPoints } from '../network/points.js';
import { longCallEntries, optionsOf, parseOptions } from '../options.js';
import type { LongCallOptions, Progress } from '../progress.js';
import type { NativeArray } from '../native.js';
import { chordAt, pointsOn } from './line.js';
import { evenly, readCoefficients, requireData, surfaceAt } from './surface.js';
import type { SurfaceValues } from './surface.js';

/** Options of {@link trackInterpolation}. */
export interface TrackInterpolationOptions extends LongCallOptions {
  readonly data: Dataset;
  /** Losses and accuracies over it are taken too. */
  readonly testData?: Dataset | undefined;
  /** α on each line, 0 the first trajectory and 1 the second; default: 11 from 0 to 1. */
  readonly coefficients?: ArrayLike<number> | undefined;
  /** Hears each line when it is there, so that nothing is lost when the call is aborted later. */
  readonly onLine?: ((line: TrackedLine) => void) | undefined;
}

/** The line between the trajectories' points of one place in their order. */
export interface TrackedLine extends SurfaceValues {
  readonly index: number;
  readonly coefficients: Float64Array;
  /** ‖second − first‖₂ */
  readonly distance: number;
  /** The largest excess of the loss over the straight line between those at α = 0 and α = 1, on 0 ≤ α ≤ 1
   *  as far as the coefficients show it; at least 0. */
  readonly barrier: number;
}

const schema = optionsOf({
  ...longCallEntries,
  data: v.unknown(),
  testData: v.optional(v.unknown()),
  coefficients: v.optional(v.unknown()),
  onLine: v.optional(
    v.custom<(line: TrackedLine) => void>(
      (value) => typeof value === 'function',
      'a function of a line',
    ),
  ),
});

/** The largest excess over the chord between α = 0 and 1, whose losses come last. */
function excessOf(coefficients: Float64Array, losses: Float64Array): number {
  const fromLoss = losses.at(-2) ?? NaN;
  const toLoss = losses.at(-1) ?? NaN;
  let most = 0;
  for (const [index, alpha] of coefficients.entries()) {
    if (alpha < 0 || alpha > 1) continue;
    most = Math.max(most, (losses[index] ?? NaN) - chordAt(fromLoss, toLoss, alpha));
  }
  return most;
}

/** The loss on the straight line between two trajectories, at each place of their order: does it stay flat
 *  while they part? (Figure 8 of Sagun, Bottou and LeCun 2016.) Exact over the whole data.
 *
 *  Trajectories are points in their order, as `train` passes them: collect `network.parameters()` in
 *  `onRecord`. Both have the same number of them.
 *  @throws EigenscapeError ERR_SPEC, ERR_SHAPE or ERR_DATA; the message names the point
 *  @example const lines = await trackInterpolation(network, descent, stochastic, { data }) */
export async function trackInterpolation(
  network: Network,
  first: ParameterPoints,
  second: ParameterPoints,
  options: TrackInterpolationOptions,
): Promise<readonly TrackedLine[]> {
  const parsed = parseOptions('trackInterpolation', schema, options);
  const { data, testData, onLine } = options;
  requireNetwork('trackInterpolation', network);
  requireEngineLoss('trackInterpolation', network);
  requireData(network, { data, testData });
  const given = parsed.coefficients ?? evenly(0, 1, 11);
  const coefficients = readCoefficients('trackInterpolation', 'coefficients', given);
  const starts = readPoints('trackInterpolation', network, first, 'the first trajectory');
  const ends = readPoints('trackInterpolation', network, second, 'the second trajectory');
  const { count } = starts;
  if (ends.count !== count) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `trackInterpolation: the trajectories hold ${String(count)} and ${String(ends.count)} points; expected as many in both`,
      { details: { first: count, second: ends.count } },
    );
  }
  const size = network.parameterCount;
  const row = (values: NativeArray, index: number) =>
    values.subarray(index * size, (index + 1) * size);
  const lines: TrackedLine[] = [];
  for (let index = 0; index < count; index += 1) {
    const line = [row(starts.values, index), row(ends.values, index)] as const;
    const points = pointsOn(line, [...coefficients, 0, 1]);
    const long = {
      ...parsed,
      onProgress: parsed.onProgress && ofAll(parsed.onProgress, index, count),
    };
    const found = await surfaceAt(network, { data, testData }, points, long);
    const wanted = <Values extends Float64Array | undefined>(values: Values) =>
      values?.slice(0, coefficients.length) as Values;
    const tracked: TrackedLine = {
      index,
      coefficients: coefficients.slice(),
      losses: wanted(found.losses),
      accuracies: wanted(found.accuracies),
      testLosses: wanted(found.testLosses),
      testAccuracies: wanted(found.testAccuracies),
      distance: found.along.distance ?? NaN,
      barrier: excessOf(coefficients, found.losses),
    };
    lines.push(tracked);
    onLine?.(tracked);
  }
  return lines;
}

/** Progress of one line as that of all. */
function ofAll(
  onProgress: (progress: Progress) => void,
  index: number,
  count: number,
): (progress: Progress) => void {
  return ({ stage, done, total }) => {
    onProgress({ stage, done: index + done / total, total: count, secondsLeft: undefined });
  };
}
