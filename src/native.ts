// The only file that loads the addon. What it exports is typed by room, in addon/.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import type { BasisCalls } from './addon/basis.js';
import type { CurvatureCalls } from './addon/curvature.js';
import type {
  JobOptions,
  LossTableHandle,
  NativeJob,
  NetworkHandle,
  OperatorHandle,
  PointHandle,
  RowsHandle,
  SamplesHandle,
} from './addon/handles.js';
import type { NetworkCalls } from './addon/network.js';
import type { SpectrumCalls } from './addon/spectrum.js';
import type { TrainingCalls } from './addon/training.js';
import { EigenscapeError } from './errors.js';

export type * from './addon/basis.js';
export type * from './addon/curvature.js';
export type * from './addon/handles.js';
export type * from './addon/network.js';
export type * from './addon/spectrum.js';
export type * from './addon/training.js';

export interface Machine {
  readonly version: string;
  readonly blas: string;
  readonly kernel: string;
  readonly threads: number;
  /** Bytes. */
  readonly freeMemory: number;
}

export interface Addon
  extends NetworkCalls, TrainingCalls, CurvatureCalls, SpectrumCalls, BasisCalls {
  /** Lets go of what a handle holds; later calls with it are ERR_DISPOSED. */
  release(
    handle:
      NetworkHandle | OperatorHandle | SamplesHandle | PointHandle | LossTableHandle | RowsHandle,
  ): void;
  machine(): Machine;
  /** Flops per second of a product of two n × n matrices. */
  measureGemm(n: number, dtype: string, options: JobOptions): NativeJob<number>;
}

let loaded: Addon | undefined;

/** The addon, loaded at the first call: what is built here (build/Release), else what is prebuilt.
 *  @throws EigenscapeError ERR_ADDON with what was looked for and what helps */
export function addon(): Addon {
  loaded ??= load();
  return loaded;
}

function load(): Addon {
  const root = fileURLToPath(new URL('..', import.meta.url));
  try {
    const require = createRequire(import.meta.url);
    const find = require('node-gyp-build') as (directory: string) => Addon;
    return find(root);
  } catch (cause) {
    throw new EigenscapeError(
      'ERR_ADDON',
      `the native addon of eigenscape could not be loaded for ${process.platform}-${process.arch} ` +
        `(Node ${process.version}): ${cause instanceof Error ? cause.message : String(cause)}; ` +
        'in a clone of the repository, `npm run setup` builds it',
      { cause, details: { root, platform: process.platform, arch: process.arch } },
    );
  }
}
