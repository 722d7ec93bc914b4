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
  for (const piece of piecesOf(tensors)) {
    read(piece, parameters);
    if (piece.count < readAtOnce) continue;
    const done = piece.place + piece.count;
    onProgress?.({ stage: 'weights', done, total: parameters.length, secondsLeft: undefined });
    await setImmediate();
    throwIfAborted(signal);
  }
  return parameters;
}

/** {@link readParameters} in one go. */
export function readSmallParameters(tensors: readonly ExpectedTensor[]): Float64Array {
  const parameters = roomFor(tensors);
  for (const piece of piecesOf(tensors)) read(piece, parameters);
  return parameters;
}

/** Entries of one tensor, from `first` on, which are parameters from `place` on. */
interface Piece {
  readonly expected: ExpectedTensor;
  readonly first: number;
  readonly count: number;
  readonly place: number;
}

function roomFor(tensors: readonly ExpectedTensor[]): Float64Array {
  return new Float64Array(tensors.reduce((sum, { tensor }) => sum + tensor.numbers.length, 0));
}

function* piecesOf(tensors: readonly ExpectedTensor[]): Generator<Piece> {
  let place = 0;
  for (const expected of tensors) {
    const { length } = expected.tensor.numbers;
    for (let first = 0; first < length; first += readAtOnce) {
      const count = Math.min(readAtOnce, length - first);
      yield { expected, first, count, place };
      place += count;
    }
  }
}

function read({ expected, first, count, place }: Piece, parameters: Float64Array): void {
  const piece = parameters.subarray(place, place + count);
  expected.tensor.numbers.copy(first, piece);
  checkEntries(expected, piece, first);
}
