// `eigenscape info`: what computes here, also where the addon cannot be loaded.

import { availableParallelism, cpus, totalmem } from 'node:os';

import type { Command } from 'commander';

import { isEigenscapeError } from '../errors.js';
import { type MachineInfo, machineInfo } from '../machine.js';
import { type CommandIo, writeLines } from './command-io.js';
import { packageVersion } from '../package-version.js';

interface Info {
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

export function addInfoCommand(program: Command, io: CommandIo): void {
  program
    .command('info')
    .summary('version, CPU, BLAS and its kernel, threads')
    .description('What computes here: version, CPU, BLAS and the kernel in use, threads, Node.')
    .option('--json', 'as JSON')
    .action(({ json = false }: { readonly json?: boolean }) => {
      const info = gather(io.environment);
      if (json) io.stdout.write(`${JSON.stringify(info, null, 2)}\n`);
      else writeLines(io.stdout, lines(info));
    });
}

const SETTINGS = ['EIGENSCAPE_THREADS', 'OPENBLAS_CORETYPE', 'OPENBLAS_NUM_THREADS'];

function gather(environment: CommandIo['environment']): Info {
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

function addonOrWhyNot(): Info['addon'] {
  try {
    return machineInfo();
  } catch (error) {
    if (!isEigenscapeError(error)) throw error;
    return { error: error.message.replace(/\s*[\r\n]+\s*/g, ' ') };
  }
}

function lines({ addon, environment, ...info }: Info): string[] {
  const loaded: (readonly [string, string])[] =
    'error' in addon
      ? [['addon', `not loaded: ${addon.error}`]]
      : [
          ['addon', addon.version],
          ['BLAS', addon.blas],
          ['kernel', addon.kernel],
          ['threads', String(addon.threads)],
          ['free memory', gibibytes(addon.freeMemory)],
        ];
  const rows: (readonly [string, string])[] = [
    ['eigenscape', info.version],
    ['Node', `${info.node}, ${info.platform}`],
    ['CPU', `${info.cpu}, ${info.cores} cores`],
    ['memory', gibibytes(info.memory)],
    ...loaded,
    ...Object.entries(environment),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
