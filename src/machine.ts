// What the library runs on.

import { addon } from './native.js';

export interface MachineInfo {
  /** Of the addon. */
  readonly version: string;
  /** The BLAS library and how it was configured. */
  readonly blas: string;
  /** The kernel that BLAS chose for this CPU. */
  readonly kernel: string;
  /** Threads that a call uses unless it says otherwise. */
  readonly threads: number;
  /** Bytes that this process may still take. */
  readonly freeMemory: number;
}

/** The addon's version, its BLAS and the kernel in use, threads, and free memory.
 *  @throws EigenscapeError ERR_ADDON when the addon cannot be loaded */
export function machineInfo(): MachineInfo {
  return addon().machine();
}
