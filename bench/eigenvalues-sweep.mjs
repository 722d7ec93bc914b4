// All eigenvalues at many orders, ours against the best of LAPACK: node bench/eigenvalues-sweep.mjs --help
//
// Both processes live through the whole sweep, and take turns. LAPACK gets its matrix for nothing, column-major and to be
// destroyed; ours is the whole call, with its promise and its copy.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { eigenvalues, matrixOperator } from '../dist/index.js';
import { describeEnvironment } from './environment.mjs';
import { childEnvironment } from './processes.mjs';
import { readArray, writeProblem } from './problems.mjs';
import { median } from './statistics.mjs';
import { formatNumber, formatSeconds } from './table.mjs';

const usual = [
  ...[2, 4, 8, 16, 32, 48, 64, 80, 100, 128, 150, 200, 250, 300, 400, 500, 600, 700, 800, 900],
  ...[1000, 1200, 1500, 1800, 2000],
];
const usage = `node bench/eigenvalues-sweep.mjs [--orders 2,100,…] [--rounds 5] [--library FILE …] [--json FILE]

  --orders   default: ${usual.join(',')}
  --rounds   measurements of each contender at each order, in turn
  --library  an OpenBLAS beside the one in SciPy, such as libopenblas.so.0 (may be repeated)

EIGENSCAPE_BENCH_PYTHON names a Python that has SciPy.`;

/** The threads of OpenBLAS spin for a while after their last call. */
const restMilliseconds = 60;
/** Calls that one measurement is the median of: enough for 30 ms of work, from LAPACK's best time. */
const callsOf = (n) => Math.max(1, Math.min(100, Math.round(3e6 / n ** 2)));

/** A process that answers lines. */
function startLapack(libraries) {
  const script = fileURLToPath(new URL('contenders/lapack_sweep.py', import.meta.url));
  const python = process.env.EIGENSCAPE_BENCH_PYTHON || 'python3';
  const child = spawn(python, [script, ...libraries], {
    env: childEnvironment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const failed = new Promise((_, reject) => child.on('error', reject));
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await Promise.race([lines.next(), failed]);
      if (done) throw new Error(`${python} gave no answer at order ${request.size}`);
      return JSON.parse(value);
    },
    end: () => child.stdin.end(),
  };
}

async function secondsOfOurs(operator, calls) {
  const times = [];
  for (let call = 0; call <= calls; call += 1) {
    const start = performance.now();
    await eigenvalues(operator);
    times.push((performance.now() - start) / 1000);
  }
  return median(times.slice(1)); // the first warms up
}

async function measureOrder(size, { lapack, rounds, folder }) {
  await writeProblem({ kind: 'matrix', size }, folder);
  const operator = matrixOperator(readArray(folder, 'matrix'), size);
  const request = { matrix: path.join(folder, 'matrix.f64'), size, calls: callsOf(size) };
  const warm = size < 1000 ? 1 : 0; // of a second and more, the first call is no slower than others
  const survey = Object.entries(await lapack.ask({ ...request, calls: warm, ways: null }));
  const ways = survey.sort(([, a], [, b]) => a - b).slice(0, 3);
  const theirs = Object.fromEntries(ways.map(([way]) => [way, []]));
  const ours = [];
  for (let round = 0; round < rounds; round += 1) {
    await wait(restMilliseconds);
    ours.push(await secondsOfOurs(operator, request.calls));
    const answer = await lapack.ask({ ...request, ways: Object.keys(theirs) });
    for (const [way, seconds] of Object.entries(answer)) theirs[way].push(seconds);
  }
  const [best] = Object.entries(theirs)
    .map(([way, seconds]) => ({ way, seconds: median(seconds) }))
    .sort((a, b) => a.seconds - b.seconds);
  const seconds = median(ours);
  return { size, seconds, lapack: best.seconds, way: best.way, ratio: seconds / best.seconds };
}

/** A line of the table, as soon as it is measured: a sweep that is stopped has shown what it found. */
function lineOf(cells) {
  const widths = [6, 8, 8, 6];
  return cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  ');
}

const cellsOf = ({ size, seconds, lapack, ratio, way }) => [
  String(size),
  formatSeconds(seconds),
  formatSeconds(lapack),
  formatNumber(ratio),
  way,
];

async function sweep({ orders, rounds, library, json }) {
  const environment = describeEnvironment();
  const { cpu, cores, blas, kernel, load } = environment;
  console.log(`${cpu}, ${cores} cores, load ${load.toFixed(2)}; ours: ${blas}, kernel ${kernel}`);
  console.log(lineOf(['n', 'ours', 'LAPACK', 'ratio', 'its best way']));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'eigenscape-sweep-'));
  const lapack = startLapack(library);
  const rows = [];
  try {
    for (const size of orders) {
      rows.push(await measureOrder(size, { lapack, rounds, folder }));
      console.log(lineOf(cellsOf(rows.at(-1))));
    }
  } finally {
    lapack.end();
    fs.rmSync(folder, { recursive: true });
  }
  const worst = rows.reduce((a, b) => (b.ratio > a.ratio ? b : a));
  console.log(`worst: ${formatNumber(worst.ratio)} at n = ${worst.size}`);
  if (json !== undefined) {
    fs.writeFileSync(json, `${JSON.stringify({ environment, rounds, rows }, null, 2)}\n`);
  }
}

function parseCommandLine(args) {
  const { values } = parseArgs({
    args,
    options: {
      orders: { type: 'string', default: usual.join(',') },
      rounds: { type: 'string', default: '5' },
      library: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const orders = values.orders.split(',').map(Number);
  const rounds = Number(values.rounds);
  const wrong = [...orders, rounds].find((value) => !Number.isInteger(value) || value < 1);
  if (wrong !== undefined) throw new Error(`${wrong} is no whole number above 0`);
  return { ...values, orders, rounds };
}

try {
  const options = parseCommandLine(process.argv.slice(2));
  if (options.help) console.log(usage);
  else await sweep(options);
} catch (error) {
  console.error(`eigenvalues-sweep: ${error.message}`);
  process.exitCode = 2;
}
