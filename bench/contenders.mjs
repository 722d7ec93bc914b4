// Who takes part, and which of them are here.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const script = (name) => fileURLToPath(new URL(`contenders/${name}`, import.meta.url));
const require = createRequire(import.meta.url);

function versionIn(packageJson) {
  return JSON.parse(fs.readFileSync(packageJson, 'utf8')).version;
}

function findOurs() {
  return {
    version: versionIn(fileURLToPath(new URL('../package.json', import.meta.url))),
    command: [process.execPath, script('eigenscape.mjs')],
  };
}

const pythonOf = (environment) => environment.EIGENSCAPE_BENCH_PYTHON || 'python3';

/** What a Python says of a library's version, or why it cannot. */
function askPython(environment, library, args) {
  const python = pythonOf(environment);
  const asked = spawnSync(python, args, { encoding: 'utf8' });
  if (asked.status === 0) return { version: asked.stdout.trim() };
  const why = asked.error ? `${python} does not run` : `${python} has no ${library}`;
  return { absent: `${why}; EIGENSCAPE_BENCH_PYTHON names a Python that has` };
}

const commandOf = (environment, file) => [pythonOf(environment), script(file)];

function findPyTorch(environment) {
  const asked = askPython(environment, 'torch', ['-c', 'import torch; print(torch.__version__)']);
  return asked.absent ? asked : { ...asked, command: commandOf(environment, 'pytorch.py') };
}

function findLapack(environment) {
  const asked = askPython(environment, 'scipy', [script('openblas.py')]);
  return asked.absent ? asked : { ...asked, command: commandOf(environment, 'lapack.py') };
}

function findSciPy(environment) {
  const torch = findPyTorch(environment);
  if (torch.absent) return torch;
  const asked = askPython(environment, 'scipy', ['-c', 'import scipy; print(scipy.__version__)']);
  if (asked.absent) return asked;
  const version = `${asked.version}, torch ${torch.version}`;
  return { version, command: commandOf(environment, 'scipy_eigsh.py') };
}

/** All of them go in one command: npm takes out what an earlier one brought that no dependency list names. */
export const installation =
  'npm install --no-save @jax-js/jax ml-matrix @tensorflow/tfjs @tensorflow/tfjs-backend-wasm';

/** An npm package that is here if it was installed: none of them is a dependency of ours. */
function findPackage(name, file) {
  try {
    // The folder above the entry that holds package.json; `exports` may hide that file itself.
    let folder = path.dirname(require.resolve(name));
    while (!fs.existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder);
    return {
      version: versionIn(path.join(folder, 'package.json')),
      command: [process.execPath, script(file)],
    };
  } catch {
    return { absent: `${name} is not installed (${installation})` };
  }
}

/** @typedef {{ label: string, ours?: boolean, precision?: string, tolerance?: number,
 *    version?: string, command?: string[], absent?: string }} Contender */

/** All contenders by name: with a version and a command, or with the reason why it is absent.
 *  @param {Readonly<Record<string, string | undefined>>} environment
 *  @returns {Record<string, Contender>} */
export function findContenders(environment = process.env) {
  return {
    eigenscape: { label: 'eigenscape', ours: true, ...findOurs() },
    pytorch: { label: 'PyTorch', ...findPyTorch(environment) },
    scipy: { label: "scipy's eigsh on PyTorch's products", ...findSciPy(environment) },
    lapack: { label: 'LAPACK', ...findLapack(environment) },
    'jax-js': {
      label: 'jax-js (WebAssembly)',
      precision: 'float32',
      tolerance: 1e-3,
      ...findPackage('@jax-js/jax', 'jax-js.mjs'),
    },
    'tensorflow-js': {
      label: 'TensorFlow.js (WebAssembly)',
      precision: 'float32',
      tolerance: 1e-3,
      ...findPackage('@tensorflow/tfjs-backend-wasm', 'tensorflow-js.mjs'),
    },
    'ml-matrix': {
      label: 'ml-matrix (JavaScript)',
      ...findPackage('ml-matrix', 'ml-matrix.mjs'),
    },
  };
}
