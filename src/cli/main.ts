#!/usr/bin/env node
// The door of the command: the process's streams, Ctrl-C, broken pipes.

import process from 'node:process';

import { runCommand } from './command.js';

// A reader that has seen enough (| head) is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}

// 128 + the signal's number, as shells have it.
const STATUS = { SIGINT: 130, SIGTERM: 143 } as const;
type Interruption = keyof typeof STATUS;
/** Milliseconds that running work has to end by itself: LAPACK cannot be interrupted. */
const GRACE = 3000;

const controller = new AbortController();
let received: Interruption | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (received !== undefined) dieOf(signal);
    received = signal;
    controller.abort(new Error(signal));
    setTimeout(() => {
      dieOf(signal);
    }, GRACE).unref();
  });
}

/** At once, as without a handler. (process.exit would run the destructors of libraries whose threads
 *  still compute, and crash in them.) */
function dieOf(signal: Interruption): void {
  process.stderr.write(process.stderr.isTTY ? '\u001b[?25h' : ''); // the cursor, if a bar hid it
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

void runCommand(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  signal: controller.signal,
}).then((status) => {
  process.exitCode = received !== undefined && status !== 0 ? STATUS[received] : status;
});
