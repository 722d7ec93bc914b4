// A straight line through parameter space: w(α) = (1 − α)·from + α·to.

import type { NativeArray, NativePoints, VectorHandle } from '../native.js';
import type { Network } from '../network/network.js';
import { readPoint } from '../network/points.js';
import type { ParameterPoint } from '../network/points.js';

/** from and to, [parameterCount] each, which nobody changes.
 *  @internal */
export type Line = readonly [NativeArray | VectorHandle, NativeArray | VectorHandle];

/** A line through two points that a caller gave, checked, in the engine's memory until it is disposed of.
 *  @internal */
export function lineThrough(
  call: string,
  network: Network,
  from: ParameterPoint,
  to: ParameterPoint,
): Disposable & { readonly ends: Line } {
  const first = readPoint(call, 'from', network, from);
  const last = readPoint(call, 'to', network, to);
  return {
    ends: [first.handle, last.handle],
    [Symbol.dispose]: () => {
      first[Symbol.dispose]();
      last[Symbol.dispose]();
    },
  };
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
