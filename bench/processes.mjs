// A contender in a process of its own.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** What would pin OpenBLAS to kernels that are not this CPU's. */
const pins = ['OPENBLAS_CORETYPE', 'OPENBLAS_L2_SIZE'];

/** The environment of every process that is measured. */
export function childEnvironment(environment = process.env) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !pins.includes(name)));
}

function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env: childEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    child.on('error', (error) => resolve({ stdout, stderr: error.message, status: null }));
    child.on('close', (status, signal) => resolve({ stdout, stderr, status: status ?? signal }));
  });
}

/** Runs a job and returns what the contender printed: { ways: { name: { seconds, check } }, … }, or
 *  { failed: why }.
 *  @param {{ command: string[] }} contender */
export async function runContender({ command: [executable, ...args] }, job) {
  const file = path.join(job.folder, 'job.json');
  fs.writeFileSync(file, JSON.stringify(job));
  const { stdout, stderr, status } = await run(executable, [...args, file]);
  const last = (text) => text.trim().split('\n').at(-1)?.trim() ?? '';
  if (status !== 0) return { failed: `ended with ${status}: ${last(stderr)}` };
  try {
    return JSON.parse(last(stdout));
  } catch {
    return { failed: `printed no outcome: ${last(stdout)}` };
  }
}
