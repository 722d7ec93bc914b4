// Runs the commands of the set-up: their output goes to a log, whose end is shown if they fail.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { SetupFailure } from './failure.mjs';
import { logFolder, root } from './paths.mjs';

const tailLines = 40;

/** npm and make hand their own state to what they start; none of it is meant for our commands. */
export function cleanEnvironment(extra = {}) {
  const environment = { ...process.env, ...extra };
  for (const name of ['MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'NODE_OPTIONS']) delete environment[name];
  return environment;
}

/** Resolves with everything the command printed; a failure carries `output`. */
export async function run(name, command, args, { env = {}, hint = '' } = {}) {
  fs.mkdirSync(logFolder, { recursive: true });
  const logFile = path.join(logFolder, `${name}.log`);
  const log = fs.openSync(logFile, 'w');
  try {
    const end = await new Promise((resolve) => {
      const child = spawn(command, args, {
        cwd: root,
        env: cleanEnvironment(env),
        stdio: ['ignore', log, log],
      });
      child.on('error', (error) => resolve({ reason: error.message }));
      child.on('exit', (code, signal) => resolve({ code, reason: signal ?? `exit code ${code}` }));
    });
    const output = fs.readFileSync(logFile, 'utf8');
    if (end.code === 0) return output;
    const tail = output.trimEnd().split('\n').slice(-tailLines).join('\n');
    const failure = new SetupFailure(
      [tail, `${name} failed (${end.reason}): ${[command, ...args].join(' ')}`, hint]
        .concat(`Its whole log: ${path.relative(process.cwd(), logFile)}`)
        .filter(Boolean)
        .join('\n'),
    );
    failure.output = output;
    throw failure;
  } finally {
    fs.closeSync(log);
  }
}
