// The barrier between two points: how far the loss on the line rises above its ends.

import * as v from 'valibot';

import type { Dataset } from '../data/dataset.js';
import type { DType } from '../data/dtype.js';
import { EigenscapeError } from '../errors.js';
import { requireEngineLoss, requireNetwork } from '../network/network.js';
import type { Network } from '../network/network.js';
import { readPoint } from '../network/points.js';
import type { ParameterPoint } from '../network/points.js';
import { longCallEntries, optionsOf, parseOptions, positiveNumber } from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { maximize } from './golden-section.js';
import { chordAt, lineThrough, pointsOn } from './line.js';
import type { Line } from './line.js';
import { evenly, requireData, surfaceAt } from './surface.js';

/** Options of {@link barrier}. */
export interface BarrierOptions extends LongCallOptions {
  readonly data: Dataset;
  /** How many equal intervals the line is first cut into; default 25. */
  readonly intervals?: number | undefined;
  /** Width in α to which each of the highest peaks is then bracketed; default 1e-4. */
  readonly tolerance?: number | undefined;
  /** A random initial point, whose loss is what the height is compared with. */
  readonly initial?: ParameterPoint | undefined;
}

/** What was found on the line w(α) = (1 − α)·from + α·to, 0 ≤ α ≤ 1. */
export interface Barrier {
  /** max over α of L(w(α)) − ((1 − α)·L(from) + α·L(to)): the largest that was seen, so a lower bound. 0 when none
   *  is beyond rounding (64 ε of the losses). Infinity where the loss overflows on the way. */
  readonly height: number;
  /** α there; 0 when nothing rises above the chord. */
  readonly at: number;
  /** height / L(initial); undefined without `initial`. */
  readonly relativeHeight: number | undefined;
  readonly initialLoss: number | undefined;
  readonly fromLoss: number;
  readonly toLoss: number;
  /** How finely was looked: peaks narrower than `gridSpacing` may have been missed anywhere; the one at `at` is a
   *  local maximum within `bracket`. */
  readonly resolution: {
    readonly gridSpacing: number;
    readonly bracket: readonly [number, number];
  };
  /** All that was evaluated, by ascending α. */
  readonly coefficients: Float64Array;
  readonly losses: Float64Array;
}

const intervals = 'an integer of at least 2';
const schema = optionsOf({
  ...longCallEntries,
  data: v.unknown(),
  intervals: v.optional(
    v.pipe(v.number(intervals), v.safeInteger(intervals), v.minValue(2, intervals)),
    25,
  ),
  tolerance: v.optional(positiveNumber, 1e-4),
  initial: v.optional(v.unknown()),
});

/** Peaks of the grid that are looked at closely: a lower one may be the higher between grid points. */
const peaksKept = 3;

/** Distance from 1 to the next number of each type. */
const epsilon: Readonly<Record<DType, number>> = { float64: 2 ** -52, float32: 2 ** -23 };

interface Peak {
  readonly alpha: number;
  readonly value: number;
  readonly bracket: readonly [number, number];
}

/** Grid points that no neighbour exceeds, highest first. */
function peaksOf(alphas: Float64Array, values: readonly number[]): Peak[] {
  const peaks: Peak[] = [];
  for (const [index, value] of values.entries()) {
    const before = values[index - 1] ?? -Infinity;
    const after = values[index + 1] ?? -Infinity;
    if (value < before || value < after) continue;
    const alpha = alphas[index] ?? NaN;
    const bracket = [alphas[index - 1] ?? alpha, alphas[index + 1] ?? alpha] as const;
    peaks.push({ alpha, value, bracket });
  }
  return peaks.sort((a, b) => b.value - a.value).slice(0, peaksKept);
}

function highest(peaks: readonly Peak[]): Peak {
  return peaks.reduce((best, peak) => (peak.value > best.value ? peak : best));
}

/** The height of the loss barrier on the straight line between two points: the largest excess over the chord
 *  between the losses at the ends (Frankle et al. 2020), from an even grid whose highest peaks are then narrowed
 *  by golden section. Losses are exact, over the whole data.
 *
 *  What a grid can say is limited, and `resolution` says how: the height is the largest excess seen.
 *  @throws EigenscapeError ERR_SPEC, ERR_SHAPE or ERR_DATA; ERR_NUMERIC when the loss at an end is not finite
 *  @example const { height, at } = await barrier(network, a, b, { data, initial: createNetwork(network.spec) }) */
export async function barrier(
  network: Network,
  from: ParameterPoint,
  to: ParameterPoint,
  options: BarrierOptions,
): Promise<Barrier> {
  const parsed = parseOptions('barrier', schema, options);
  const { data } = options;
  requireNetwork('barrier', network);
  requireEngineLoss('barrier', network);
  requireData(network, { data, testData: undefined });
  using line = lineThrough('barrier', network, from, to);
  using initial =
    options.initial === undefined
      ? undefined
      : readPoint('barrier', 'initial', network, options.initial);
  const seen = new Map<number, number>();
  const lossesAt = async (chosen: Line, alphas: ArrayLike<number>): Promise<Float64Array> => {
    const points = pointsOn(chosen, alphas);
    return (await surfaceAt(network, { data, testData: undefined }, points, parsed)).losses;
  };
  const grid = evenly(0, 1, parsed.intervals + 1);
  const losses = await lossesAt(line.ends, grid);
  const fromLoss = requireFinite('from', losses[0]);
  const toLoss = requireFinite('to', losses.at(-1));
  const excess = (alpha: number, loss: number): number => {
    seen.set(alpha, loss);
    return loss - chordAt(fromLoss, toLoss, alpha);
  };
  const onGrid = Array.from(losses, (loss, index) => excess(grid[index] ?? NaN, loss));
  const refined: Peak[] = [];
  for (const peak of peaksOf(grid, onGrid)) {
    const evaluate = async (alpha: number): Promise<number> =>
      excess(alpha, (await lossesAt(line.ends, [alpha]))[0] ?? NaN);
    refined.push(await maximize(evaluate, peak, parsed.tolerance));
  }
  const top = highest(refined);
  const initialLoss =
    initial && requireFinite('initial', (await lossesAt([initial.handle, initial.handle], [0]))[0]);
  const coefficients = Float64Array.from(seen.keys()).sort();
  const loss = seen.get(top.alpha) ?? NaN;
  const rounding = 64 * epsilon[network.dtype] * Math.max(loss, fromLoss, toLoss);
  const height = top.value > rounding || loss === Infinity ? top.value : 0;
  return {
    height,
    at: height > 0 ? top.alpha : 0,
    relativeHeight: initialLoss === undefined ? undefined : height / initialLoss,
    initialLoss,
    fromLoss,
    toLoss,
    resolution: { gridSpacing: 1 / parsed.intervals, bracket: top.bracket },
    coefficients,
    losses: coefficients.map((alpha) => seen.get(alpha) ?? NaN),
  };
}

function requireFinite(name: string, loss: number | undefined): number {
  if (loss !== undefined && Number.isFinite(loss)) return loss;
  throw new EigenscapeError(
    'ERR_NUMERIC',
    `barrier: the loss at ${name} is not finite, so there is nothing to measure from; the parameters are too large`,
    { details: { name } },
  );
}
