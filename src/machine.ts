// What the library runs on.

import * as v from 'valibot';

import { runJob } from './long-call.js';
import { addon } from './native.js';
import { longCallEntries, optionsOf, parseOptions, positiveInteger } from './options.js';
import type { LongCallOptions } from './progress.js';

/** What {@link machineInfo} tells. */
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

/** Flops per second of a product of matrices: the measure of all planned work. */
export interface MachineSpeed {
  /** On as many threads as a call may use. */
  readonly all: number;
  /** On one thread. */
  readonly one: number;
}

/** Order of the matrices of {@link machineSpeed}: three of them fit a second-level cache or nearly, and seven
 *  products take some 20 ms. */
const speedSize = 500;
const speeds = new Map<string, Promise<MachineSpeed>>();

/** Measured once in a process for each dtype and number of threads, in well under a second.
 *  @internal */
export function machineSpeed(
  dtype: 'float64' | 'float32',
  threads = machineInfo().threads,
): Promise<MachineSpeed> {
  const key = `${dtype} ${String(threads)}`;
  const known = speeds.get(key) ?? measureSpeed(dtype, threads);
  speeds.set(key, known);
  return known;
}

async function measureSpeed(dtype: 'float64' | 'float32', threads: number): Promise<MachineSpeed> {
  const one = 1e9 * (await gemmSpeed({ size: speedSize, dtype, threads: 1 }));
  if (threads === 1) return { all: one, one };
  // The first run may be over before the other threads are awake.
  const runs: number[] = [];
  for (let run = 0; run < 2; run += 1) {
    runs.push(1e9 * (await gemmSpeed({ size: speedSize, dtype, threads })));
  }
  return { all: Math.max(...runs), one };
}

/** The addon's version, its BLAS and the kernel in use, threads, and free memory.
 *  @throws EigenscapeError ERR_ADDON when the addon cannot be loaded */
export function machineInfo(): MachineInfo {
  return addon().machine();
}

/** Options of {@link gemmSpeed}. */
export interface GemmSpeedOptions extends LongCallOptions {
  /** n of the n × n matrices; default 2,000. */
  readonly size?: number | undefined;
  /** Default 'float64'. */
  readonly dtype?: 'float64' | 'float32' | undefined;
}

const gemmSchema = optionsOf({
  ...longCallEntries,
  size: v.optional(positiveInteger, 2000),
  dtype: v.optional(v.picklist(['float64', 'float32'], "'float64' or 'float32'"), 'float64'),
});

/** GFLOP/s of the fastest of a few products of two matrices: the speed to which all dense work of the
 *  library can be compared. Takes about a second at the default size.
 *  @throws EigenscapeError ERR_SPEC, ERR_MEMORY when the three matrices do not fit
 *  @example const secondsAtLeast = 13.2 / (await gemmSpeed()) */
export async function gemmSpeed(options: GemmSpeedOptions = {}): Promise<number> {
  const { size, dtype } = parseOptions('gemmSpeed', gemmSchema, options);
  const speed = await runJob(options, (job) => addon().measureGemm(size, dtype, job));
  return speed / 1e9;
}
