// The set-up as its users meet it: a process that prints and exits.
import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Linter } from 'eslint';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { read, root } from './source-files.js';

const entry = path.join(root, 'scripts', 'setup.cjs');
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'eigenscape-setup-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function setUp(options: { args?: string[]; node?: string[]; env?: NodeJS.ProcessEnv } = {}) {
  const args = [...(options.node ?? []), entry, ...(options.args ?? [])];
  const env = { ...process.env, ...options.env };
  return spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' });
}

const imported = (code: string): string[] => [
  '--import',
  `data:text/javascript,${encodeURIComponent(code)}`,
];

describe('on a Node that is too old', () => {
  const pretend = (version: string) =>
    setUp({ node: imported(`Object.defineProperty(process, 'version', { value: '${version}' })`) });

  it.each(['v8.17.0', 'v10.24.1', 'v18.20.8', 'v20.18.3'])(
    '%s is told which one is needed',
    (old) => {
      const { status, stderr } = pretend(old);
      expect(stderr).toContain(`eigenscape needs Node ≥ 20.19, this is ${old}.`);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(status).toBe(1);
    },
  );

  it('the entry parses as ES5', () => {
    const problems = new Linter().verify(read('scripts/setup.cjs'), {
      languageOptions: { ecmaVersion: 5, sourceType: 'script' },
    });
    expect(problems).toEqual([]);
  });
});

describe('on a machine that lacks everything', () => {
  // A package manager is all that its PATH holds; other flags mean that the addon must be built.
  const bare = (manager: string) => {
    const file = path.join(folder, manager);
    writeFileSync(file, '#!/bin/sh\nexit 0\n');
    chmodSync(file, 0o755);
    const env = { PATH: folder, CXX: '', CC: '', CXXFLAGS: '-DEIGENSCAPE_BARE' };
    return setUp({ node: imported('process.getuid = () => 1000'), env });
  };

  it.runIf(process.platform === 'linux').each([
    [
      'apt-get',
      'sudo apt-get update && sudo apt-get -y install --no-install-recommends g++ make cmake libopenblas-pthread-dev',
    ],
    ['dnf', 'sudo dnf -y install gcc-c++ libstdc++-static make cmake openblas-devel'],
    ['apk', 'sudo apk add --no-cache g++ make cmake openblas-dev'],
    ['pacman', 'sudo pacman -Sy && sudo pacman -S --noconfirm --needed gcc make cmake openblas'],
  ])('a user without rights is told the one command of %s', (manager, command) => {
    const { status, stderr } = bare(manager);
    expect(stderr).toContain(`\n  ${command}\n`);
    expect(status).toBe(1);
  });

  it.runIf(process.platform === 'linux')('without a package manager it says what is needed', () => {
    const { status, stderr } = bare('unknown-manager');
    expect(stderr).toContain(
      'a C++20 compiler (g++ ≥ 11 or clang ≥ 14), make or ninja, CMake ≥ 3.20',
    );
    expect(status).toBe(1);
  });
});

describe('a set-up that was done', () => {
  it('does no step the second time, from any folder', { timeout: 600_000 }, () => {
    // Sources may be saved while it runs, by an editor or a colleague: then it is done once more.
    const outcomes = [setUp(), setUp()];
    while (outcomes.at(-1)?.stderr !== 'setup: nothing to do\n' && outcomes.length < 5) {
      outcomes.push(setUp());
    }
    expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map(() => 0));
    expect(outcomes.at(-1)?.stderr).toBe('setup: nothing to do\n');
  });

  it('hands arguments, output and exit code of the command through', { timeout: 600_000 }, () => {
    const program = 'console.log(process.argv.slice(1).join()); process.exit(3)';
    const { status, stdout } = setUp({ args: ['--then', 'node', '-e', program, 'a b', 'c'] });
    expect(stdout).toBe('a b,c\n');
    expect(status).toBe(3);
  });
});

describe('two set-ups at once', () => {
  const lockModule = pathToFileURL(path.join(root, 'scripts', 'setup', 'lock.mjs')).href;
  const program = `
    import fs from 'node:fs';
    import { withLock } from '${lockModule}';
    const [lock, log] = process.argv.slice(1);
    await withLock(() => {}, async () => {
      fs.appendFileSync(log, 'in ');
      await new Promise((resolve) => setTimeout(resolve, 50));
      fs.appendFileSync(log, 'out ');
    }, lock);`;

  const race = async (contenders: number): Promise<string> => {
    const log = path.join(folder, 'log');
    appendFileSync(log, '');
    const args = ['--input-type=module', '-e', program, path.join(folder, 'lock'), log];
    const ends = Array.from({ length: contenders }, async () => {
      const child = spawn(process.execPath, args, { stdio: 'inherit' });
      return new Promise((resolve) => child.on('exit', resolve));
    });
    expect(await Promise.all(ends)).toEqual(Array(contenders).fill(0));
    return readFileSync(log, 'utf8');
  };

  it('take turns', async () => {
    expect(await race(4)).toBe('in out '.repeat(4));
  });

  it('do not wait for one that died', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const content = JSON.stringify({ host: hostname(), pid, since: 0 });
    writeFileSync(path.join(folder, 'lock'), content);
    expect(await race(4)).toBe('in out '.repeat(4));
  });
});
