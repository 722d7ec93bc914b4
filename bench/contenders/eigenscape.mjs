// Ours. node eigenscape.mjs JOB.json

import fs from 'node:fs';
import {
  adam,
  createDataset,
  createNetwork,
  eigenvalues,
  extremalEigenpairs,
  gemmSpeed,
  hessian,
  machineInfo,
  matrixOperator,
  sgd,
  spectra,
  train,
  trainMany,
} from '../../dist/index.js';
import { readArray } from '../problems.mjs';
import { predict } from '../prediction.mjs';
import { grown, measure, norm, report } from './measure.mjs';

const job = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const { folder, problem } = job;

/** An array of the problem in the problem's precision. */
function read(name) {
  const values = readArray(folder, name);
  return problem.dtype === 'float32' ? Float32Array.from(values) : values;
}

function readNetwork() {
  const { spec, dtype = 'float64' } = problem;
  const network = createNetwork(spec, { dtype });
  network.setParameters(read('parameters'));
  const data = createDataset({
    inputs: read('inputs'),
    targets: Int32Array.from(readArray(folder, 'targets')),
    inputShape: spec.input,
  });
  return { network, data };
}

const tasks = {
  async gemm() {
    const { size, dtype } = problem;
    const seconds = (2 * size ** 3) / 1e9 / (await gemmSpeed({ size, dtype }));
    return { gemmSpeed: { seconds, check: 0 } };
  },

  async denseHessian() {
    const { network, data } = readNetwork();
    const operator = hessian(network, data);
    let matrix;
    const seconds = await measure(async () => (matrix = await operator.toDense()), job);
    return { toDense: { seconds, check: norm(matrix) } };
  },

  async products() {
    const { network, data } = readNetwork();
    const operator = hessian(network, data);
    const vectors = read('vectors').subarray(0, job.count * network.parameterCount);
    let products;
    const seconds = await measure(
      async () => (products = await operator.apply(vectors, job.count)),
      job,
    );
    return { apply: { seconds: seconds / job.count, check: norm(products) } };
  },

  async steps() {
    const { network, data } = readNetwork();
    const { batch, checkedSteps, learningRate, steps } = job;
    const optimizer = { sgd, adam }[job.optimizer]({ learningRate });
    const take = (count) =>
      train(network, data, {
        optimizer,
        batchSize: batch,
        steps: count,
        recordEvery: count,
      });
    await take(checkedSteps);
    const check = norm(network.parameters());
    const seconds = await measure(() => take(steps), job);
    return { train: { seconds: seconds / steps, check } };
  },

  async spectra() {
    const { network, data } = readNetwork();
    const points = readArray(folder, 'points');
    let found;
    const seconds = await measure(
      async () => (found = (await spectra(network, data, points)).terms.hessian.eigenvalues),
      job,
    );
    return { spectra: { seconds: seconds / problem.points, check: norm(found) } };
  },

  async trainMany() {
    const { network, data } = readNetwork();
    const points = readArray(folder, 'points');
    const { learningRate, steps } = job;
    const optimizer = sgd({ learningRate });
    let found;
    const seconds = await measure(
      async () =>
        (found = await trainMany(network, data, points, { optimizer, batchSize: 'full', steps })),
      job,
    );
    const perStep = seconds / (problem.points * steps);
    return { trainMany: { seconds: perStep, check: norm(found.parameters) } };
  },

  async extremalEigenpairs() {
    const { network, data } = readNetwork();
    const operator = hessian(network, data);
    const { count, accuracy: tolerance } = job;
    let ends;
    const seconds = await measure(
      async () =>
        (ends = await extremalEigenpairs(operator, { largest: count, smallest: count, tolerance })),
      job,
    );
    const found = [ends.largest, ends.smallest];
    if (found.some(({ converged }) => converged.includes(false))) throw new Error('not converged');
    const check = norm(found.flatMap(({ values }) => [...values]));
    return { extremalEigenpairs: { seconds, check } };
  },

  async eigenvalues() {
    const operator = matrixOperator(readArray(folder, 'matrix'), problem.size);
    let values;
    const seconds = await measure(async () => (values = await eigenvalues(operator)), job);
    return { eigenvalues: { seconds, check: Math.max(...values) } };
  },
};

const ways = await tasks[job.task]();
const expected = await predict(job, problem.size === undefined ? readNetwork() : problem);
report({ ways, machine: machineInfo(), expected, grown: grown.bytes });
