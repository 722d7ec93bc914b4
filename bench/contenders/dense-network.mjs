// A chain of dense layers with ReLU between them, as contenders in JavaScript read it: in float32.

import fs from 'node:fs';
import { readArray } from '../problems.mjs';
import { measure, norm, report } from './measure.mjs';

export const job = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const { spec, samples } = job.problem;
const units = spec.layers.filter(({ type }) => type === 'dense').map((layer) => layer.units);

export const read = (name) => Float32Array.from(readArray(job.folder, name));
export const labels = () => Int32Array.from(readArray(job.folder, 'targets'));

/** Inputs, units of each layer. */
export const widths = [spec.input[0], ...units];
/** Of weights and biases in turn. */
export const shapes = units.flatMap((rows, layer) => [[rows, widths[layer]], [rows]]);
export const classes = widths.at(-1);

const entries = (shape) => shape.reduce((product, extent) => product * extent, 1);
const size = shapes.reduce((sum, shape) => sum + entries(shape), 0);

/** A flat vector, tensor by tensor.
 *  @param {(values: Float32Array, shape: number[]) => unknown} make */
export function tensorsOf(flat, make) {
  let offset = 0;
  return shapes.map((shape) => {
    const first = offset;
    offset += entries(shape);
    return make(flat.slice(first, offset), shape);
  });
}

/** The samples of each step, in the order of the data. */
export function batches() {
  const starts = Array.from({ length: samples / job.batch }, (_, index) => index * job.batch);
  const [x, y] = [read('inputs'), labels()];
  return starts.map((first) => ({
    inputs: x.slice(first * widths[0], (first + job.batch) * widths[0]),
    labels: y.slice(first, first + job.batch),
  }));
}

/** Times a product with one vector. A matrix is as many of them; a minute or two of products would tell no more.
 *  @param {(vector: Float32Array) => Promise<Iterable<number>[]> | Iterable<number>[]} multiply */
export async function timeProducts(multiply) {
  const vector = read('vectors').subarray(0, size);
  let parts;
  const seconds = await measure(async () => (parts = await multiply(vector)), job);
  if (job.task === 'denseHessian') return { seconds: seconds * size, check: null };
  return { seconds, check: norm(parts.flatMap((part) => [...part])) };
}

/** Times a step: `epoch` goes through the data once, from the starting parameters on.
 *  @param {{ epoch: () => Promise<void> | void, parameters: () => Promise<Iterable<number>[]> }} training */
export async function timeSteps({ epoch, parameters }) {
  const steps = samples / job.batch;
  for (let step = 0; step < job.checkedSteps; step += steps) await epoch();
  const check = norm((await parameters()).flatMap((part) => [...part]));
  return { seconds: (await measure(epoch, job)) / steps, check };
}

/** Runs the ways that the job asks for. Where the task is a whole matrix, their names say what was measured.
 *  @param {Record<string, () => Promise<{ seconds: number, check: number | null }>>} ways */
export async function runWays(ways) {
  const outcomes = {};
  for (const [way, time] of Object.entries(ways)) {
    const name = job.task === 'denseHessian' ? `${way}: time of one × ${size}` : way;
    if (job.ways === null || job.ways.includes(name)) outcomes[name] = await time();
  }
  report({ ways: outcomes });
}
