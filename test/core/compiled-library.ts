// The library as JavaScript in a folder of its own: worker threads and child processes cannot load
// TypeScript, and dist/ may be older than src/.

import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface CompiledLibrary {
  /** Writes a module that imports the library as 'eigenscape'; returns its path. */
  script(name: string, source: string): string;
  /** Runs a script in a process of its own, under limits if there are any. */
  run(script: string, options?: RunOptions): ProcessResult;
  remove(): void;
}

export interface RunOptions {
  readonly args?: readonly string[];
  readonly addressSpaceKiB?: number;
  /** The largest file that may be written. */
  readonly fileSizeKiB?: number;
  /** Variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface ProcessResult {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function compileLibrary(): CompiledLibrary {
  const folder = mkdtempSync(path.join(tmpdir(), 'eigenscape-compiled-'));
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
  };
  const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' });
  for (const name of sources.filter((file) => file.endsWith('.ts'))) {
    const target = path.join(folder, 'dist', name.replace(/\.ts$/, '.js'));
    const source = readFileSync(path.join(root, 'src', name), 'utf8');
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, ts.transpileModule(source, { compilerOptions }).outputText);
  }
  for (const name of ['node_modules', 'build', 'prebuilds']) {
    symlinkSync(path.join(root, name), path.join(folder, name));
  }
  writeFileSync(
    path.join(folder, 'package.json'),
    '{ "type": "module", "name": "eigenscape", "exports": "./dist/index.js" }',
  );
  return {
    script(name, source) {
      const file = path.join(folder, name);
      writeFileSync(file, source);
      return file;
    },
    run(script, { args = [], addressSpaceKiB, fileSizeKiB, environment } = {}) {
      // ulimit counts files in blocks of 512 bytes.
      const limit = [
        addressSpaceKiB === undefined ? '' : `ulimit -v ${String(addressSpaceKiB)}; `,
        fileSizeKiB === undefined ? '' : `ulimit -f ${String(2 * fileSizeKiB)}; `,
      ].join('');
      const command = [process.execPath, script, ...args];
      const { status, signal, stdout, stderr } = spawnSync(
        '/bin/sh',
        ['-c', `${limit}exec "$@"`, 'sh', ...command],
        { encoding: 'utf8', cwd: folder, env: { ...process.env, ...environment } },
      );
      return { status, signal, stdout, stderr };
    },
    remove() {
      rmSync(folder, { recursive: true });
    },
  };
}
