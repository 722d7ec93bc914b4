// A straight line through parameter space: w(α) = (1 − α)·from + α·to.

import { allocate } from '../data/dtype.js';
import type { ArrayOf, DType } from '../data/dtype.js';
import type { NativePoints } from '../native.js';
import type { Network } from '../network/network.js';
import { readPoint } from '../network/points.js';
import type { ParameterPoint } from '../network/points.js';

/** @internal */
export interface Line<D extends DType = DType> {
  /** from, then to [2, parameterCount] */
  readonly basis: ArrayOf[D];
  /** to − from [parameterCount] */
  readonly direction: ArrayOf[D];
  /** ‖to − from‖₂ */
  readonly distance: number;
}

/** A line through two points that a caller gave, checked.
 *  @internal */
export function lineThrough<D extends DType>(
  call: string,
  network: Network<D>,
  from: ParameterPoint,
  to: ParameterPoint,
): Line<D> {
  const start = readPoint(call, 'from', network, from);
  return joinPoints(network.dtype, start, readPoint(call, 'to', network, to));
}

/** @internal */
export function joinPoints<D extends DType>(
  dtype: D,
  start: ArrayLike<number>,
  end: ArrayLike<number>,
): Line<D> {
  const size = start.length;
  const basis = allocate(dtype, 2 * size);
  basis.set(start);
  basis.set(end, size);
  const direction = allocate(dtype, size);
  let squares = 0;
  for (let index = 0; index < size; index += 1) {
    const difference = (end[index] ?? NaN) - (start[index] ?? NaN);
    direction[index] = difference;
    squares += difference * difference;
  }
  return { basis, direction, distance: Math.sqrt(squares) };
}

/** The points w(α) as the engine takes them: at α = 0 and 1 the ends, to the bit.
 *  @internal */
export function pointsOn({ basis }: Line, alphas: ArrayLike<number>): NativePoints {
  const coefficients = Float64Array.from(Array.from(alphas).flatMap((alpha) => [1 - alpha, alpha]));
  return { count: alphas.length, coefficients, basis };
}

/** The straight line between the losses at the ends; equal ends give equal values.
 *  @internal */
export function chordAt(fromLoss: number, toLoss: number, alpha: number): number {
  return alpha === 1 ? toLoss : fromLoss + alpha * (toLoss - fromLoss);
}
