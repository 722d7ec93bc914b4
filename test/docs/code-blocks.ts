// The code blocks of a page, run in one folder and in the order of the page, as a reader would: JavaScript and TypeScript with
// `eigenscape` installed, shell with its command, Python where PyTorch is.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

export const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Block {
  readonly language: string;
  readonly code: string;
}

/** Formulas and output: shown, not run. */
const shown = ['text'];

/** What is to be run of a page. */
export function blocksOf(page: string): readonly Block[] {
  const text = readFileSync(path.join(root, page), 'utf8');
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .map(([, language = '', code = '']): Block => ({ language, code }))
    .filter(({ language }) => !shown.includes(language));
}

/** A Python that has PyTorch with its exporter, if there is one: EIGENSCAPE_PYTHON, else python3. */
export const python = [process.env.EIGENSCAPE_PYTHON, 'python3'].find(
  (name) =>
    name !== undefined &&
    spawnSync(name, ['-c', 'import torch, onnx, onnxscript'], { stdio: 'ignore' }).status === 0,
);

/** Whether a block can run here: Python wants its packages. */
export function canRun({ language, code }: Block): boolean {
  if (language !== 'python') return true;
  const wanted = code.includes('safetensors') ? 'import safetensors' : 'pass';
  return (
    python !== undefined && spawnSync(python, ['-c', wanted], { stdio: 'ignore' }).status === 0
  );
}

/** A folder in which `eigenscape` is installed. */
export function readersFolder(): string {
  if (!existsSync(path.join(root, 'dist', 'index.js'))) {
    throw new Error('dist/ is not built; npm test builds it first');
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'eigenscape-docs-'));
  mkdirSync(path.join(folder, 'node_modules', '.bin'), { recursive: true });
  symlinkSync(root, path.join(folder, 'node_modules', 'eigenscape'));
  symlinkSync(
    path.join(root, 'dist/cli/main.js'),
    path.join(folder, 'node_modules/.bin/eigenscape'),
  );
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
  return folder;
}

const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  readonly name: string;
  readonly scripts: Readonly<Record<string, string>>;
};

/** One line of a shell block. Scripts of the package are the suite's own doors: that they exist and lead through the set-up is
 *  checked here, what they do elsewhere; so is that an installation names this package, which check-package.mjs installs. */
function runShellLine(
  line: string,
  run: (file: string, args: readonly string[]) => void,
  folder: string,
): void {
  const script = /^npm (?:run )?(\w+)$/.exec(line)?.[1];
  if (script !== undefined) {
    if ((manifest.scripts[script] ?? '').startsWith('node scripts/setup.cjs')) return;
    throw new Error(`${line}: no script of package.json that leads through the set-up`);
  }
  if (line === `npm install ${manifest.name}`) return;
  const [file = '', name = '', ...args] = line.split(/\s+/);
  if (file !== 'npx') throw new Error(`${line}: expected npx or a script of the package`);
  run(path.join(folder, 'node_modules/.bin', name), args);
}

/** Runs a block in `folder`.
 *  @throws Error with what the program wrote */
export function runBlock({ language, code }: Block, folder: string): void {
  const run = (file: string, args: readonly string[]): void => {
    execFileSync(file, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  };
  const write = (name: string, text: string): string => {
    writeFileSync(path.join(folder, name), text);
    return name;
  };
  switch (language) {
    case 'js':
      run(process.execPath, [write('block.mjs', code)]);
      return;
    case 'ts': {
      const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
      const { outputText } = ts.transpileModule(code, { compilerOptions });
      run(process.execPath, [write('block.mjs', outputText)]);
      return;
    }
    case 'python':
      run(python ?? 'python3', [write('block.py', code)]);
      return;
    case 'sh':
      for (const line of code.replaceAll(/\\\n\s*/g, ' ').split('\n')) {
        const command = line.replace(/\s+#.*$/, '').trim();
        if (command !== '' && !command.startsWith('#')) runShellLine(command, run, folder);
      }
      return;
    default:
      throw new Error(
        `a block in '${language}', which is not run; expected js, ts, sh, python or text`,
      );
  }
}

/** What TypeScript says of `ts` blocks, at its strictest. */
export function typeErrors(blocks: readonly string[], folder: string): readonly string[] {
  const files = blocks.map((code, index) => {
    const file = path.join(folder, `block${index}.mts`);
    writeFileSync(file, code);
    return file;
  });
  const program = ts.createProgram(files, {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    types: ['node'],
    typeRoots: [path.join(root, 'node_modules/@types')],
    skipLibCheck: true,
  });
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ messageText, file }) =>
        `${path.basename(file?.fileName ?? '')}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );
}
