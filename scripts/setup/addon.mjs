// The addon: compiled by CMake through cmake-js in a folder of its own, then put where
// node-gyp-build looks for it.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run } from './command.mjs';
import { digestOf } from './digest.mjs';
import { addonFile, cmakeFolder, inRoot, root } from './paths.mjs';
import { findCompiler, toolchainIdentity } from './toolchain.mjs';

export function addonDigest() {
  // Of package.json only what reaches the compiler: a new script is no new addon.
  const { version, binary } = JSON.parse(fs.readFileSync(inRoot('package.json'), 'utf8'));
  const { CXX, CC, CXXFLAGS, LDFLAGS, EIGENSCAPE_WARNINGS } = process.env;
  const { platform, arch } = process;
  const facts = {
    version,
    binary,
    CXX,
    CC,
    CXXFLAGS,
    LDFLAGS,
    EIGENSCAPE_WARNINGS,
    platform,
    arch,
  };
  return digestOf(['native', 'CMakeLists.txt', 'scripts/setup/addon.mjs'], facts);
}

/** A translation unit takes about half a gigabyte. */
function jobs() {
  return Math.max(1, Math.min(os.availableParallelism(), Math.floor(os.freemem() / 2 ** 29)));
}

/** cmake-js keeps an existing configuration whatever changed: so drop it when the tools changed. */
function dropStaleConfiguration(folder) {
  const file = path.join(folder, 'made-with.json');
  const identity = JSON.stringify({ root, ...toolchainIdentity() });
  const known = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
  if (known !== identity) fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(file, identity);
}

/** A reader of the old file keeps it: the new one is put in its place in one step. */
export function placeFile(from, to) {
  fs.mkdirSync(path.dirname(to), { recursive: true });
  const fresh = `${to}.${process.pid}`;
  fs.copyFileSync(from, fresh);
  fs.renameSync(fresh, to);
}

export async function buildAddon({
  folder = cmakeFolder,
  target = addonFile,
  name = 'addon',
} = {}) {
  dropStaleConfiguration(folder);
  const cmakeJs = inRoot('node_modules', 'cmake-js', 'bin', 'cmake-js');
  const args = [cmakeJs, 'build', '--directory', root, '--out', folder, '--parallel', `${jobs()}`];
  await run(name, process.execPath, args, { env: findCompiler() });
  placeFile(path.join(folder, 'Release', 'eigenscape.node'), target);
}
