// What computes here: for `eigenscape info`, and for manifests.

import { availableParallelism, cpus, totalmem } from 'node:os';

import { isEigenscapeError } from '../errors.js';
import { type MachineInfo, machineInfo } from '../machine.js';
import { packageVersion } from '../package-version.js';
import type { CommandIo } from './command-io.js';

export interface MachineDescription {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  /** Cores that this process may use. */
  readonly cores: number;
  /** Bytes of the machine. */
  readonly memory: number;
  readonly addon: MachineInfo | { readonly error: string };
  /** Settings of the environment that change speed. */
  readonly environment: Readonly<Record<string, string>>;
}

const SETTINGS = ['EIGENSCAPE_THREADS', 'OPENBLAS_CORETYPE', 'OPENBLAS_NUM_THREADS'];

export function describeMachine(environment: CommandIo['environment']): MachineDescription {
  const set = SETTINGS.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    version: packageVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory: totalmem(),
    addon: addonOrWhyNot(),
    environment: Object.fromEntries(set),
  };
}

function addonOrWhyNot(): MachineDescription['addon'] {
  try {
    return machineInfo();
  } catch (error) {
    if (!isEigenscapeError(error)) throw error;
    return { error: error.message.replace(/\s*[\r\n]+\s*/g, ' ') };
  }
}

export function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
