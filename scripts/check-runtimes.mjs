// Installs the packed tarball in an empty folder and runs programs there on every runtime that we
// name, each from the npm registry:
//
//     node scripts/check-runtimes.mjs                  all
//     node scripts/check-runtimes.mjs node@22 bun      some
//     EIGENSCAPE_RUNTIMES=DIR                          where the runtimes are kept between runs
//
// Run `npm run prebuild` first. The programs: the README's first, and those in scripts/runtimes/.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inRoot, root } from './setup/paths.mjs';

const nodes = ['node@20', 'node@22', 'node@24', 'node@26'];
const rights = ['--allow-ffi', '--allow-read', '--allow-write', '--allow-env', '--allow-sys'];
const known = [...nodes, 'bun', 'deno'];

/** What each program prints when it is right; nothing may stand on standard error. */
const programs = [
  { file: 'readme.mjs', says: /^910 eigenvalues, from -?[\d.e-]+ to [\d.]+\n$/ },
  { file: 'required.cjs', says: /^ok \d+\n$/ },
  { file: 'files.mjs', says: /^ok\n$/ },
  { file: 'workers.mjs', says: /^ok \d+\n$/ },
  { file: 'workers.mjs', args: ['alone'], says: /^ok \d+\n$/ },
];

/** Milliseconds a program may take: far more than it needs, so that a hang shows. */
const patience = 240e3;

const npm = (args, cwd) => execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: 'pipe' });

function installPackage(folder) {
  const [{ filename }] = JSON.parse(npm(['pack', '--json', '--pack-destination', folder], root));
  const user = path.join(folder, 'user');
  fs.mkdirSync(user);
  fs.writeFileSync(path.join(user, 'package.json'), '{ "type": "module", "private": true }');
  npm(['install', path.join(folder, filename), '--no-audit', '--no-fund'], user);
  fs.cpSync(inRoot('scripts', 'runtimes'), user, { recursive: true });
  const readme = path.join(user, 'node_modules', 'eigenscape', 'README.md');
  const [, code] = /^```js\n([\s\S]*?)^```/m.exec(fs.readFileSync(readme, 'utf8'));
  fs.writeFileSync(path.join(user, 'readme.mjs'), code);
  return user;
}

/** The command that runs a file, and the version it states. */
function installRuntime(name, folder) {
  const place = path.join(folder, name.replace('@', '-'));
  const [program] = name.split('@');
  const command = path.join(place, 'node_modules', '.bin', program);
  if (!fs.existsSync(command)) {
    fs.mkdirSync(place, { recursive: true });
    fs.writeFileSync(path.join(place, 'package.json'), '{ "private": true }');
    const scripts = ['--no-audit', '--no-fund', '--ignore-scripts=false'];
    npm(['install', name, ...scripts], place);
  }
  const version = execFileSync(command, ['--version'], { encoding: 'utf8' }).split('\n')[0].trim();
  const before = program === 'deno' ? ['run', '--node-modules-dir=manual', ...rights] : [];
  return { command, before, version };
}

function check({ command, before }, { file, args = [], says }, user) {
  const started = performance.now();
  const { status, signal, stdout, stderr } = spawnSync(command, [...before, file, ...args], {
    cwd: user,
    encoding: 'utf8',
    timeout: patience,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const right = status === 0 && says.test(stdout) && stderr === '';
  const name = [file, ...args].join(' ');
  console.log(`  ${right ? 'ok  ' : 'FAIL'} ${name.padEnd(20)} ${seconds} s`);
  if (!right) console.log(`${signal ?? `status ${status}`}\n${(stdout + stderr).slice(-2000)}`);
  return right;
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !/^(node@\d[\d.]*|bun|deno)(@.+)?$/.test(name));
if (unknown.length > 0) {
  console.error(`${unknown.join(', ')}: expected any of ${known.join(', ')}`);
  process.exit(2);
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'eigenscape-runtimes-'));
const kept = process.env.EIGENSCAPE_RUNTIMES;
let failures = 0;
try {
  const user = installPackage(folder);
  for (const name of asked.length > 0 ? asked : known) {
    const runtime = installRuntime(name, kept ?? folder);
    console.log(`${name} (${runtime.version})`);
    failures += programs.filter((program) => !check(runtime, program, user)).length;
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
console.log(failures === 0 ? 'All runtimes are served.' : `${failures} programs failed.`);
process.exitCode = failures === 0 ? 0 : 1;
