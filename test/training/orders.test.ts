// Which samples a step takes; and that a run in pieces is the run, under any optimizer and schedule.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { adam, adamW, createNetwork, gaussianClusters, sgd, train } from '../../src/index.js';
import type {
  BatchOrder,
  LearningRate,
  Optimizer,
  ResumePoint,
  TrainingPhase,
} from '../../src/index.js';
import { addon } from '../../src/native.js';
import { distance, sameBits } from '../curvature/random-problems.js';

const data = gaussianClusters({ samples: 23, classes: 3, dimensions: 3, seed: 4 });
const network = createNetwork({
  input: [3],
  layers: [{ type: 'dense', units: 4 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
  loss: 'softmaxCrossEntropy',
});

const orders: readonly BatchOrder[] = ['sequential', 'shuffled', 'withReplacement'];
const rates: readonly LearningRate[] = [
  0.02,
  { type: 'stepDecay', initial: 0.05, every: 7, factor: 0.7 },
  { type: 'exponential', initial: 0.05, factor: 0.97 },
  { type: 'cosine', initial: 0.05, final: 0.01, steps: 30 },
  { type: 'multiStep', initial: 0.05, milestones: [3, 20], factor: 0.5 },
  { type: 'linear', initial: 0.05, steps: 12 },
  { type: 'warmUp', steps: 9, then: { type: 'cosine', initial: 0.05, steps: 25 } },
  {
    type: 'piecewise',
    pieces: [
      { from: 0, rate: 0.05 },
      { from: 11, rate: 0.01 },
    ],
  },
];
const optimizers: readonly ((learningRate: LearningRate) => Optimizer)[] = [
  (learningRate) => sgd({ learningRate }),
  (learningRate) => sgd({ learningRate, momentum: 0.9, dampening: 0.3, weightDecay: 0.01 }),
  (learningRate) => sgd({ learningRate, momentum: 0.9, nesterov: true }),
  (learningRate) => adam({ learningRate, weightDecay: 0.01 }),
  (learningRate) => adam({ learningRate, amsgrad: true }),
  (learningRate) => adamW({ learningRate }),
];

describe('a run in pieces has the bits of a run without a break', () => {
  const cases = optimizers.flatMap((make, index) =>
    orders.flatMap((order) => rates.map((rate) => ({ make, index, order, rate }))),
  );
  const phase = fc.record({
    choice: fc.constantFrom(...cases),
    batchSize: fc.constantFrom(1, 5, 23, 'full' as const),
    steps: fc.integer({ min: 0, max: 25 }),
  });

  it.each(cases)('optimizer $index, $order, $rate', async ({ make, order, rate }) => {
    const options = { optimizer: make(rate), order, batchSize: 5, seed: -7 } as const;
    const whole = network.clone();
    const { state } = await train(whole, data, { ...options, steps: 40, recordEvery: 40 });
    const parts = network.clone();
    let resumeFrom: ResumePoint<'float64'> | undefined;
    for (const steps of [1, 0, 10, 29]) {
      ({ state: resumeFrom } = await train(parts, data, { ...options, steps, resumeFrom }));
    }
    expect(sameBits(parts.parameters(), whole.parameters())).toBe(true);
    expect(resumeFrom).toEqual(state);
  });

  it('in any phases, wherever it breaks off', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(phase, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 60 }),
        fc.integer(),
        async (chosen, breakAt, seed) => {
          const phases = chosen.map(({ choice, batchSize, steps }): TrainingPhase => ({
            optimizer: choice.make(choice.rate),
            order: choice.order,
            batchSize,
            steps,
          }));
          const whole = network.clone();
          const { state } = await train(whole, data, { phases, seed, recordEvery: 1000 });
          expect(state.step).toBe(phases.reduce((sum, { steps }) => sum + steps, 0));
          const parts = network.clone();
          let seen: ResumePoint<'float64'> | undefined;
          const stop = new Error('power is out');
          const stopped = train(parts, data, {
            phases,
            seed,
            recordAt: [breakAt],
            onRecord: ({ step }, here) => {
              if (step < breakAt) return;
              seen = here();
              throw stop;
            },
          });
          await stopped.catch((error: unknown) => {
            expect(error).toBe(stop);
          });
          if (seen !== undefined) {
            const { state: ended } = await train(parts, data, { phases, seed, resumeFrom: seen });
            expect(ended).toEqual(state);
          }
          expect(sameBits(parts.parameters(), whole.parameters())).toBe(true);
        },
      ),
      { seed: 5, numRuns: 60 },
    );
  });
});

describe('batches', () => {
  const batch = (kind: BatchOrder, step: number, { size = 5, seed = 0, phase = 0 } = {}) =>
    Array.from(addon().batchSamples({ kind, samples: 23, size, seed, phase }, step));
  const epoch = (number: number, options = {}) =>
    [0, 1, 2, 3, 4].flatMap((i) => batch('shuffled', 5 * number + i, options));
  const all = Array.from({ length: 23 }, (_, i) => i);

  it('in order are neighbours, the last one short', () => {
    expect(batch('sequential', 5)).toEqual([0, 1, 2, 3, 4]);
    expect(batch('sequential', 9)).toEqual([20, 21, 22]);
  });

  it('shuffled meet each sample once in a pass, in another order in each pass, phase and for each seed', () => {
    const passes = [
      ...[0, 1, 2, 2 ** 40].map((number) => epoch(number)),
      ...[1, -1, Number.MIN_SAFE_INTEGER].map((seed) => epoch(0, { seed })),
      epoch(0, { phase: 1 }),
    ];
    for (const pass of passes) expect(pass.toSorted((a, b) => a - b)).toEqual(all);
    expect(new Set(passes.map(String)).size).toBe(passes.length);
    expect(batch('shuffled', 9)).toHaveLength(3);
  });

  it('shuffled put each sample at each place equally often', () => {
    const counts = Array.from({ length: 23 }, () => new Float64Array(23));
    const passes = 4600;
    for (let number = 0; number < passes; number += 1) {
      batch('shuffled', 2 * number, { size: 12 })
        .concat(batch('shuffled', 2 * number + 1, { size: 12 }))
        .forEach((sample, place) => {
          const row = counts[place];
          if (row !== undefined) row[sample] = (row[sample] ?? 0) + 1;
        });
    }
    const expected = passes / 23;
    const chiSquared = counts
      .flatMap((row) => Array.from(row))
      .reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 22² degrees of freedom: mean 484, standard deviation 31.
    expect(Math.abs(chiSquared - 484)).toBeLessThan(4 * 31);
  });

  it('with replacement draw each sample equally often, and independently of the step before', () => {
    const pairs = new Float64Array(23 * 23);
    const draws = 529 * 100;
    let last = 0;
    for (let step = 0; step < draws / 23; step += 1) {
      for (const sample of batch('withReplacement', step, { size: 23 })) {
        pairs[last * 23 + sample] = (pairs[last * 23 + sample] ?? 0) + 1;
        last = sample;
      }
    }
    const chiSquared = pairs.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
    // 528 degrees of freedom: standard deviation 32.5.
    expect(Math.abs(chiSquared - 528)).toBeLessThan(4 * 32.5);
  });

  it.each(['shuffled', 'withReplacement'] as const)(
    '%s: the steps are those on subsets of the data, with weights and rows of probabilities',
    async (order) => {
      const trained = network.clone();
      const moved = network.clone();
      const optimizer = sgd({ learningRate: 0.1 });
      await train(trained, data, { optimizer, order, batchSize: 5, steps: 12, seed: 3 });
      for (let step = 0; step < 12; step += 1) {
        const subset = data.subset(batch(order, step, { seed: 3 }));
        await train(moved, subset, { optimizer, batchSize: 'full', steps: 1 });
      }
      expect(distance(trained.parameters(), moved.parameters())).toBeLessThan(1e3 * 2 ** -52);
    },
  );
});
