// Memory that JavaScript is about to take, held against what the machine or its cgroup has free.

import { EigenscapeError } from './errors.js';
import { addon } from './native.js';

/** To be called before the allocation: what does not fit is refused by name, where V8 would throw a
 *  RangeError or the system end the process.
 *  @param what what needs the memory, as the subject of "need … of memory"
 *  @param advice what to do instead
 *  @throws EigenscapeError ERR_MEMORY */
export function requireMemory(bytes: number, what: string, advice: string): void {
  const { freeMemory } = addon().machine();
  if (bytes <= freeMemory) return;
  throw new EigenscapeError(
    'ERR_MEMORY',
    `${what} need ${gigabytes(bytes)} of memory, but ${gigabytes(freeMemory)} are free; ${advice}`,
    { details: { bytes, freeMemory } },
  );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
