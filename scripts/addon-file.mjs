// What a compiled addon asks of the machine it is loaded on, read from the ELF file with binutils.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';

// libgcc_s comes with what Node itself needs.
const everywhere = /^(libm|libgcc_s|libc|ld-linux[-\w]*|ld-musl[-\w]*|libc\.musl[-\w]*)\.so/;

/** The newest glibc whose symbols may be needed: Node 20 itself needs this one. */
const glibcLimit = '2.28';

const read = (command, args) =>
  execFileSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });

export function neededLibraries(file) {
  const dynamic = read('readelf', ['--dynamic', '--wide', file]);
  return [...dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name);
}

/** The newest version of glibc among its undefined symbols: '2.27'. */
export function neededGlibc(file) {
  const symbols = read('readelf', ['--dyn-syms', '--wide', file]);
  const versions = [...symbols.matchAll(/@GLIBC_(\d+(?:\.\d+)+)/g)].map(([, version]) => version);
  return versions.sort(compareVersions).at(-1) ?? '0';
}

function compareVersions(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Texts in it that name a folder of the machine that built it. */
export function buildPaths(file, root) {
  const bytes = fs.readFileSync(file);
  const places = ['/work/', '/tmp/', '/root/', '/home/', '/Users/', '/builds/', '/__w/'];
  const own = [root, os.homedir()].filter((place) => place.length > 1);
  return [...new Set([...places, ...own])].flatMap((place) => {
    const at = bytes.indexOf(place);
    if (at < 0) return [];
    const end = bytes.indexOf(0, at);
    return [bytes.toString('latin1', at, Math.min(end, at + 100))];
  });
}

/** '0.3.21', as OpenBLAS says of itself; undefined where it is not inside. */
export function openblasVersion(file) {
  return /OpenBLAS (\d+\.\d+\.\d+)/.exec(fs.readFileSync(file, 'latin1'))?.[1];
}

/** '12.2.0' of the compiler, whose C++ library is inside. */
export function gccVersion(file) {
  return /GCC: \([^)]*\) (\d+\.\d+\.\d+)/.exec(fs.readFileSync(file, 'latin1'))?.[1];
}

/** Whether the symbols for debuggers are gone, which would triple its size. */
export function isStripped(file) {
  return !/\s\.symtab\s/.test(read('readelf', ['--sections', '--wide', file]));
}

/** Sentences about what is wrong with a prebuilt addon; none if it loads wherever Node 20 does. */
export function problemsOf(file, root) {
  const foreign = neededLibraries(file).filter((name) => !everywhere.test(name));
  const glibc = neededGlibc(file);
  const paths = buildPaths(file, root);
  return [
    foreign.length > 0 && `needs ${foreign.join(', ')}, which users' machines may lack`,
    compareVersions(glibc, glibcLimit) > 0 &&
      `needs glibc ${glibc}, the limit is ${glibcLimit} (native/core/glibc_floor.c, CMakeLists.txt)`,
    paths.length > 0 && `names folders of the machine that built it: ${paths.join(', ')}`,
    !isStripped(file) && 'is not stripped',
    openblasVersion(file) === undefined && 'holds no OpenBLAS',
  ].filter(Boolean);
}
