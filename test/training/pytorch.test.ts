// Runs of PyTorch, step by step: see test/fixtures/training/generate.py.

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { createDataset, createNetwork, eigenvalues, hessian, train } from '../../src/index.js';
import type { ActivationType, Dataset, Optimizer } from '../../src/index.js';
import { distance } from '../curvature/random-problems.js';

function fixture(name: string): unknown {
  return JSON.parse(readFileSync(`test/fixtures/training/${name}.json`, 'utf8'));
}

const small = fixture('optimizers') as {
  readonly steps: number;
  readonly start: number[];
  readonly inputs: number[][];
  readonly targets: number[];
  readonly cases: readonly {
    readonly name: string;
    readonly optimizer: Optimizer;
    readonly batchSize: number;
    readonly parameters: number[];
  }[];
};

describe('1,000 steps end where those of PyTorch end', () => {
  const data = createDataset({ inputs: small.inputs, targets: small.targets });
  it.each(small.cases)('$name', async ({ optimizer, batchSize, parameters }) => {
    const network = createNetwork(
      {
        input: [5],
        layers: [
          { type: 'dense', units: 6 },
          { type: 'tanh' },
          { type: 'dense', units: 4 },
          { type: 'tanh' },
          { type: 'dense', units: 3 },
        ],
        loss: 'softmaxCrossEntropy',
      },
      { parameters: small.start },
    );
    const { state } = await train(network, data, { optimizer, batchSize, steps: small.steps });
    expect(state.step).toBe(1000);
    expect(distance(small.start, parameters)).toBeGreaterThan(0.1); // it did go somewhere
    expect(distance(network.parameters(), parameters)).toBeLessThan(1e-9);
  });
});

const perceptron = fixture('perceptron') as {
  readonly seed: number;
  readonly runs: readonly {
    readonly activation: ActivationType;
    readonly losses: readonly number[];
    readonly smallest: readonly number[];
    readonly largest: readonly number[];
  }[];
};

/** mulberry32, as in the generator of the fixture. */
class Mulberry {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  normal(): number {
    let sum = 0;
    for (let i = 0; i < 12; i += 1) sum += this.uniform();
    return sum - 6;
  }
}

const classes = 10;
const dimensions = 100;

function blobs(random: Mulberry): Dataset {
  const list = <Item>(length: number, item: (index: number) => Item) =>
    Array.from({ length }, (_, index) => item(index));
  const centres = list(classes, () => list(dimensions, () => 20 * random.uniform() - 10));
  const targets = list(500, (i) => i % classes);
  const inputs = targets.map((c) => (centres[c] ?? []).map((centre) => centre + random.normal()));
  return createDataset({ inputs, targets }).standardize();
}

describe('3,000 steps of gradient descent, 100-30-30-10, from the start of the authors', () => {
  const random = new Mulberry(perceptron.seed);
  const data = blobs(random);
  // The random numbers of one run follow those of the one before.
  const runs = perceptron.runs.map((run) => ({
    ...run,
    start: Float64Array.from({ length: 4270 }, () => 0.1 * random.normal()),
  }));

  it.each(runs)(
    '$activation: the same losses to 1e-6, the same eigenvalues to 1e-4',
    async ({ activation, start, losses, smallest, largest }) => {
      const network = createNetwork(
        {
          input: [dimensions],
          layers: [
            { type: 'dense', units: 30 },
            { type: activation },
            { type: 'dense', units: 30 },
            { type: activation },
            { type: 'dense', units: classes },
          ],
          loss: 'softmaxCrossEntropy',
        },
        { parameters: start },
      );
      const { records } = await train(network, data, {
        optimizer: {
          type: 'sgd',
          learningRate: 0.1,
          momentum: 0,
          dampening: 0,
          weightDecay: 0,
          nesterov: false,
        },
        batchSize: 'full',
        steps: 3000,
        recordEvery: 1000,
      });
      expect(records.map(({ step }) => step)).toEqual([0, 1000, 2000, 3000]);
      records.forEach(({ loss }, i) => {
        expect(Math.abs(loss / (losses[i] ?? NaN) - 1)).toBeLessThan(1e-6);
      });
      const found = await eigenvalues(hessian(network, data));
      const expected = [...smallest, ...largest];
      const ends = [...found.subarray(0, 120), ...found.subarray(-120)];
      // Relative where an eigenvalue is more than rounding of the largest.
      const floor = 1e-10 * (largest.at(-1) ?? NaN);
      ends.forEach((value, i) => {
        const wanted = expected[i] ?? NaN;
        expect(Math.abs(value - wanted)).toBeLessThan(1e-4 * Math.abs(wanted) + floor);
      });
    },
    60_000,
  );
});
