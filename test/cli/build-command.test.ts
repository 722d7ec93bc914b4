// `eigenscape build` where a part is missing: one message, and nothing compiled.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { run } from './memory-io.js';

describe('eigenscape build', () => {
  const before = process.env.PATH;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'eigenscape-build-'));
    process.env.PATH = folder;
  });
  afterEach(() => {
    process.env.PATH = before;
    rmSync(folder, { recursive: true });
  });

  const saidBy = async (cmake?: string): Promise<string> => {
    if (cmake !== undefined) {
      writeFileSync(path.join(folder, 'cmake'), `#!/bin/sh\n${cmake}\n`, { mode: 0o755 });
    }
    const { status, stderr, stdout } = await run(['build']);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    return stderr.trimEnd().split('\n').at(-1) ?? '';
  };
  /** A CMake of that version which fails with these words. */
  const failing = (version: string, words: string): string =>
    `if [ "$1" = --version ]; then echo "cmake version ${version}"; exit 0; fi; echo "${words}" >&2; exit 1`;

  it('names CMake where there is none, or one too old', async () => {
    expect(await saidBy()).toMatch(/^eigenscape: missing: CMake ≥ 3\.20; install it .*apt-get/);
    const old = await saidBy(failing('3.16.3', ''));
    expect(old).toContain('missing: CMake ≥ 3.20 (here is 3.16)');
  });

  it.each([
    ['No CMAKE_CXX_COMPILER could be found.', 'a C++20 compiler (GCC ≥ 11 or clang ≥ 14)'],
    ['No OpenBLAS with LAPACK was found.', 'OpenBLAS with LAPACK, to link with'],
    ['CMake was unable to find a build program', 'make or ninja'],
  ])('says what CMake misses: %s', async (words, part) => {
    expect(await saidBy(failing('3.25.1', words))).toContain(`eigenscape: missing: ${part}`);
  });

  it('hands on what else CMake says', async () => {
    const said = await saidBy(
      failing('3.25.1', 'CMake Error at x:1 (message):\n  The moon is full'),
    );
    expect(said).toContain('The moon is full');
  });
});
