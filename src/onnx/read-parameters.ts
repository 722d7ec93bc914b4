// The parameters of a model, flat, read piece by piece: there may be millions.

import { setImmediate } from 'node:timers/promises';

import { throwIfAborted } from '../long-call.js';
import type { LongCallOptions } from '../progress.js';
import { checkEntries } from './stage-layers.js';
import type { ExpectedTensor } from './stage-layers.js';

// One or two milliseconds' worth.
const readAtOnce = 2 ** 16;

/** All entries of the tensors, one after the other; what the file stores narrower is widened without change.
 *  @throws EigenscapeError ERR_DATA when one is not finite or too large, ERR_ABORTED */
export async function readParameters(
  tensors: readonly ExpectedTensor[],
  { signal, onProgress }: Pick<LongCallOptions, 'signal' | 'onProgress'>,
): Promise<Float64Array> {
  const parameters = roomFor(tensors);
  for (const done of fill(parameters, tensors)) {
    onProgress?.({ stage: 'weights', done, total: parameters.length, secondsLeft: undefined });
    await setImmediate();
    throwIfAborted(signal);
  }
  return parameters;
}

/** {@link readParameters} in one go. */
export function readSmallParameters(tensors: readonly ExpectedTensor[]): Float64Array {
  const parameters = roomFor(tensors);
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- there is nothing to do between two pieces
  for (const _ of fill(parameters, tensors));
  return parameters;
}

function roomFor(tensors: readonly ExpectedTensor[]): Float64Array {
  return new Float64Array(tensors.reduce((sum, { tensor }) => sum + tensor.numbers.length, 0));
}

/** Gives after each piece how many entries are there. */
function* fill(parameters: Float64Array, tensors: readonly ExpectedTensor[]): Generator<number> {
  let done = 0;
  for (const expected of tensors) {
    const { numbers } = expected.tensor;
    for (let first = 0; first < numbers.length; first += readAtOnce) {
      const count = Math.min(readAtOnce, numbers.length - first);
      const piece = parameters.subarray(done, done + count);
      numbers.copy(first, piece);
      checkEntries(expected, piece, first);
      done += count;
      if (count === readAtOnce) yield done;
    }
  }
}
