// Updates of more parameters than one thread takes at once, against loops written out in TypeScript.

import { expect, it } from 'vitest';

import { adamW, createNetwork, gaussianClusters, sgd, train } from '../../src/index.js';
import type { Network, Optimizer } from '../../src/index.js';
import { distance, sameBits } from '../curvature/random-problems.js';

const data = gaussianClusters({ samples: 20, classes: 10, dimensions: 30, seed: 4 });
const units = 400;
// 176,810 parameters: pieces of 2¹⁶ and of 2¹⁷, and a rest.
const network = createNetwork({
  input: [30],
  layers: [
    { type: 'dense', units },
    { type: 'tanh' },
    { type: 'dense', units },
    { type: 'tanh' },
    { type: 'dense', units: 10 },
  ],
  loss: 'softmaxCrossEntropy',
});
const steps = 3;

/** Takes the steps; `move(i, θᵢ, gᵢ, step)` gives an entry of θ after one. */
async function loop(move: (i: number, theta: number, g: number, step: number) => number) {
  const moved = network.clone();
  const norms: number[] = [];
  for (let step = 0; step < steps; step += 1) {
    const gradient = await moved.gradient(data);
    norms.push(Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0)));
    moved.setParameters(
      moved.parameters().map((theta, i) => move(i, theta, gradient[i] ?? NaN, step)),
    );
  }
  return { theta: moved.parameters(), norms };
}

async function steppedBy(optimizer: Optimizer, threads: number) {
  const trained: Network<'float64'> = network.clone();
  const options = { optimizer, batchSize: 'full', steps, recordEvery: 1, threads } as const;
  const { records } = await train(trained, data, options);
  return { theta: trained.parameters(), norms: records.map(({ gradientNorm }) => gradientNorm) };
}

async function compare(optimizer: Optimizer, expected: Awaited<ReturnType<typeof loop>>) {
  const alone = await steppedBy(optimizer, 1);
  expect(distance(alone.theta, expected.theta)).toBeLessThan(1e-13);
  const [first, ...norms] = alone.norms;
  expect(first).toBeUndefined();
  expect(distance(norms.map(Number), expected.norms)).toBeLessThan(1e-13);
  const shared = await steppedBy(optimizer, 3);
  expect(sameBits(shared.theta, alone.theta)).toBe(true);
  expect(shared.norms).toEqual(alone.norms);
}

it('takes steps of sgd with momentum, with the same bits on 1 and 3 threads', async () => {
  const velocity = new Float64Array(network.parameterCount);
  const expected = await loop((i, theta, g) => {
    velocity[i] = 0.9 * (velocity[i] ?? NaN) + g;
    return theta - 0.05 * velocity[i];
  });
  await compare(sgd({ learningRate: 0.05, momentum: 0.9 }), expected);
});

it('takes steps of adamW with amsgrad, with the same bits on 1 and 3 threads', async () => {
  const [m, v, w] = [0, 0, 0].map(() => new Float64Array(network.parameterCount));
  if (m === undefined || v === undefined || w === undefined) throw new TypeError('three arrays');
  const expected = await loop((i, theta, g, step) => {
    m[i] = 0.9 * (m[i] ?? NaN) + 0.1 * g;
    v[i] = 0.99 * (v[i] ?? NaN) + 0.01 * g * g;
    w[i] = Math.max(w[i] ?? NaN, v[i]);
    const [first, second] = [m[i] / (1 - 0.9 ** (step + 1)), w[i] / (1 - 0.99 ** (step + 1))];
    return theta * (1 - 0.01 * 0.1) - (0.01 * first) / (Math.sqrt(second) + 1e-3);
  });
  const options = { weightDecay: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-3, amsgrad: true };
  await compare(adamW({ learningRate: 0.01, ...options }), expected);
});
