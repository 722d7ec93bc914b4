// All checks of form: ESLint, Prettier, and clang-format where the right one is. --fix repairs.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { inRoot, root } from './setup/paths.mjs';

const fix = process.argv.includes('--fix');

const nativeFiles = fs
  .readdirSync(inRoot('native'), { recursive: true })
  .filter((name) => /\.(cpp|hpp|c)$/.test(name))
  .map((name) => `native/${name}`);

// Each version of clang-format lays some lines out differently: ours is this one's layout.
const layoutOf = 14;
const clangFormat = [`clang-format-${layoutOf}`, 'clang-format'].find((command) =>
  spawnSync(command, ['--version'], { encoding: 'utf8' }).stdout?.includes(`version ${layoutOf}.`),
);

const inModules = (file) => [process.execPath, inRoot('node_modules', file)];
const checks = [
  [...inModules('eslint/bin/eslint.js'), '.', ...(fix ? ['--fix'] : [])],
  [...inModules('prettier/bin/prettier.cjs'), '.', '--log-level=warn', fix ? '--write' : '--check'],
];
if (clangFormat) {
  checks.push([clangFormat, ...(fix ? ['-i'] : ['--dry-run', '-Werror']), ...nativeFiles]);
} else {
  console.error(`lint: clang-format ${layoutOf} is not installed; C++ layout is not checked`);
}

for (const [command, ...args] of checks) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
