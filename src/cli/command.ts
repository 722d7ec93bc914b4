// The command: its parts put together, and what becomes of their errors.

import { Command } from 'commander';

import { addBenchCommand } from './bench-command.js';
import { addBuildCommand } from './build-command.js';
import { type CommandIo, writeLines } from './command-io.js';
import { addCompletionCommand } from './completion-command.js';
import { failureOf } from './failure.js';
import { addInfoCommand } from './info-command.js';
import { packageVersion } from '../package-version.js';
import { addReportCommand } from './report-command.js';
import { addReproduceCommand } from './reproduce-command.js';
import { addSpectrumCommand } from './spectrum-command.js';

/** Runs the command with these arguments (without node and script).
 *  @returns the exit status: 0; 3 for a claim that does not hold; 2 for bad input; 1 for a failure; 130 when interrupted */
export async function runCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  let status = 0;
  const program = createProgram(io, (set) => {
    status = set;
  });
  try {
    await program.parseAsync(argv.length === 0 ? ['--help'] : [...argv], {
      from: 'user',
    });
    return status;
  } catch (error) {
    const failure = io.signal.aborted ? { line: 'interrupted', status: 130 } : failureOf(error);
    if (failure.line !== '') writeLines(io.stderr, [`eigenscape: ${failure.line}`]);
    return failure.status;
  }
}

function createProgram(io: CommandIo, setStatus: (status: number) => void): Command {
  const program = new Command('eigenscape')
    .description('Exact spectra of the Hessian of a neural network’s loss.')
    .version(packageVersion())
    .exitOverride()
    .addHelpText(
      'after',
      '\nEach command has --help with examples. NO_COLOR, FORCE_COLOR and TERM=dumb are respected; EIGENSCAPE_THREADS sets the threads.',
    )
    .configureOutput({
      writeOut: (text) => {
        io.stdout.write(text);
      },
      writeErr: () => undefined, // runCommand says it, on one line
    });
  addSpectrumCommand(program, io);
  addReproduceCommand(program, io, setStatus);
  addReportCommand(program, io, setStatus);
  addBenchCommand(program, io, setStatus);
  addInfoCommand(program, io);
  addBuildCommand(program, io);
  addCompletionCommand(program, io);
  return program;
}
