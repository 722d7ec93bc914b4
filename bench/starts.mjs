// Figure S6's starts per second: gradient descent from points of a sphere until the gradient norm is 1e-4, then the exact
// spectrum of the Hessian, against PyTorch's loop and its vmapped form:
//   node bench/starts.mjs [--starts 20] [--repeats 3] [--ours]
// EIGENSCAPE_BENCH_PYTHON names a Python that has torch; --ours leaves PyTorch out. All take the same steps from the same
// points, and each says what it found: the median of the largest eigenvalues.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createNetwork } from '../dist/index.js';
import { RADIUS, UNITS, STANDARD_DEVIATION, onSphere } from '../dist/experiments/s6-starts.js';
import * as system from '../dist/experiments/two-blobs.js';
import { findContenders } from './contenders.mjs';
import { describeEnvironment } from './environment.mjs';
import { childEnvironment } from './processes.mjs';

const { values: options } = parseArgs({
  options: {
    starts: { type: 'string', default: '20' },
    repeats: { type: 'string', default: '3' },
    ours: { type: 'boolean', default: false },
  },
});
const count = Number(options.starts);

const data = system.blobs(STANDARD_DEVIATION, 1);
const network = createNetwork(system.networkOfWidth(UNITS), { dtype: 'float64' });
const points = Array.from({ length: count }, (_, i) =>
  onSphere(network.parameterCount, { radius: RADIUS, seed: 1 + i }),
);

/** Seconds of the fastest of so many repeats, and what was found. */
async function ours() {
  let seconds = Infinity;
  let ends;
  for (let i = 0; i < Number(options.repeats); i += 1) {
    const begin = performance.now();
    ends = await system.trainAndMeasure(network, data, points, {});
    seconds = Math.min(seconds, (performance.now() - begin) / 1e3);
  }
  const largest = ends.spectra.map((values) => values.at(-1));
  return { seconds, starts: count, median: system.median(largest), unfinished: ends.unfinished };
}

function pytorch({ version, command, absent }) {
  if (absent) throw new Error(absent);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'eigenscape-starts-'));
  try {
    const file = path.join(folder, 'starts.json');
    const problem = {
      inputs: Array.from(data.inputs()),
      targets: Array.from(data.targets()),
      points: points.map((point) => Array.from(point)),
      layout: network.layout.map(({ shape, offset }) => ({ shape, offset })),
      learningRate: system.LEARNING_RATE,
      gradientNorm: system.GRADIENT_NORM,
      steps: system.STEPS,
    };
    fs.writeFileSync(file, JSON.stringify(problem));
    const script = fileURLToPath(new URL('contenders/starts.py', import.meta.url));
    const done = spawnSync(command[0], [script, file], {
      encoding: 'utf8',
      env: childEnvironment(),
      maxBuffer: 2 ** 24,
    });
    if (done.status !== 0) throw new Error(`starts.py ended with ${done.status}: ${done.stderr}`);
    return { version, ways: JSON.parse(done.stdout.trim().split('\n').at(-1)) };
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

const { cpu, cores, kernel, threads, load } = describeEnvironment();
console.log(
  `${cpu}, ${cores} cores, kernel ${kernel}, ${threads} threads, load ${load.toFixed(1)}`,
);
const best = await ours();
const rate = ({ seconds, starts }) => starts / seconds;
const say = (name, way, suffix = '') =>
  console.log(
    `${name.padEnd(44)} ${rate(way).toPrecision(3).padStart(8)} starts/s  ` +
      `median λ₁ ${way.median.toPrecision(6)}, ${way.unfinished} unfinished${suffix}`,
  );
say(`eigenscape, ${count} starts`, best);
if (!options.ours) {
  const { version, ways } = pytorch(findContenders().pytorch);
  for (const [name, way] of Object.entries(ways)) {
    say(`PyTorch ${version}, ${name}`, way, `; ${(rate(best) / rate(way)).toFixed(1)} times`);
  }
}
