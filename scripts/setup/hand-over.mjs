// Runs the command that the set-up was for, as the user the set-up became, and ends as it ends.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { inRoot, root } from './paths.mjs';

export async function handOver([command, ...args]) {
  const PATH = `${inRoot('node_modules', '.bin')}${path.delimiter}${process.env.PATH}`;
  const child = spawn(command === 'node' ? process.execPath : command, args, {
    cwd: root,
    env: { ...process.env, PATH },
    stdio: 'inherit',
  });
  // The terminal sends Ctrl-C to both; the command decides, and this process waits for it.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const { code, signal } = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143);
}
