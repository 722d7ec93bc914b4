// Makes what the package holds beside the sources and dist/ (`npm run prebuild` runs the set-up
// first, so that the addon and dist/ are current):
//
//   prebuilds/<platform>-<arch>/eigenscape.<libc>.node   the addon, stripped and checked
//   native/vendor/                                       Node's headers, for `eigenscape build`
//   sbom.cdx.json                                        what is inside, by name and version
//
// The libc is in the name, else node-gyp-build would give Alpine the file for glibc.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { problemsOf } from './addon-file.mjs';
import { writeSbom } from './sbom.mjs';
import { addonFile, inRoot, root } from './setup/paths.mjs';

/** Flags of this machine would be in everybody's binary. */
function refuseFlags() {
  const set = ['CFLAGS', 'CXXFLAGS', 'LDFLAGS'].filter((name) => process.env[name]);
  if (set.length === 0) return;
  console.error(`prebuild: unset ${set.join(', ')}: the addon must run on any machine.`);
  process.exit(1);
}

function libc() {
  if (process.platform !== 'linux') return undefined;
  return fs.existsSync('/etc/alpine-release') ? 'musl' : 'glibc';
}

function placeAddon() {
  fs.rmSync(inRoot('prebuilds'), { recursive: true, force: true });
  const folder = inRoot('prebuilds', `${process.platform}-${process.arch}`);
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, ['eigenscape', libc(), 'node'].filter(Boolean).join('.'));
  fs.copyFileSync(addonFile, file);
  if (process.platform === 'linux') execFileSync('strip', [file]);
  return file;
}

/** Headers with MIT licences, so that a build on a user's machine downloads nothing. */
function placeHeaders() {
  const folder = inRoot('native', 'vendor');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder);
  const headers = [
    ['node-addon-api', ['napi.h', 'napi-inl.h', 'napi-inl.deprecated.h']],
    [
      'node-api-headers/include',
      ['node_api.h', 'node_api_types.h', 'js_native_api.h', 'js_native_api_types.h'],
    ],
  ];
  for (const [from, names] of headers) {
    for (const name of names) {
      fs.copyFileSync(inRoot('node_modules', from, name), path.join(folder, name));
    }
  }
}

refuseFlags();
const file = placeAddon();
placeHeaders();
writeSbom({ addon: file, target: inRoot('sbom.cdx.json') });

const name = path.relative(root, file);
console.log(`${name}: ${(fs.statSync(file).size / 1e6).toFixed(1)} MB`);
const problems = process.platform === 'linux' ? problemsOf(file, root) : [];
for (const problem of problems) console.error(`prebuild: ${name} ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
