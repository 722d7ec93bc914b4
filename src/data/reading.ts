// What calls that read data files have in common: they hear an abort, and tell how far they are.

import { longCallEntries } from '../options.js';
import type { LongCallOptions } from '../progress.js';

/** Options of every call that reads a data file. */
export interface ReadingOptions {
  /** As in {@link LongCallOptions}. */
  readonly signal?: LongCallOptions['signal'];
  /** As in {@link LongCallOptions}. */
  readonly onProgress?: LongCallOptions['onProgress'];
}

/** How {@link ReadingOptions} are checked. */
export const readingEntries = {
  signal: longCallEntries.signal,
  onProgress: longCallEntries.onProgress,
};

/** Milliseconds between two reports. */
const pace = 50;

/** Tells `onProgress` of a stage of `total` units: at its first call, about twenty times a second, and at the end. */
export function progressOf(
  onProgress: ReadingOptions['onProgress'],
  stage: string,
  total: number,
): (done: number) => void {
  if (onProgress === undefined) return () => undefined;
  const started = performance.now();
  let reported = -Infinity;
  return (done) => {
    const now = performance.now();
    if (done < total && now - reported < pace) return;
    reported = now;
    const secondsLeft = ((now - started) / 1000 / done) * (total - done);
    onProgress({ stage, done, total, secondsLeft });
  };
}
