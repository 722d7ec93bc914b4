// Directions through parameter space, and their scale.

import { setImmediate } from 'node:timers/promises';

import { allocate } from '../data/dtype.js';
import type { ArrayOf, DType } from '../data/dtype.js';
import { createRandom } from '../data/random.js';
import { EigenscapeError } from '../errors.js';
import { throwIfAborted } from '../long-call.js';
import type { Network, ParameterTensor } from '../network/network.js';

// A few milliseconds' worth.
const drawnAtOnce = 2 ** 15;

/** Two directions of normal random numbers; the same seed gives the same ones.
 *  @internal */
export async function randomDirections<D extends DType>(
  network: Network<D>,
  seed: number,
  signal: AbortSignal | undefined,
): Promise<readonly [ArrayOf[D], ArrayOf[D]]> {
  const random = createRandom(seed);
  const draw = async (): Promise<ArrayOf[D]> => {
    const values = allocate(network.dtype, network.parameterCount);
    for (let index = 0; index < values.length; index += 1) {
      if (index % drawnAtOnce === 0) {
        await setImmediate();
        throwIfAborted(signal);
      }
      values[index] = random.normal();
    }
    return values;
  };
  return [await draw(), await draw()];
}

/** Filter normalization (Li et al. 2018, §4): each filter of a convolution, each row of a dense layer, gets
 *  the norm of the filter at `origin` that it moves, d ← d / ‖d‖ · ‖θ‖, so that the scale of a layer's weights
 *  does not show. Tensors with one axis (biases, scale and shift of normalization layers) stand still, as in the
 *  authors' code.
 *  @param direction overwritten
 *  @internal */
export function normalizeFilters(
  layout: readonly ParameterTensor[],
  origin: ArrayLike<number>,
  direction: Float64Array | Float32Array,
): void {
  for (const { shape, offset } of layout) {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const [filters = 1] = shape;
    if (shape.length < 2) {
      direction.fill(0, offset, offset + size);
      continue;
    }
    const width = size / filters;
    for (let first = offset; first < offset + size; first += width) {
      const given = norm(direction, first, width);
      const factor = given > 0 ? norm(origin, first, width) / given : 0;
      for (let index = first; index < first + width; index += 1) {
        direction[index] = (direction[index] ?? NaN) * factor;
      }
    }
  }
}

function norm(values: ArrayLike<number>, first: number, count: number): number {
  let squares = 0;
  for (let index = first; index < first + count; index += 1) squares += (values[index] ?? NaN) ** 2;
  return Math.sqrt(squares);
}

/** @throws EigenscapeError ERR_SPEC when the direction is 0
 *  @internal */
export function requireMoving(direction: Float64Array | Float32Array, name: string): void {
  if (direction.some((value) => value !== 0)) return;
  throw new EigenscapeError(
    'ERR_SPEC',
    `plane: ${name} is 0 in every entry, so that there is no plane; give one that moves a weight`,
    { details: { call: 'plane', name } },
  );
}
