// Long loops in JavaScript, between whose pieces the event loop turns.

import { setImmediate } from 'node:timers/promises';

import { throwIfAborted } from './long-call.js';

/** One or two milliseconds' worth. */
const atOnce = 2 ** 16;

/** Calls `body` with first and last (exclusive) of one piece of `length` entries after the other.
 *  @throws EigenscapeError ERR_ABORTED between two pieces */
export async function inPieces(
  length: number,
  signal: AbortSignal | undefined,
  body: (first: number, last: number) => void,
): Promise<void> {
  for (let first = 0; first < length; first += atOnce) {
    if (first > 0) {
      await setImmediate();
      throwIfAborted(signal);
    }
    body(first, Math.min(first + atOnce, length));
  }
}
