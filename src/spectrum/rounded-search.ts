// A search for eigenpairs in float32, whose vectors one in float64 begins with. Products and basis cost half
// there. Nothing of the answer rests on it: the search that follows judges every pair by products in float64,
// and goes on where rounding has left too much.

import { isEigenscapeError } from '../errors.js';
import type { LongCallOptions } from '../progress.js';
import { ampleBytes, basisRows, converge, keepWanted } from './krylov-search.js';
import { Lanczos } from './lanczos.js';
import type { Products } from './products.js';

export interface RoundedSearch {
  /** Holds the wanted pairs' vectors, and nothing else. */
  readonly lanczos: Lanczos;
  /** Their values, ascending; a sweep from random vectors has added none. */
  readonly values: Float64Array;
  readonly seconds: { readonly products: number; readonly orthogonalization: number };
  dispose(): void;
}

export interface RoundedRequest {
  readonly largest: number;
  readonly smallest: number;
  readonly wanted: number;
  readonly tolerance: number;
  readonly seed: number;
  readonly blockSize?: number | undefined;
  readonly basisSize?: number | undefined;
}

/** Residuals that float32 reaches, as a share of the largest |λ|: below this, its vectors are no more than a
 *  start. 784-70-10 reached 6e-8 for each of 40 pairs. */
const reachable = 5e-7;
/** Below this size a search takes milliseconds either way. */
const smallestSize = 10_000;
/** Blocks of 8: the basis is read half as often as with 4, for a seventh more products. */
export const roundedBlock = 8;
/** Basis vectors for each pair: a restart costs less than a larger basis. */
const rowsPerPair = 7;

export function roundedRows(pairs: number, blockSize: number): number {
  return rowsPerPair * pairs + 4 * blockSize;
}

/** `undefined` where float32 is no help: too few digits for the tolerance, a small problem, one so large that two
 *  bases would be much memory, an operator that has no twin, or numbers beyond its range. */
export async function roundedSearch(
  products: Products,
  request: RoundedRequest,
  budget: number,
  options: LongCallOptions,
): Promise<RoundedSearch | undefined> {
  const { size } = products;
  const { largest, smallest, wanted, tolerance, seed } = request;
  const blockSize = Math.min(request.blockSize ?? roundedBlock, size);
  const basisSize = request.basisSize ?? roundedRows(wanted, blockSize);
  const ample = 8 * size * basisSize <= ampleBytes;
  if (tolerance < reachable || size < smallestSize || !ample) return undefined;
  const rounded = await products.rounded();
  if (rounded === undefined) return undefined;
  const rows = basisRows({ wanted, blockSize, widest: blockSize, size, basisSize });
  const { capacity } = rows;
  const lanczos = new Lanczos(rounded, { ...rows, blockSize, precision: 'float32', seed }, options);
  const dispose = (): void => {
    lanczos.dispose();
    rounded.dispose();
  };
  const search = {
    lanczos,
    products: rounded,
    largest,
    smallest,
    tolerance,
    widest: blockSize,
    capacity,
  };
  try {
    await lanczos.start(undefined);
    const values = await keepWanted(search, await converge(search, budget, options));
    products.count += rounded.count;
    const seconds = {
      products: rounded.milliseconds / 1000,
      orthogonalization: lanczos.milliseconds / 1000,
    };
    return { lanczos, values, seconds, dispose };
  } catch (error) {
    dispose();
    if (isEigenscapeError(error) && error.code === 'ERR_NUMERIC') return undefined;
    throw error;
  }
}
