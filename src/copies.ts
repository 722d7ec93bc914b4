// Callers' numbers, copied before a call returns.

import { callEngine, runJob } from './long-call.js';
import { addon } from './native.js';
import type { CopiedArray, NativeArray, ResultHandle, VectorHandle } from './native.js';

/** A copy of `values` in the engine's memory; or, if not all are finite numbers of `dtype`, the index of the
 *  first that is not. */
export function copyVector(
  values: ArrayLike<unknown>,
  dtype: 'float64' | 'float32',
): VectorHandle | number {
  return callEngine(() => addon().copyVector(numbersOf(values), dtype));
}

/** Copies `values` into an array of as many entries, in its type. Gives the index of the first that is no finite
 *  number of it, or their number. */
export function copyNumbers(values: ArrayLike<unknown>, copy: NativeArray): number {
  return addon().copyNumbers(numbersOf(values), copy);
}

/** A typed array as it is now. The copy is made in the engine's memory, which is there already where a fresh
 *  array's pages would yet have to come, at several times the cost of the copy.
 *  @returns the array of the copy, filled on another thread; to be called once */
export function keep<Array extends CopiedArray>(
  array: Array,
): (make: (length: number) => Array, signal?: AbortSignal) => Promise<Array> {
  const { length } = array;
  const handle = callEngine(() => addon().keepBytes(array));
  return (make, signal) => taken(handle, make(length), signal);
}

/** The entries of a vector or a result as an array, which has as many of the same type.
 *  @param handle released */
export async function taken<Array extends CopiedArray>(
  handle: VectorHandle | ResultHandle,
  array: Array,
  signal: AbortSignal | undefined,
): Promise<Array> {
  try {
    return await runJob({ signal }, (job) => addon().takeBytes(handle, array, job));
  } finally {
    addon().release(handle);
  }
}

/** What is no typed array of floats as one, with NaN for what is no number. */
function numbersOf(values: ArrayLike<unknown>): NativeArray {
  if (values instanceof Float64Array || values instanceof Float32Array) return values;
  const numbers = new Float64Array(values.length);
  for (let index = 0; index < numbers.length; index += 1) {
    const value = values[index];
    numbers[index] = typeof value === 'number' ? value : NaN;
  }
  return numbers;
}
