// Every code block of the README runs, in one folder and in the order of the page, as a reader
// would: JavaScript with `eigenscape` installed, shell with its command, Python where PyTorch is.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');

interface Block {
  readonly language: string;
  readonly code: string;
}

const blocks = [...readme.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(
  ([, language = '', code = '']): Block => ({ language, code }),
);

/** A Python that has PyTorch with its exporter, if there is one: EIGENSCAPE_PYTHON, else python3. */
const python = [process.env.EIGENSCAPE_PYTHON, 'python3'].find(
  (name) =>
    name !== undefined &&
    spawnSync(name, ['-c', 'import torch, onnx, onnxscript'], { stdio: 'ignore' }).status === 0,
);

const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};
const folder = mkdtempSync(path.join(tmpdir(), 'eigenscape-readme-'));

beforeAll(() => {
  if (!existsSync(path.join(root, 'dist', 'index.js'))) {
    throw new Error('dist/ is not built; npm test builds it first');
  }
  mkdirSync(path.join(folder, 'node_modules', '.bin'), { recursive: true });
  symlinkSync(root, path.join(folder, 'node_modules', 'eigenscape'));
  symlinkSync(
    path.join(root, 'dist/cli/main.js'),
    path.join(folder, 'node_modules/.bin/eigenscape'),
  );
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function run(file: string, args: readonly string[]): string {
  return execFileSync(file, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** One line of a shell block. `npm start` and `npm test` are the suite's own doors: that they exist and
 *  lead through the set-up is checked here, what they do elsewhere. */
function runShellLine(line: string): void {
  const script = /^npm (?:run )?(\w+)$/.exec(line)?.[1];
  if (script !== undefined) {
    expect(manifest.scripts[script]).toMatch(/^node scripts\/setup\.cjs/);
    return;
  }
  const [file = '', ...args] = line.split(/\s+/);
  expect(file).toBe('npx');
  run(path.join(folder, 'node_modules/.bin', args[0] ?? ''), args.slice(1));
}

const runners: Readonly<Record<string, (code: string) => void>> = {
  js: (code) => {
    writeFileSync(path.join(folder, 'block.mjs'), code);
    run(process.execPath, ['block.mjs']);
  },
  sh: (code) => {
    const joined = code.replaceAll(/\\\n\s*/g, ' ');
    for (const line of joined.split('\n')) {
      const command = line.replace(/\s+#.*$/, '').trim();
      if (command !== '' && !command.startsWith('#')) runShellLine(command);
    }
  },
  python: (code) => {
    writeFileSync(path.join(folder, 'block.py'), code);
    run(python ?? 'python3', ['block.py']);
  },
};

describe('README', () => {
  it('has blocks in JavaScript, shell and Python, and in no language that is not run', () => {
    const languages = new Set(blocks.map(({ language }) => language));
    expect([...languages].sort()).toEqual(Object.keys(runners).sort());
  });

  // Without PyTorch, what the Python block makes is not there for the blocks after it.
  const before = blocks.findIndex(({ language }) => language === 'python');
  blocks.forEach(({ language, code }, index) => {
    const needsPython = index >= before && (language === 'python' || code.includes('model.onnx'));
    it.skipIf(needsPython && python === undefined)(
      `block ${String(index + 1)} (${language}) runs${needsPython ? ', where PyTorch is installed' : ''}`,
      () => {
        runners[language]?.(code);
      },
      120_000,
    );
  });
});
