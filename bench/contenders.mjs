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

function findPyTorch(environment) {
  const python = environment.EIGENSCAPE_BENCH_PYTHON || 'python3';
  const asked = spawnSync(python, ['-c', 'import torch; print(torch.__version__)'], {
    encoding: 'utf8',
  });
  if (asked.status === 0) {
    return { version: asked.stdout.trim(), command: [python, script('pytorch.py')] };
  }
  const why = asked.error ? `${python} does not run` : `${python} has no torch`;
  return { absent: `${why}; EIGENSCAPE_BENCH_PYTHON names a Python that has` };
}

function findSciPy(environment) {
  const torch = findPyTorch(environment);
  if (torch.absent) return torch;
  const [python] = torch.command;
  const asked = spawnSync(python, ['-c', 'import scipy; print(scipy.__version__)'], {
    encoding: 'utf8',
  });
  if (asked.status !== 0) return { absent: `${python} has no scipy` };
  const version = `${asked.stdout.trim()}, torch ${torch.version}`;
  return { version, command: [python, script('scipy_eigsh.py')] };
}

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
    return { absent: `${name} is not installed (npm install --no-save ${name})` };
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
    'jax-js': {
      label: 'jax-js (WebAssembly)',
      precision: 'float32',
      tolerance: 1e-3,
      ...findPackage('@jax-js/jax', 'jax-js.mjs'),
    },
    'ml-matrix': {
      label: 'ml-matrix (JavaScript)',
      ...findPackage('ml-matrix', 'ml-matrix.mjs'),
    },
  };
}
