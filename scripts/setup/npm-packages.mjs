// The packages of package-lock.json, development ones too: the addon, dist/ and the tests need them.
import fs from 'node:fs';
import path from 'node:path';
import { run } from './command.mjs';
import { inRoot } from './paths.mjs';

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

const kinds = ['dependencies', 'devDependencies'];

/** Whether the lock was made for this package.json (else only `npm install` can proceed). */
function lockFits(lock, manifest) {
  return kinds.every((kind) => {
    const wanted = manifest[kind] ?? {};
    const locked = lock.packages[''][kind] ?? {};
    return (
      Object.keys(locked).length === Object.keys(wanted).length &&
      Object.entries(wanted).every(([name, range]) => locked[name] === range)
    );
  });
}

/** Looks at what is installed, not at a stamp: `npm install --omit=dev` leaves no trace in one. */
function allInstalled(lock, manifest) {
  const installed = readJson(inRoot('node_modules', '.package-lock.json'))?.packages;
  if (!installed) return false;
  const isHere = ([name, { version, optional, devOptional, peer }]) =>
    name === '' ||
    optional ||
    ((devOptional || peer) && !installed[name]) ||
    installed[name]?.version === version;
  return (
    Object.entries(lock.packages).every(isHere) &&
    kinds
      .flatMap((kind) => Object.keys(manifest[kind] ?? {}))
      .every((name) => fs.existsSync(inRoot('node_modules', name, 'package.json')))
  );
}

export function npmPackagesMissing() {
  const manifest = readJson(inRoot('package.json'));
  const lock = readJson(inRoot('package-lock.json'));
  return !lock || !lockFits(lock, manifest) || !allInstalled(lock, manifest);
}

/** npm as a script that this very Node can run, or as a command. */
function npmCommand() {
  const beside = path.join(path.dirname(process.execPath), '..', 'lib', 'node_modules', 'npm');
  const script = [process.env.npm_execpath, path.join(beside, 'bin', 'npm-cli.js')].find(
    (file) => file?.endsWith('npm-cli.js') && fs.existsSync(file),
  );
  return script ? [process.execPath, script] : ['npm'];
}

export async function installNpmPackages(say) {
  const manifest = readJson(inRoot('package.json'));
  const lock = readJson(inRoot('package-lock.json'));
  const action = lock && lockFits(lock, manifest) ? 'ci' : 'install';
  say(`installing npm packages (npm ${action})`);
  const [command, ...args] = npmCommand();
  // include=dev outdoes NODE_ENV=production and an `omit` in any npmrc. onnxruntime-node's install
  // script would fetch CUDA libraries; its CPU runtime is in the package.
  await run('npm', command, [...args, action, '--include=dev', '--no-audit', '--no-fund'], {
    env: { ONNXRUNTIME_NODE_INSTALL: 'skip' },
    hint: 'If the registry cannot be reached, set it up in ~/.npmrc and repeat the command.',
  });
}
