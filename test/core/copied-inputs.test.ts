// Inputs are copied before a call returns, large ones too, into memory that was used before.

import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import {
  adam,
  createNetwork,
  gaussianClusters,
  hessian,
  interpolate,
  loadCheckpoint,
  plane,
  saveCheckpoint,
  train,
} from '../../src/index.js';
import { temporaryFiles } from '../data/temporary-files.js';

const data = gaussianClusters({ samples: 20, classes: 3, dimensions: 800, seed: 1 });
// 5.2 MB of parameters: more than arrays need to have pages of their own.
const network = createNetwork({
  input: [800],
  layers: [{ type: 'dense', units: 810 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
  loss: 'softmaxCrossEntropy',
});
const other = createNetwork(network.spec, { seed: 1 });
const operator = hessian(network, data);

/** One text for one array: vitest compares long arrays slowly. */
function bits(values: Float64Array | Float32Array | undefined): string {
  const { buffer, byteOffset, byteLength } = values ?? new Float64Array();
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');
}

it('products have the same bits in memory that others have used, and whatever becomes of the vectors', async () => {
  const vector = network.parameters();
  const first = await operator.apply(vector);
  await network.gradient(data);
  const call = operator.apply(vector);
  vector.fill(NaN);
  expect(bits(await call)).toBe(bits(first));
});

it('the points of a line may change as soon as interpolate has returned', async () => {
  const options = { data, coefficients: [0, 0.5, 1] };
  const expected = await interpolate(network, network, other, options);
  const [from, to] = [network.parameters(), other.parameters()];
  const call = interpolate(network, from, to, options);
  from.fill(NaN);
  to.fill(NaN);
  expect(await call).toEqual(expected);
});

it('the filters of random directions have the norms of the origin’s, and biases stand still', async () => {
  const { directions } = await plane(network, { data, coefficients: [0] });
  const theta = network.parameters();
  const norm = (values: Float64Array): number => Math.sqrt(values.reduce((s, x) => s + x * x, 0));
  for (const direction of directions) {
    for (const { offset, shape } of network.layout) {
      const [rows = 0, width = 0] = shape;
      if (shape.length < 2) {
        expect(norm(direction.subarray(offset, offset + rows))).toBe(0);
        continue;
      }
      for (const row of [0, rows - 1]) {
        const start = offset + row * width;
        const wanted = norm(theta.subarray(start, start + width));
        const error = norm(direction.subarray(start, start + width)) - wanted;
        expect(Math.abs(error)).toBeLessThan(1e-13 * wanted);
      }
    }
  }
});

it('the state that training resumes from may change as soon as train or saveCheckpoint has returned', async () => {
  const options = { optimizer: adam(), batchSize: 10, steps: 2 } as const;
  const { state } = await train(network.clone(), data, options);
  const moments = () => ({
    first: state.moments.first?.slice(),
    second: state.moments.second?.slice(),
  });
  const [kept, own] = [network.clone(), network.clone()];
  await train(kept, data, { ...options, resumeFrom: { ...state, moments: moments() } });
  const given = moments();
  const file = join(await temporaryFiles({}), 'run.safetensors');
  const training = train(own, data, { ...options, resumeFrom: { ...state, moments: given } });
  const saving = saveCheckpoint(file, { network, state: { ...state, moments: given } });
  given.first?.fill(NaN);
  given.second?.fill(NaN);
  await training;
  await saving;
  expect(bits(own.parameters())).toBe(bits(kept.parameters()));
  const saved = (await loadCheckpoint(file)).state;
  expect(saved?.step).toBe(state.step);
  expect(bits(saved?.moments.first)).toBe(bits(state.moments.first));
  expect(bits(saved?.moments.second)).toBe(bits(state.moments.second));
});

it('an aborted train leaves the network on a whole step, and the checkpoint whole', async () => {
  const file = join(await temporaryFiles({}), 'run.safetensors');
  const options = { optimizer: adam(), batchSize: 10, steps: 40, recordEvery: 1 } as const;
  const small = gaussianClusters({ samples: 20, classes: 3, dimensions: 8, seed: 1 });
  const start = createNetwork({ ...network.spec, input: [8] });
  const whole: Float64Array[] = [];
  const reference = start.clone();
  await train(reference, small, {
    ...options,
    onRecord: () => {
      whole.push(reference.parameters());
    },
  });
  for (const at of [3, 12, 25]) {
    const controller = new AbortController();
    const own = start.clone();
    const call = train(own, small, {
      ...options,
      checkpoint: { file, every: 5 },
      signal: controller.signal,
      onRecord: ({ step }) => {
        // In the step after, in a measure of the loss, or while a checkpoint is written.
        if (step === at)
          setTimeout(() => {
            controller.abort();
          }, at % 4);
      },
    });
    await expect(call).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    const isWhole = (theta: Float64Array | Float32Array) =>
      whole.findIndex((step) => step.every((value, i) => value === theta[i]));
    const left = isWhole(own.parameters());
    expect(left).toBeGreaterThanOrEqual(at);
    if (at === 3) continue; // before the first checkpoint, or while it is written
    const { network: saved, step } = await loadCheckpoint(file);
    // Where it was aborted while one was written, that before.
    expect([0, 5]).toContain(Math.floor(left / 5) * 5 - step);
    expect(isWhole(saved.parameters())).toBe(step);
  }
});
