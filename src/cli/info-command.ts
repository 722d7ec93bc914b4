// `eigenscape info`: what computes here, also where the addon cannot be loaded.

import type { Command } from 'commander';

import { type CommandIo, writeLines } from './command-io.js';
import { examples } from './examples.js';
import { type MachineDescription, describeMachine, gibibytes } from './machine-description.js';

export function addInfoCommand(program: Command, io: CommandIo): void {
  program
    .command('info')
    .summary('version, CPU, BLAS and its kernel, threads')
    .description('What computes here: version, CPU, BLAS and the kernel in use, threads, Node.')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      examples([
        ['what a report of a fault should hold', 'info'],
        ['the kernel that BLAS chose', 'info --json | jq -r .addon.kernel'],
      ]),
    )
    .action(({ json = false }: { readonly json?: boolean }) => {
      const info = describeMachine(io.environment);
      if (json) io.stdout.write(`${JSON.stringify(info, null, 2)}\n`);
      else writeLines(io.stdout, lines(info));
    });
}

function lines({ addon, environment, ...info }: MachineDescription): string[] {
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
