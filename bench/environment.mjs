// What the numbers were measured on.

import { spawnSync } from 'node:child_process';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { machineInfo } from '../dist/index.js';
import { childEnvironment } from './processes.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

function commit() {
  const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  const head = git('rev-parse', '--short', 'HEAD');
  return head.status === 0 ? head.stdout.trim() : undefined;
}

/** The kernel that contenders see: this process may have loaded OpenBLAS with another. */
function machineOfChildren() {
  const code = `import { machineInfo } from '${new URL('../dist/index.js', import.meta.url).href}';
    console.log(JSON.stringify(machineInfo()))`;
  const args = ['--input-type=module', '--eval', code];
  const asked = spawnSync(process.execPath, args, { env: childEnvironment(), encoding: 'utf8' });
  return asked.status === 0 ? JSON.parse(asked.stdout) : machineInfo();
}

export function describeEnvironment() {
  const [cpu] = os.cpus();
  const { version, blas, kernel, threads } = machineOfChildren();
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    eigenscape: version,
    commit: commit(),
    blas,
    kernel,
    threads,
    load: os.loadavg()[0],
  };
}
