#!/usr/bin/env node
// How late a timer of 10 ms is while a long call runs, and how long an abort takes to reject it.
//
//   node bench/responsiveness.mjs [--parameters 1000000] [--aborts 20] [--only train]
//
// --only takes the call of that name, else those whose names hold it.
// Time in which the machine had no core for the main thread is not counted where it tells (Linux). Pauses
// of the garbage collector are.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import * as eigenscape from '../dist/index.js';
import { alexNet } from './trials/convolutional.mjs';

const { values: options } = parseArgs({
  options: {
    parameters: { type: 'string', default: '1000000' },
    aborts: { type: 'string', default: '0' },
    only: { type: 'string', default: '' },
  },
});
const wanted = Number(options.parameters);
const aborts = Number(options.aborts);

const { adam, createDataset, createNetwork, gaussianClusters, hessian, sgd, train } = eigenscape;
const data = gaussianClusters({ samples: 1000, classes: 10, dimensions: 100, seed: 4 });
// h² + 111·h + 10 parameters
const units = Math.max(1, Math.round(Math.sqrt(wanted + 111 ** 2 / 4) - 111 / 2));
const layers = [
  { type: 'dense', units },
  { type: 'tanh' },
  { type: 'dense', units },
  { type: 'tanh' },
  { type: 'dense', units: 10 },
];
const network = createNetwork({ input: [100], layers, loss: 'softmaxCrossEntropy' });
const small = network.parameterCount <= 20_000;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'responsiveness-'));
const file = path.join(folder, 'run.safetensors');
const operator = hessian(network, data);
const other = network.clone();
const [theta, otherTheta] = [network.parameters(), other.parameters()];
const matrixSize = 5000;
let matrix;
const dense = () => {
  matrix ??= eigenscape.matrixOperator(
    Float64Array.from({ length: matrixSize ** 2 }, (_, i) => {
      const [a, b] = [Math.floor(i / matrixSize), i % matrixSize];
      return Math.sin(1 + Math.min(a, b) * 7919 + Math.max(a, b));
    }),
    matrixSize,
  );
  return matrix;
};
let images;
/** A network and data of the size at which one chunk of samples takes long. */
const ofImages = () => {
  const count = 1000;
  images ??= {
    network: createNetwork(alexNet, { dtype: 'float32' }),
    data: createDataset({
      inputs: Float32Array.from({ length: count * 3 * 32 * 32 }, (_, i) => Math.sin(i)),
      inputShape: [3, 32, 32],
      targets: Int32Array.from({ length: count }, (_, i) => i % 10),
    }),
  };
  return images;
};
const steps = { optimizer: adam(), batchSize: 100, recordEvery: 10 };

/** What runs, as a function of a signal; those of `sizes: 'small'` need a matrix of the network's order. */
const calls = [
  ['train', (signal) => train(network.clone(), data, { ...steps, steps: 40, signal })],
  [
    'train, checkpoints',
    (signal) =>
      train(network.clone(), data, { ...steps, steps: 20, checkpoint: { file, every: 5 }, signal }),
  ],
  [
    'train, tracked',
    (signal) =>
      train(network.clone(), data, {
        ...steps,
        optimizer: sgd({ learningRate: 0.01 }),
        steps: 4,
        track: { every: 2, tolerance: 1e-2, maxProducts: 40 },
        signal,
      }),
  ],
  [
    'AlexNet: train',
    (signal) => {
      const { network: net, data: photos } = ofImages();
      const optimizer = sgd({ learningRate: 0.001 });
      return train(net.clone(), photos, { optimizer, batchSize: 'full', steps: 2, signal });
    },
  ],
  [
    'AlexNet: apply',
    (signal) => {
      const { network: net, data: photos } = ofImages();
      return hessian(net, photos).apply(net.parameters(), 1, { signal });
    },
  ],
  ['saveCheckpoint', (signal) => eigenscape.saveCheckpoint(file, { network }, { signal })],
  ['loadCheckpoint', () => eigenscape.loadCheckpoint(file), 'cannot be aborted'],
  ['exportOnnx', () => eigenscape.exportOnnx(network), 'cannot be aborted'],
  [
    'exportOnnx, importOnnx',
    async () =>
      eigenscape.importOnnx(await eigenscape.exportOnnx(network), { loss: 'softmaxCrossEntropy' }),
    'cannot be aborted',
  ],
  ['predict', (signal) => network.predict(data, { signal })],
  ['loss', (signal) => network.loss(data, { signal })],
  ['gradient', (signal) => network.gradient(data, { signal })],
  ['apply', (signal) => operator.apply(theta, 1, { signal })],
  [
    'extremalEigenpairs',
    (signal) => eigenscape.extremalEigenpairs(operator, { largest: 2, maxProducts: 40, signal }),
  ],
  [
    'spectralDensity',
    (signal) => eigenscape.spectralDensity(operator, { steps: 5, probes: 2, signal }),
  ],
  ['trace', (signal) => eigenscape.trace(operator, { products: 12, signal })],
  [
    'interpolate',
    (signal) =>
      eigenscape.interpolate(network, theta, otherTheta, {
        data,
        coefficients: [0, 0.5, 1],
        signal,
      }),
  ],
  ['barrier', (signal) => eigenscape.barrier(network, theta, otherTheta, { data, signal })],
  ['plane', (signal) => eigenscape.plane(network, { data, coefficients: [0, 1], signal })],
  [
    'trainMany',
    (signal) =>
      eigenscape.trainMany(network, data, [theta, theta], {
        optimizer: sgd({ learningRate: 0.01 }),
        batchSize: 100,
        steps: 5,
        signal,
      }),
  ],
  ...(small
    ? [
        ['toDense', (signal) => operator.toDense({ signal })],
        ['eigenvalues', (signal) => eigenscape.eigenvalues(operator, { signal })],
        ['eigenvalues of 5,000²', (signal) => eigenscape.eigenvalues(dense(), { signal })],
      ]
    : []),
];

/** Milliseconds for which the machine had no core for the main thread. */
function waitedForCore() {
  const stat = `/proc/self/task/${process.pid}/schedstat`;
  return fs.existsSync(stat) ? Number(fs.readFileSync(stat, 'utf8').split(' ')[1]) / 1e6 : 0;
}

async function lateness(work) {
  const clock = () => performance.now() - waitedForCore();
  let [worst, before] = [0, clock()];
  const timer = setInterval(() => {
    const now = clock();
    worst = Math.max(worst, now - before - 10);
    before = now;
  }, 10);
  await work();
  await new Promise((resolve) => setTimeout(resolve, 25));
  clearInterval(timer);
  return worst;
}

/** Milliseconds from an abort to its rejection, after a share of the call's time; NaN if it was over. */
async function rejection(work, after) {
  const controller = new AbortController();
  let aborted = NaN;
  const call = work(controller.signal).then(
    () => NaN,
    () => performance.now() - aborted,
  );
  const timer = setTimeout(() => {
    aborted = performance.now();
    controller.abort();
  }, after);
  const milliseconds = await call;
  clearTimeout(timer);
  return milliseconds;
}

console.log(`M = ${network.parameterCount}, ${eigenscape.machineInfo().threads} threads`);
try {
  await eigenscape.saveCheckpoint(file, { network });
  const exact = calls.some(([name]) => name === options.only);
  for (const [name, work, unabortable] of calls) {
    if (exact ? name !== options.only : !name.includes(options.only)) continue;
    await work();
    const started = performance.now();
    const late = await lateness(work);
    const took = performance.now() - started;
    const latencies = [];
    for (let k = 0; unabortable === undefined && k < aborts; k += 1) {
      const found = await rejection(work, ((k + 0.5) / aborts) * took);
      if (!Number.isNaN(found)) latencies.push(found);
    }
    const rejected =
      latencies.length === 0
        ? ''
        : `; an abort rejects within ${Math.max(...latencies).toFixed(1)} ms`;
    console.log(
      `${name.padEnd(24)} ${took.toFixed(0).padStart(7)} ms; a timer is late by ${late.toFixed(1).padStart(6)} ms${rejected}`,
    );
  }
} finally {
  fs.rmSync(folder, { recursive: true });
}
