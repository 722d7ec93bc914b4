// The command as a process of its own: signals, pipes, exit statuses. It runs what the set-up compiled.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Outcome } from './memory-io.js';
import { type ModelFiles, modelFiles } from './model-files.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const main = join(root, 'dist', 'cli', 'main.js');

let folder = '';
let model: ModelFiles;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eigenscape-process-'));
  model = await modelFiles(folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

interface ProcessOptions {
  readonly script?: string;
  /** Sent as soon as something is on stdout. */
  readonly signal?: NodeJS.Signals;
  /** Closes stdout after its first bytes, as `| head -c 1` does. */
  readonly closeStdout?: boolean;
}

function start(argv: readonly string[], options: ProcessOptions = {}): Promise<Outcome> {
  const { script = main, signal, closeStdout = false } = options;
  const child = spawn(process.execPath, [script, ...argv], { cwd: folder });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => {
    if (stdout === '' && signal !== undefined) child.kill(signal);
    if (closeStdout) child.stdout.destroy();
    stdout += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, killedBy) => {
      // As a shell reports it.
      resolve({ status: code ?? (killedBy === 'SIGINT' ? 130 : -1), stdout, stderr });
    });
  });
}

const spectrum = (): string[] =>
  ['spectrum', '--onnx', model.onnx, '--inputs', model.inputs, '--targets', model.targets].concat(
    '--loss',
    'softmax-cross-entropy',
  );

describe.skipIf(!existsSync(main))('the command as a process', () => {
  it('computes, with status 0 and the plan alone on stderr', async () => {
    const { status, stdout, stderr } = await start([...spectrum(), '--json', '-']);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^eigenscape: plan: dense, [^\n]+\n$/);
    expect(JSON.parse(stdout)).toHaveProperty('terms.hessian.eigenvalues');
  });

  it('ends with status 2 and one line for a file that is not there', async () => {
    const { status, stderr } = await start([
      'spectrum',
      '--onnx',
      'no.onnx',
      ...spectrum().slice(3),
    ]);
    expect(stderr).toMatch(/^eigenscape: [^\n]*no\.onnx[^\n]*\n$/);
    expect(status).toBe(2);
  });

  it('ends with status 130 and one line on Ctrl-C', async () => {
    // The experiment's title is on stdout before its computing starts.
    const { status, stderr } = await start(['reproduce', 'f1'], { signal: 'SIGINT' });
    expect(stderr).toBe('eigenscape: interrupted\n');
    expect(status).toBe(130);
  });

  it('is quiet when its reader has seen enough', async () => {
    const { status, stderr } = await start(['reproduce', 'f1'], { closeStdout: true });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('says in info that the addon is not there, and why, with status 0', async () => {
    const bare = join(folder, 'bare');
    await mkdir(bare);
    for (const name of ['dist', 'package.json']) {
      await cp(join(root, name), join(bare, name), { recursive: true });
    }
    await symlink(join(root, 'node_modules'), join(bare, 'node_modules'));
    const { stdout, status } = await start(['info'], { script: join(bare, 'dist/cli/main.js') });
    expect(stdout).toMatch(/^addon +not loaded: /m);
    expect(status).toBe(0);
  });
});
