// The only file that loads the addon. What it exports is typed by room, in addon/.

import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
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
  ResultHandle,
  RowsHandle,
  SamplesHandle,
  VectorHandle,
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
      | NetworkHandle
      | OperatorHandle
      | SamplesHandle
      | PointHandle
      | VectorHandle
      | ResultHandle
      | LossTableHandle
      | RowsHandle,
  ): void;
  machine(): Machine;
  /** Flops per second of a product of two n × n matrices. */
  measureGemm(n: number, dtype: string, options: JobOptions): NativeJob<number>;
}

/** OpenBLAS keeps buffers for 64 callers. */
export const maximumThreads = 48;

let loaded: Addon | undefined;

const root = fileURLToPath(new URL('..', import.meta.url));

/** The addon, loaded at the first call: what is built here (build/Release), else what is prebuilt.
 *  @throws EigenscapeError ERR_ADDON with what was looked for and what helps; ERR_SPEC for an EIGENSCAPE_THREADS
 *  that is no number of threads */
export function addon(): Addon {
  loaded ??= load();
  return loaded;
}

function load(): Addon {
  checkThreadsSetting();
  try {
    const require = createRequire(import.meta.url);
    const find = require('node-gyp-build') as (directory: string) => Addon;
    return find(root);
  } catch (cause) {
    const needed = neededBuild();
    const found = foundBuilds();
    throw new EigenscapeError(
      'ERR_ADDON',
      `the native addon of eigenscape could not be loaded: needed is one for ${needed} (Node ${process.version}); ` +
        `found: ${found.length === 0 ? 'none' : `${found.join(', ')}; ${reasonOf(cause)}`}. ` +
        '`npx eigenscape build` compiles it on this machine (in a clone of the repository: `npm run setup`)',
      {
        cause,
        details: { root, needed, found, platform: process.platform, arch: process.arch },
      },
    );
  }
}

/** 'linux-x64, glibc 2.36' */
function neededBuild(): string {
  const place = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') return place;
  if (existsSync('/etc/alpine-release')) return `${place}, musl`;
  try {
    // The report takes a moment, which only a failure pays; not every runtime has one.
    const { header } = process.report.getReport() as { header: { glibcVersionRuntime: string } };
    return `${place}, glibc ${header.glibcVersionRuntime}`;
  } catch {
    return place;
  }
}

/** Files that could be addons, relative to the package. */
function foundBuilds(): readonly string[] {
  return ['build/Release', 'prebuilds'].flatMap((folder) => {
    const place = join(root, folder);
    if (!existsSync(place)) return [];
    return readdirSync(place, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.node'))
      .map((name) => `${folder}/${name}`);
  });
}

/** What the loader said, on one line; where it found nothing, that was said already. */
function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.startsWith('No native build')
    ? 'none of these fits'
    : text.replace(/\s+/g, ' ').trim();
}

/** One setting for all threads of the library; the option `threads` of a call goes before it. */
function checkThreadsSetting(): void {
  const setting = process.env.EIGENSCAPE_THREADS;
  if (setting === undefined || setting === '') return;
  if (/^[1-9]\d*$/.test(setting) && Number(setting) <= maximumThreads) return;
  throw new EigenscapeError(
    'ERR_SPEC',
    `the environment variable EIGENSCAPE_THREADS is '${setting}'; expected a whole number from 1 to ${maximumThreads}, or ` +
      'nothing, which means the cores that this process may use',
    { details: { option: 'EIGENSCAPE_THREADS', value: setting } },
  );
}
