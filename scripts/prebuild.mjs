// Makes prebuilds/<platform>-<arch>/eigenscape.<libc>.node with prebuildify.
// node-gyp would want Node's headers, and of a version that is not installed: PREBUILD_NODE_GYP
// puts our build in its place. The libc is in the name, else Alpine would be given glibc's file.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { inRoot, root } from './setup/paths.mjs';
import { foreignLibraries } from './needed-libraries.mjs';

// prebuildify moves the file out of build/Release: give it a folder where it is nobody's addon.
const folder = inRoot('.cmake', 'prebuild');
fs.rmSync(folder, { recursive: true, force: true });
fs.mkdirSync(folder, { recursive: true });
fs.rmSync(inRoot('prebuilds'), { recursive: true, force: true });

const prebuildify = inRoot('node_modules', 'prebuildify', 'bin.js');
const options = ['--napi', '--strip', '--tag-libc', '--name', 'eigenscape'];
const { status } = spawnSync(
  process.execPath,
  [prebuildify, ...options, '--cwd', folder, '--out', root],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PREBUILD_NODE_GYP: inRoot('scripts', 'build-addon.mjs') },
  },
);
if (status !== 0) process.exit(1);

for (const name of fs.readdirSync(inRoot('prebuilds'), { recursive: true })) {
  if (!name.endsWith('.node')) continue;
  const file = inRoot('prebuilds', name);
  const foreign = foreignLibraries(file);
  console.log(`prebuilds/${name}: ${(fs.statSync(file).size / 1e6).toFixed(1)} MB`);
  if (foreign.length > 0) {
    console.error(`It needs ${foreign.join(', ')}, which users' machines may lack.`);
    process.exitCode = 1;
  }
}
