// EIGENSCAPE_THREADS: the number of threads where no call says otherwise, refused when it is none.

import { availableParallelism } from 'node:os';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { compileLibrary } from './compiled-library.js';
import type { CompiledLibrary } from './compiled-library.js';

let library: CompiledLibrary;
let script: string;
beforeAll(() => {
  library = compileLibrary();
  script = library.script(
    'threads.mjs',
    `import { machineInfo } from 'eigenscape';
    try {
      console.log(machineInfo().threads);
    } catch (error) {
      console.log(error.code, error.message, error.details.option, error.details.value);
    }`,
  );
});
afterAll(() => {
  library.remove();
});

const saidUnder = (setting: string): string => {
  const { status, stdout, stderr } = library.run(script, {
    environment: { EIGENSCAPE_THREADS: setting },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim();
};

describe('EIGENSCAPE_THREADS', () => {
  it('sets the threads of a call, also above the number of cores', () => {
    expect(saidUnder('1')).toBe('1');
    expect(saidUnder('3')).toBe('3');
    expect(saidUnder('48')).toBe('48');
  });

  it('means the cores that the process may use when it is empty', () => {
    const threads = Number(saidUnder(''));
    expect(threads).toBeGreaterThanOrEqual(1);
    expect(threads).toBeLessThanOrEqual(availableParallelism());
  });

  it.each(['0', '-1', '1.5', 'abc', '2x', ' 2', '49', '1e1', '0x2'])(
    'is refused as %j',
    (setting) => {
      const said = saidUnder(setting);
      expect(said).toMatch(/^ERR_SPEC the environment variable EIGENSCAPE_THREADS is '/);
      expect(said).toContain('expected a whole number from 1 to 48');
      expect(said).toContain(`EIGENSCAPE_THREADS ${setting}`);
    },
  );
});
