// Checks the package as users get it: what is in the tarball, what the prebuilt addon needs, and
// whether it installs from a registry without a compiler. Run `npm run prebuild` first.
import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { foreignLibraries } from './needed-libraries.mjs';
import { inRoot, root } from './setup/paths.mjs';
import { serveTarball } from './stub-registry.mjs';

const sizeLimit = 10e6;

/** What may be in the tarball; the first pattern that fits decides. */
const contents = [
  { pattern: /^(package\.json|CMakeLists\.txt)$/, belongs: true },
  { pattern: /^(README|CHANGELOG|THIRD-PARTY-NOTICES)\.md$|^LICENSE$/, belongs: true },
  { pattern: /\.map$|\.tsbuildinfo$|\.log$|\.test\./, belongs: false },
  { pattern: /^dist\/.*(?<!\.d)\.ts$/, belongs: false },
  { pattern: /^dist\//, belongs: true },
  { pattern: /^bench\/([\w-]+\/)?[\w-]+\.(mjs|py|json)$/, belongs: true },
  { pattern: /^native\/[\w-]+\/[\w-]+\.(cpp|hpp|c|py)$/, belongs: true },
  { pattern: /^prebuilds\/[\w-]+\/eigenscape\.(glibc|musl)\.node$/, belongs: true },
];

const required = [
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'THIRD-PARTY-NOTICES.md',
  'CMakeLists.txt',
  'dist/index.js',
  'dist/index.d.ts',
  'dist/cli/main.js',
  'bench/run.mjs',
  `prebuilds/${process.platform}-${process.arch}/`,
];

const problems = [];
const expect = (holds, problem) => {
  if (!holds) problems.push(problem);
};

function npm(args, options = {}) {
  const script = process.env.npm_execpath;
  const [command, ...first] = script ? [process.execPath, script] : ['npm'];
  const env = { ...process.env, npm_config_ignore_scripts: 'false', ...options.env };
  const settings = { cwd: root, maxBuffer: 2 ** 28, ...options, env };
  // Not spawnSync: the stub registry answers from this process.
  return new Promise((resolve) => {
    execFile(command, [...first, ...args], settings, (error, stdout, stderr) =>
      resolve({ failed: error !== null, stdout, stderr }),
    );
  });
}

function checkContents({ files, size }) {
  const names = files.map((file) => file.path);
  expect(!names.some((name) => name.endsWith('.gyp')), 'a *.gyp is in it: npm would run node-gyp');
  for (const name of required) {
    expect(
      names.some((other) => other === name || (name.endsWith('/') && other.startsWith(name))),
      `${name} is not in it`,
    );
  }
  for (const name of names) {
    const rule = contents.find(({ pattern }) => pattern.test(name));
    expect(rule?.belongs, `${name} does not belong in it`);
  }
  expect(size < sizeLimit, `it is ${size / 1e6} MB, the limit is ${sizeLimit / 1e6} MB`);
}

function checkAddons(files) {
  for (const { path: name } of files.filter((file) => file.path.endsWith('.node'))) {
    if (process.platform !== 'linux') continue;
    const foreign = foreignLibraries(inRoot(name));
    expect(foreign.length === 0, `${name} needs ${foreign.join(', ')}`);
  }
}

/** Installs it from a registry, as a user would, and loads it there. */
async function checkInstallation(tarball, folder) {
  const upstream = (await npm(['config', 'get', 'registry'])).stdout.trim();
  const registry = await serveTarball(tarball, upstream);
  const user = path.join(folder, 'user');
  fs.mkdirSync(user);
  fs.writeFileSync(path.join(user, 'package.json'), '{ "type": "module", "private": true }');
  const args = ['install', 'eigenscape', '--registry', registry.url, '--foreground-scripts'];
  const cache = ['--cache', path.join(folder, 'cache'), '--no-audit', '--no-fund'];
  const { failed, stdout, stderr } = await npm([...args, ...cache], { cwd: user });
  registry.close();
  if (failed) return problems.push(`npm install eigenscape failed:\n${stderr.slice(-2000)}`);
  expect(!/node-gyp rebuild/.test(stdout + stderr), 'npm ran node-gyp to install it');
  const installed = path.join(user, 'node_modules', 'eigenscape');
  expect(!fs.existsSync(path.join(installed, 'build')), 'installing it built something');

  const bin = path.join(user, 'node_modules', '.bin', 'eigenscape');
  for (const [command, args] of [
    [process.execPath, ['--input-type=module', '-e', "await import('eigenscape')"]],
    [bin, ['info']],
  ]) {
    const { status, stderr, error } = spawnSync(command, args, { cwd: user, encoding: 'utf8' });
    const reason = error?.message ?? stderr.slice(-1000);
    expect(status === 0, `once installed, ${[command, ...args].join(' ')} fails: ${reason}`);
  }
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'eigenscape-package-'));
try {
  const packed = await npm(['pack', '--json', '--pack-destination', folder]);
  if (packed.failed) throw new Error(`npm pack failed:\n${packed.stderr}`);
  const [tarball] = JSON.parse(packed.stdout);
  console.log(`${tarball.filename}: ${tarball.files.length} files, ${tarball.size / 1e6} MB`);
  checkContents(tarball);
  checkAddons(tarball.files);
  await checkInstallation(path.join(folder, tarball.filename), folder);
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
for (const problem of problems) console.error(`The package: ${problem}`);
console.log(problems.length === 0 ? 'The package is fit to publish.' : 'It is not fit to publish.');
process.exitCode = problems.length === 0 ? 0 : 1;
