// `eigenscape build`: the addon from the package's own sources, for machines that no prebuild fits.

import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, copyFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism, freemem } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Command } from 'commander';

import { EigenscapeError } from '../errors.js';
import { type CommandIo, writeLines } from './command-io.js';
import { examples } from './examples.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface BuildOptions {
  readonly define: readonly string[];
  readonly clean?: boolean;
}

export function addBuildCommand(program: Command, io: CommandIo): void {
  program
    .command('build')
    .summary('compile the addon here, where no prebuilt one fits')
    .description(
      'Compiles the native addon from the sources in the package, into the package: with CMake ≥ 3.20, a C++20\n' +
        'compiler and OpenBLAS with LAPACK (on macOS: Accelerate). Downloads nothing. Takes a few minutes.',
    )
    .option(
      '-D, --define <NAME=VALUE>',
      'a setting of CMake, again for each',
      (setting: string, before: readonly string[]) => [...before, setting],
      [],
    )
    .option('--clean', 'forget an earlier build')
    .addHelpText(
      'after',
      examples([
        ['once, where no prebuilt addon fits', 'build'],
        [
          'with a BLAS of your own',
          'build --clean -D OPENBLAS_SHARED=/opt/openblas/lib/libopenblas.so',
        ],
      ]),
    )
    .action((options: BuildOptions) => build(options, io));
}

async function build({ define, clean = false }: BuildOptions, io: CommandIo): Promise<void> {
  requireWritable();
  requireCmake();
  const folder = join(root, '.cmake', 'build');
  if (clean) rmSync(folder, { recursive: true, force: true });
  const output = join(folder, 'Release');
  const settings = {
    CMAKE_BUILD_TYPE: 'Release',
    CMAKE_LIBRARY_OUTPUT_DIRECTORY: output,
    CMAKE_LIBRARY_OUTPUT_DIRECTORY_RELEASE: output,
  };
  const given = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`);
  const defined = define.map((setting) => `-D${setting}`);
  writeLines(io.stderr, [`eigenscape: compiling for ${process.platform}-${process.arch}`]);
  await run(['-S', root, '-B', folder, ...given, ...defined], io);
  await run(['--build', folder, '--config', 'Release', '--parallel', String(jobs())], io);
  const target = join(root, 'build', 'Release', 'eigenscape.node');
  mkdirSync(join(root, 'build', 'Release'), { recursive: true });
  // A process that has the old file loaded keeps it.
  copyFileSync(join(output, 'eigenscape.node'), `${target}.new`);
  renameSync(`${target}.new`, target);
  requireLoadable();
  writeLines(io.stdout, [`built: ${relative(process.cwd(), target)}`]);
}

/** A file of C++ takes about half a gigabyte while it is compiled. */
function jobs(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(freemem() / 2 ** 29)));
}

function refusal(message: string, details: { readonly reason: string }): EigenscapeError {
  return new EigenscapeError('ERR_ADDON', message, { details });
}

function requireWritable(): void {
  try {
    accessSync(root, constants.W_OK);
  } catch {
    throw refusal(
      `the package's folder ${root} cannot be written; install eigenscape in a folder of yours, or run this as its owner`,
      { reason: 'EACCES' },
    );
  }
}

const PARTS =
  'Debian, Ubuntu: apt-get install g++ make cmake libopenblas-pthread-dev; Fedora: dnf install gcc-c++ make cmake openblas-devel; ' +
  'Alpine: apk add g++ make cmake openblas-dev; Arch: pacman -S gcc make cmake openblas; macOS: xcode-select --install, brew install cmake';

function missing(part: string): EigenscapeError {
  return refusal(`missing: ${part}; install it and run \`eigenscape build\` again (${PARTS})`, {
    reason: part,
  });
}

function requireCmake(): void {
  const found = spawnSync('cmake', ['--version'], { encoding: 'utf8' });
  const version = /version (\d+)\.(\d+)/.exec(found.status === 0 ? found.stdout : '');
  const [major = 0, minor = 0] = version?.slice(1).map(Number) ?? [];
  if (major > 3 || (major === 3 && minor >= 20)) return;
  throw missing(`CMake ≥ 3.20${version === null ? '' : ` (here is ${major}.${minor})`}`);
}

/** What CMake says where a part is missing, and the part. */
const COMPLAINTS: readonly (readonly [RegExp, string])[] = [
  [/No CMAKE_C(XX)?_COMPILER could be found/, 'a C++20 compiler (GCC ≥ 11 or clang ≥ 14)'],
  [/CMAKE_MAKE_PROGRAM is not set|unable to find a build program/, 'make or ninja'],
  [/No C\+\+20 compiler/, 'a C++20 compiler (GCC ≥ 11 or clang ≥ 14; CXX names another)'],
  [/No OpenBLAS with LAPACK/, 'OpenBLAS with LAPACK, to link with'],
];

/** Runs CMake, its output on standard error.
 *  @throws EigenscapeError ERR_ADDON with the part that is missing, or with CMake's own last words */
async function run(args: readonly string[], io: CommandIo): Promise<void> {
  const child = spawn('cmake', args, { signal: io.signal, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const hear = (text: string): void => {
    said += text;
    io.stderr.write(text);
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (status === 0) return;
  const known = COMPLAINTS.find(([pattern]) => pattern.test(said));
  if (known !== undefined) throw missing(known[1]);
  const reason =
    /CMake Error[^\n]*\n+\s*([^\n]+)/.exec(said)?.[1] ?? /\berror:[^\n]*/.exec(said)?.[0];
  throw refusal(
    `cmake ended with status ${String(status)}: ${reason ?? 'see what it said above'}; \`eigenscape build --clean\` starts anew`,
    { reason: reason ?? String(status) },
  );
}

/** In a process of its own: this one may have another build loaded. */
function requireLoadable(): void {
  const index = new URL('../index.js', import.meta.url).href;
  const script = `const { machineInfo } = await import(${JSON.stringify(index)}); machineInfo();`;
  const args = ['--input-type=module', '-e', script];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status === 0) return;
  const reason = /ERR_ADDON[^\n]*|Error:[^\n]*/.exec(stderr)?.[0] ?? stderr.slice(-300);
  throw refusal(`it was built, but cannot be loaded: ${reason}`, { reason });
}
