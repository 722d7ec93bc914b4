// Checks the package as users get it: what is in the tarball, what the prebuilt addon needs, what
// its pages link to, what publint and are-the-types-wrong say of it, and whether it installs from a
// registry without a compiler. Run `npm run prebuild` first.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openblasVersion, problemsOf } from './addon-file.mjs';
import { brokenLinks, problemsOfContents } from './package-contents.mjs';
import { inRoot, root } from './setup/paths.mjs';
import { serveTarball } from './stub-registry.mjs';

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

function checkAddons(folder, files) {
  const addons = files.filter((file) => file.path.endsWith('.node'));
  const { components } = JSON.parse(fs.readFileSync(path.join(folder, 'sbom.cdx.json'), 'utf8'));
  const listed = components.find(({ name }) => name === 'OpenBLAS')?.version;
  for (const { path: name } of addons) {
    if (process.platform !== 'linux') continue;
    for (const problem of problemsOf(path.join(folder, name), root)) {
      expect(false, `${name} ${problem}`);
    }
    const inside = openblasVersion(path.join(folder, name));
    expect(listed === inside, `sbom.cdx.json names OpenBLAS ${listed}, ${name} holds ${inside}`);
  }
}

/** Not among the development dependencies: together they are 60 packages, for two calls. */
const referees = [
  ['publint@0.3.25', 'publint', '--strict'],
  ['@arethetypeswrong/cli@0.18.5', 'attw', '--profile', 'esm-only'],
];

async function askReferees(tarball) {
  for (const [from, command, ...options] of referees) {
    const args = ['exec', '--yes', `--package=${from}`, '--', command, tarball, ...options];
    const { failed, stdout, stderr } = await npm(args, { env: { NO_COLOR: '1' } });
    console.log(`${from}: ${failed ? 'complains' : 'content'}`);
    expect(!failed, `${from} complains:\n${(stdout + stderr).slice(-3000)}`);
  }
}

/** Installs it from a registry, as a user would, and runs the README's first program there. */
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
  const readme = fs.readFileSync(path.join(installed, 'README.md'), 'utf8');
  fs.writeFileSync(path.join(user, 'program.mjs'), /^```js\n([\s\S]*?)^```/m.exec(readme)[1]);
  for (const [command, args, says] of [
    [process.execPath, ['program.mjs'], /^910 eigenvalues, from -?\d/],
    [bin, ['info'], /OpenBLAS/],
  ]) {
    const run = spawnSync(command, args, { cwd: user, encoding: 'utf8' });
    const fits = run.status === 0 && says.test(run.stdout);
    const reason = run.error?.message ?? (run.stderr || run.stdout).slice(-1000);
    expect(fits, `once installed, ${[command, ...args].join(' ')} fails: ${reason}`);
  }
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'eigenscape-package-'));
try {
  const packed = await npm(['pack', '--json', '--pack-destination', folder]);
  if (packed.failed) throw new Error(`npm pack failed:\n${packed.stderr}`);
  const [tarball] = JSON.parse(packed.stdout);
  console.log(`${tarball.filename}: ${tarball.files.length} files, ${tarball.size / 1e6} MB`);
  problems.push(...problemsOfContents(tarball));
  const file = path.join(folder, tarball.filename);
  execFileSync('tar', ['-xzf', file, '-C', folder]);
  const unpacked = path.join(folder, 'package');
  problems.push(...brokenLinks(unpacked));
  if (fs.existsSync(inRoot('sbom.cdx.json'))) checkAddons(unpacked, tarball.files);
  await askReferees(file);
  await checkInstallation(file, folder);
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
for (const problem of problems) console.error(`The package: ${problem}`);
console.log(problems.length === 0 ? 'The package is fit to publish.' : 'It is not fit to publish.');
process.exitCode = problems.length === 0 ? 0 : 1;
