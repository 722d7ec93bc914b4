// Memory that JavaScript is about to take, held against what the machine or its cgroup has free.

import { formatBytes } from './amounts.js';
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
    `${what} need ${formatBytes(bytes)} of memory, but ${formatBytes(freeMemory)} are free; ${advice}`,
    { details: { bytes, freeMemory } },
  );
}
