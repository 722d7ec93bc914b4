// The whole Hessian spectrum of the paper's largest network, 784-70-10 with M = 55,660, on a thousand images:
//   node bench/largest-network.mjs DIR [--dtype float64|float32] [--hidden 70] [--samples 1000] [--json FILE]
// where DIR has the MNIST test files. Prints progress, then each stage's time, the peak memory and the errors;
// --json bench/largest-network.json keeps them for docs/performance.md.

import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createNetwork, loadIdx, machineInfo, spectrum } from '../dist/index.js';
import { keepRecord, recordSection } from './largest-network-record.mjs';
import { formatSeconds } from './table.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dtype: { type: 'string', default: 'float32' },
    hidden: { type: 'string', default: '70' },
    samples: { type: 'string', default: '1000' },
    json: { type: 'string' },
  },
});
const directory = positionals[0];
if (directory === undefined) throw new Error('which directory has the MNIST test files?');
const file = (name) => join(directory, `t10k-${name}-ubyte.gz`);
const data = await loadIdx(file('images-idx3'), file('labels-idx1'));
const network = createNetwork(
  {
    input: data.inputShape,
    layers: [
      { type: 'dense', units: Number(options.hidden) },
      { type: 'relu' },
      { type: 'dense', units: 10 },
    ],
    loss: 'softmaxCrossEntropy',
  },
  { seed: 1, dtype: options.dtype },
);

/** When each stage was heard of first and last. */
const stages = new Map();
let shown = 0;
function onProgress({ stage, done, total }) {
  const now = performance.now();
  const [first] = stages.get(stage) ?? [now];
  stages.set(stage, [first, now]);
  if (now - shown < 10_000) return;
  shown = now;
  const part = ((100 * done) / total).toFixed(1);
  console.error(`${formatSeconds((now - begin) / 1e3)}: ${stage} ${part} %`);
}

const begin = performance.now();
const { terms, parameterCount } = await spectrum(network, data.take(Number(options.samples)), {
  method: 'dense',
  onProgress,
});
const seconds = (performance.now() - begin) / 1e3;
const { eigenvalues, errorBound, errorEstimate, exactZeros, reduction } = terms.hessian;
const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;

/** @type {import('./largest-network-record.mjs').LargestNetworkRecord} */
const record = {
  date: new Date().toISOString().slice(0, 10),
  network: `784-${options.hidden}-10`,
  dtype: options.dtype,
  parameterCount,
  samples: Number(options.samples),
  cpu: cpus()[0].model.trim(),
  threads: machineInfo().threads,
  stages: Object.fromEntries(
    [...stages].map(([stage, [first, last]]) => [stage, (last - first) / 1e3]),
  ),
  seconds,
  peakBytes: peak,
  errorBound,
  errorEstimate,
  exactZeros,
  largest: eigenvalues.at(-1),
  smallest: eigenvalues[0],
  reduction,
};
console.log(recordSection([record]));
if (options.json !== undefined) keepRecord(options.json, record);
