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
const controller = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (controller.signal.aborted) process.exit(STATUS[signal]); // the second time without waiting
    controller.abort(new Error(signal));
  });
}

void runCommand(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  signal: controller.signal,
}).then((status) => {
  process.exitCode = status;
});
