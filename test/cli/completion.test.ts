// Completion scripts, tried in the shells that are installed.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { run } from './memory-io.js';

const folder = mkdtempSync(path.join(tmpdir(), 'eigenscape-completion-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

async function scriptFor(shell: string): Promise<string> {
  const { status, stdout, stderr } = await run(['completion', shell]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const file = path.join(folder, shell);
  writeFileSync(file, stdout);
  return file;
}

describe('completion', () => {
  it.runIf(has('bash'))('in bash knows commands, options and their words', async () => {
    const file = await scriptFor('bash');
    const typed = (...words: string[]): string => {
      const script = `source ${file}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _eigenscape; echo "\${COMPREPLY[*]}"`;
      const args = ['--norc', '-c', script, 'bash', 'eigenscape', ...words];
      return spawnSync('bash', args, { encoding: 'utf8' }).stdout.trim();
    };
    expect(typed('sp')).toBe('spectrum');
    expect(typed('spectrum', '--lo')).toBe('--loss');
    expect(typed('spectrum', '--loss', 'mean')).toBe('mean-squared-error');
    expect(typed('spectrum', '--terms', '')).toContain('gauss-newton');
    expect(typed('reproduce', 'f1')).toBe('f1');
    expect(typed('reproduce', '--scale', '')).toBe('demo paper');
    expect(typed('spectrum', '--onnx', `${folder}/ba`)).toBe(file);
  });

  it.runIf(has('zsh'))('in zsh is accepted', async () => {
    const file = await scriptFor('zsh');
    const script = `autoload -U compinit; compinit -D -u; source ${file}; echo $_comps[eigenscape]`;
    const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', script], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: '_eigenscape\n', stderr: '' });
  });

  it.runIf(has('fish'))('in fish knows commands, options and their words', async () => {
    const file = await scriptFor('fish');
    const typed = (line: string): string =>
      spawnSync('fish', ['-N', '-c', `source ${file}; complete -C '${line}'`], {
        encoding: 'utf8',
      }).stdout;
    expect(typed('eigenscape sp')).toMatch(/^spectrum\t/m);
    expect(typed('eigenscape spectrum --lo')).toMatch(/^--loss\b/m);
    expect(typed('eigenscape spectrum --loss ')).toMatch(/^softmax-cross-entropy/m);
  });

  it('refuses another shell', async () => {
    const { status, stderr } = await run(['completion', 'csh']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/csh.*bash, zsh, fish/);
  });
});
