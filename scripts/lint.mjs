// All checks of form: ESLint, Prettier, and clang-format where it is installed. --fix repairs.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { inRoot, root } from './setup/paths.mjs';

const fix = process.argv.includes('--fix');

const nativeFiles = fs
  .readdirSync(inRoot('native'), { recursive: true })
  .filter((name) => /\.(cpp|hpp|c)$/.test(name))
  .map((name) => `native/${name}`);

const inModules = (file) => [process.execPath, inRoot('node_modules', file)];
const checks = [
  [...inModules('eslint/bin/eslint.js'), '.', ...(fix ? ['--fix'] : [])],
  [...inModules('prettier/bin/prettier.cjs'), '.', '--log-level=warn', fix ? '--write' : '--check'],
  ['clang-format', ...(fix ? ['-i'] : ['--dry-run', '-Werror']), ...nativeFiles],
];

for (const [command, ...args] of checks) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error?.code === 'ENOENT') {
    console.error(`lint: ${command} is not installed; its check is left out`);
  } else if (status !== 0) {
    process.exitCode = 1;
  }
}
