// Directions through parameter space, and their scale.

import { allocate } from '../data/dtype.js';
import type { ArrayOf, DType } from '../data/dtype.js';
import { createRandom } from '../data/random.js';
import { EigenscapeError } from '../errors.js';
import { inPieces } from '../in-pieces.js';
import type { Network } from '../network/network.js';

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
    await inPieces(values.length, signal, (first, last) => {
      for (let index = first; index < last; index += 1) values[index] = random.normal();
    });
    return values;
  };
  return [await draw(), await draw()];
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
