// What the native build needs of the machine, found by trying: names and versions in tables age.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const succeeds = (command, args, options = {}) =>
  spawnSync(command, args, { stdio: ['pipe', 'pipe', 'ignore'], ...options }).status === 0;

// The oldest compilers whose C++20 library suffices.
const compilerProbe = `
#include <bit>
#include <span>
#if defined(__clang__)
#  if __clang_major__ < 14
#    error "clang 14 or newer"
#  endif
#elif __GNUC__ < 11
#  error "GCC 11 or newer"
#endif
int main() { return 0; }
`;

// Distributions with an old default often have a newer one beside it.
const compilerPairs = [
  ['c++', 'cc'],
  ['g++', 'gcc'],
  ...[15, 14, 13, 12, 11].map((version) => [`g++-${version}`, `gcc-${version}`]),
  ['clang++', 'clang'],
  ...[20, 19, 18, 17, 16, 15, 14].map((version) => [`clang++-${version}`, `clang-${version}`]),
];

const compiles = (cxx) =>
  succeeds(cxx, ['-std=c++20', '-fsyntax-only', '-x', 'c++', '-'], { input: compilerProbe });

/** { CXX, CC } of the first compiler that will do; the user's own choice goes first. */
export function findCompiler() {
  const { CXX, CC } = process.env;
  if (CXX && compiles(CXX)) return CC ? { CXX, CC } : { CXX };
  const pair = compilerPairs.find(([cxx]) => compiles(cxx));
  return pair && { CXX: pair[0], CC: pair[1] };
}

function hasCmake() {
  const found = spawnSync('cmake', ['--version'], { encoding: 'utf8' });
  const [major, minor] = (/version (\d+)\.(\d+)/.exec(found.stdout ?? '') ?? [])
    .slice(1)
    .map(Number);
  return major > 3 || (major === 3 && minor >= 20);
}

const hasMake = () => succeeds('ninja', ['--version']) || succeeds('make', ['--version']);

/** Only whether one is there: CMakeLists.txt chooses between the static and the shared one. */
function hasBlas(compiler) {
  if (process.platform === 'darwin') return true; // Accelerate
  if (!compiler) return false;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'eigenscape-'));
  const links = (...libraries) =>
    succeeds(compiler.CXX, ['-shared', '-o', path.join(folder, 'probe.so'), ...libraries]);
  try {
    const debian = `/usr/lib/${multiarch(compiler)}/openblas-pthread`;
    return links('-lopenblas') || links(`-L${debian}`, '-lopenblas');
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

function multiarch(compiler) {
  return spawnSync(compiler.CXX, ['-dumpmachine'], { encoding: 'utf8' }).stdout.trim();
}

/** Names of the tools that are missing, as the package managers' table knows them. */
export function missingTools() {
  const compiler = findCompiler();
  return [
    !compiler && 'compiler',
    !hasMake() && 'make',
    !hasCmake() && 'cmake',
    !hasBlas(compiler) && 'openblas',
  ].filter(Boolean);
}

/** Speaks of the tools in a message. */
export const toolNames = {
  compiler: 'a C++20 compiler (g++ ≥ 11 or clang ≥ 14)',
  make: 'make or ninja',
  cmake: 'CMake ≥ 3.20',
  openblas: 'OpenBLAS (to link with)',
};

/** What a cached CMake configuration depends on and CMake does not notice. */
export function toolchainIdentity() {
  const version = (command) =>
    spawnSync(command, ['--version'], { encoding: 'utf8' }).stdout?.split('\n', 1)[0];
  const compiler = findCompiler();
  return {
    ...compiler,
    compiler: compiler && version(compiler.CXX),
    cmake: version('cmake'),
    ninja: succeeds('ninja', ['--version']),
    warnings: process.env.EIGENSCAPE_WARNINGS,
  };
}
