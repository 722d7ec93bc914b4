// A straight line through parameter space: w(α) = (1 − α)·from + α·to.

import type { ArrayOf, DType } from '../data/dtype.js';
import type { NativePoints } from '../native.js';
import type { Network } from '../network/network.js';
import { readPoint } from '../network/points.js';
import type { ParameterPoint } from '../network/points.js';

/** from and to, [parameterCount] each, which nobody changes.
 *  @internal */
export type Line<D extends DType = DType> = readonly [ArrayOf[D], ArrayOf[D]];

/** A line through two points that a caller gave, checked.
 *  @internal */
export function lineThrough<D extends DType>(
  call: string,
  network: Network<D>,
  from: ParameterPoint,
  to: ParameterPoint,
): Line<D> {
  return [readPoint(call, 'from', network, from), readPoint(call, 'to', network, to)];
}

/** The points w(α) as the engine takes them: at α = 0 and 1 the ends, to the bit.
 *  @internal */
export function pointsOn(
  line: Line,
  alphas: ArrayLike<number>,
  { derivatives = false } = {},
): NativePoints {
  const coefficients = Float64Array.from(Array.from(alphas).flatMap((alpha) => [1 - alpha, alpha]));
  return { count: alphas.length, coefficients, basis: line, line: { derivatives } };
}

/** The straight line between the losses at the ends; equal ends give equal values.
 *  @internal */
export function chordAt(fromLoss: number, toLoss: number, alpha: number): number {
  return alpha === 1 ? toLoss : fromLoss + alpha * (toLoss - fromLoss);
}
