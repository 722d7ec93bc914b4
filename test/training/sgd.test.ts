// Steps of SGD against a loop written out in TypeScript, from gradients of batches.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  gaussianClusters,
  learningRateAt,
  sgd,
  train,
} from '../../src/index.js';
import type { Dataset, Network, Sgd, TrainingState } from '../../src/index.js';
import { build, distance, problems, sameBits } from '../curvature/random-problems.js';

const network = createNetwork({
  input: [3],
  layers: [{ type: 'dense', units: 5 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
  loss: 'softmaxCrossEntropy',
});
const data = gaussianClusters({ samples: 23, classes: 3, dimensions: 3, seed: 4 });

/** torch.optim.SGD, step by step; batches are neighbours, the last one short. */
async function naive(
  start: Network,
  samples: Dataset,
  optimizer: Sgd,
  size: number,
  steps: number,
) {
  const { momentum, weightDecay, nesterov } = optimizer;
  const learningRate = learningRateAt(optimizer.learningRate, 0);
  const moved = start.clone();
  const theta = Float64Array.from(start.parameters());
  const velocity = new Float64Array(theta.length);
  const batches = Math.ceil(samples.sampleCount / size);
  for (let step = 0; step < steps; step += 1) {
    const first = (step % batches) * size;
    const count = Math.min(size, samples.sampleCount - first);
    const batch = samples.subset(Array.from({ length: count }, (_, i) => first + i));
    const gradient = await moved.gradient(batch);
    for (let i = 0; i < theta.length; i += 1) {
      const g = (gradient[i] ?? NaN) + weightDecay * (theta[i] ?? NaN);
      const v = momentum * (velocity[i] ?? NaN) + g;
      velocity[i] = v;
      theta[i] = (theta[i] ?? NaN) - learningRate * (nesterov ? g + momentum * v : v);
    }
    moved.setParameters(theta);
  }
  return { theta, velocity };
}

const optimizers: readonly Sgd[] = [
  sgd({ learningRate: 0.1 }),
  sgd({ learningRate: 0.1, momentum: 0.9 }),
  sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true }),
  sgd({ learningRate: 0.1, weightDecay: 0.01 }),
  sgd({ learningRate: 0.05, momentum: 0.5, weightDecay: 0.1, nesterov: true }),
];

describe.each(optimizers)('%j', (optimizer) => {
  it.each([1, 5, 22, 23, 'full', 1000] as const)(
    'takes the steps of the loop with batches of %s',
    async (batchSize) => {
      const trained = network.clone();
      const { state } = await train(trained, data, { optimizer, batchSize, steps: 40 });
      const size = batchSize === 'full' ? 23 : Math.min(batchSize, 23);
      const { theta, velocity } = await naive(network, data, optimizer, size, 40);
      // 40 steps of a few roundings each, which the momentum may double ten times over.
      expect(distance(trained.parameters(), theta)).toBeLessThan(1e4 * 2 ** -52);
      expect(state.step).toBe(40);
      if (optimizer.momentum === 0) expect(state.moments).toEqual({});
      else expect(distance(state.moments.velocity ?? [], velocity)).toBeLessThan(1e4 * 2 ** -52);
    },
  );

  it('resumed, has the bits of a run without a break, wherever the break is', async () => {
    const whole = network.clone();
    const { state, records } = await train(whole, data, {
      optimizer,
      batchSize: 5,
      steps: 60,
      recordEvery: 60,
    });
    const parts = network.clone();
    let resumeFrom: TrainingState<'float64'> | undefined;
    for (const steps of [1, 0, 4, 7, 48]) {
      const history = await train(parts, data, { optimizer, batchSize: 5, steps, resumeFrom });
      resumeFrom = history.state;
      if (steps === 48)
        expect(history.records.at(-1)).toMatchObject({ step: 60, loss: records.at(-1)?.loss });
    }
    expect(sameBits(parts.parameters(), whole.parameters())).toBe(true);
    expect(resumeFrom).toEqual(state);
  });

  it('has the same bits on 1, 2 and 3 threads, and however often it is recorded', async () => {
    const run = async (options: {
      threads?: number;
      recordEvery?: number;
    }): Promise<Float64Array> => {
      const trained = network.clone();
      await train(trained, data, { optimizer, batchSize: 'full', steps: 30, ...options });
      return trained.parameters();
    };
    const expected = await run({ threads: 1 });
    for (const options of [
      { threads: 2 },
      { threads: 3 },
      { recordEvery: 1 },
      { recordEvery: 7 },
    ]) {
      expect(sameBits(await run(options), expected)).toBe(true);
    }
  });
});

it('a step of any network is θ − η ∇L of its batch, in both dtypes', async () => {
  await fc.assert(
    fc.asyncProperty(problems(), fc.constantFrom('float64', 'float32'), async (problem, dtype) => {
      const { network: start, data: samples } = build(problem, dtype);
      const before = start.parameters();
      const gradient = await start.gradient(samples);
      await train(start, samples, {
        optimizer: sgd({ learningRate: 0.25 }),
        batchSize: 'full',
        steps: 1,
      });
      const expected = Array.from(before, (value, i) => value - 0.25 * (gradient[i] ?? NaN));
      const scale = 1 + Math.max(...expected.map(Math.abs));
      expect(distance(start.parameters(), expected)).toBeLessThanOrEqual(
        scale * 2 ** (dtype === 'float64' ? -50 : -21),
      );
    }),
    { seed: 9, numRuns: 60 },
  );
});

it('a batch divides by its own weights, not by those of all samples', async () => {
  const weighted = createDataset({
    inputs: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [1, 1, 1],
    ],
    targets: [0, 1, 2, 0],
    weights: [1, 3, 100, 0.5],
  });
  const trained = network.clone();
  await train(trained, weighted, { optimizer: sgd({ learningRate: 1 }), batchSize: 2, steps: 2 });
  const { theta } = await naive(network, weighted, sgd({ learningRate: 1 }), 2, 2);
  expect(distance(trained.parameters(), theta)).toBeLessThan(100 * 2 ** -52);
});
