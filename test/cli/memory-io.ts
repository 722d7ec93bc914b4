// A process of the command's own for tests: streams that keep what is written.

import { runCommand } from '../../src/cli/command.js';

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command in this process, as in a pipe. */
export async function run(
  argv: readonly string[],
  options: {
    readonly environment?: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    write: (text: string): void => {
      written[name] += text;
    },
  });
  const status = await runCommand(argv, {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    environment: options.environment ?? {},
    signal: options.signal ?? new AbortController().signal,
  });
  return { status, ...written };
}
