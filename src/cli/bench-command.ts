// `eigenscape bench`: the package's own benchmark, contender by contender in processes of their own.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { Command } from 'commander';

import { EigenscapeError } from '../errors.js';
import type { CommandIo } from './command-io.js';

const SCRIPT = fileURLToPath(new URL('../../bench/run.mjs', import.meta.url));

export function addBenchCommand(
  program: Command,
  io: CommandIo,
  setStatus: (status: number) => void,
): void {
  program
    .command('bench')
    .summary('speed here, beside the contenders that are installed')
    .description(
      'Times this machine: trials × contenders, each in a fresh process, as ratios to the best and to the floor. Options are those of the benchmark: eigenscape bench --help lists them.',
    )
    // The benchmark's own command line says what it takes: one list, in one place.
    .helpOption(false)
    .allowUnknownOption()
    .argument('[options...]')
    .action(async (_: readonly string[], __: unknown, command: Command) => {
      setStatus(await runBenchmark(command.args, io));
    });
}

/** @returns the benchmark's exit status */
async function runBenchmark(args: readonly string[], io: CommandIo): Promise<number> {
  if (!existsSync(SCRIPT)) {
    throw new EigenscapeError(
      'ERR_FILE',
      `the benchmark is not in this copy: ${SCRIPT} is missing; install the package again`,
      { details: { file: SCRIPT } },
    );
  }
  const child = spawn(process.execPath, [SCRIPT, ...args], {
    env: { ...io.environment },
    signal: io.signal,
    // A terminal is handed on, so that progress is drawn there.
    stdio: ['ignore', 'pipe', io.stderr.isTTY === true ? 'inherit' : 'pipe'],
  });
  child.stdout?.setEncoding('utf8').on('data', (text: string) => void io.stdout.write(text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => void io.stderr.write(text));
  return await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      resolve(status ?? 1);
    });
  });
}
