// The Fisher matrix by drawn labels against G, which it is in expectation.

import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  eigenvalues,
  gaussNewton,
  monteCarloFisher,
  randomInputs,
} from '../../src/index.js';
import type { Dataset, LossSpec, Network, NetworkSpec } from '../../src/index.js';
import { distance, largest, randomVector, sameBits } from './random-problems.js';
import { asJavaScript, smallData, smallNetwork } from './small-network.js';

const samples = 12;
const layers = [
  { type: 'dense', units: 4 },
  { type: 'tanh' },
  { type: 'dense', units: 3 },
] as const;

interface Case {
  readonly loss: LossSpec;
  readonly targets: number[] | number[][];
  readonly weights?: number[];
}

const classes = Array.from({ length: samples }, (_, n) => n % 3);
const rows = Array.from({ length: samples }, (_, n) => [n % 2, (n % 5) / 4, 0.25]);
const cases: Record<string, Case> = {
  softmax: { loss: 'softmaxCrossEntropy', targets: classes },
  'softmax with all its options and weighted samples': {
    loss: {
      type: 'softmaxCrossEntropy',
      classWeights: [0.5, 1, 3],
      labelSmoothing: 0.2,
      ignoreIndex: -100,
    },
    targets: classes.map((label, n) => (n === 4 ? -100 : label)),
    weights: classes.map((_, n) => 1 + (n % 4)),
  },
  'softmax of rows': {
    loss: 'softmaxCrossEntropy',
    targets: classes.map((label) => [0, 1, 2].map((c) => (c === label ? 0.8 : 0.1))),
  },
  'squared error': { loss: 'meanSquaredError', targets: rows },
  'binary cross-entropy': { loss: 'binaryCrossEntropy', targets: rows },
};
const names = Object.keys(cases);

function problemOf(name: string, dtype: 'float64' | 'float32' = 'float64') {
  const { loss, targets, weights } = cases[name] ?? fail(name);
  const spec: NetworkSpec = { input: [3], layers, loss };
  const data = createDataset({
    inputs: Array.from({ length: samples }, (_, n) => Array.from(randomVector(3, n))),
    targets,
    weights,
  });
  return { network: createNetwork(spec, { seed: 3, dtype }), data };
}

function fail(name: string): never {
  throw new Error(name);
}

const dense = (network: Network, data: Dataset, draws: number, seed: number) =>
  monteCarloFisher(network, data, { samples: draws, seed }).toDense();

const squaredDistance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + (value - (b[i] ?? NaN)) ** 2, 0);

describe('the Monte-Carlo Fisher', () => {
  it.each(names)('is G in expectation, with an error of slope −½: %s', async (name) => {
    const { network, data } = problemOf(name);
    const g = await gaussNewton(network, data).toDense();
    const seeds = Array.from({ length: 60 }, (_, i) => i);
    const counts = [1, 4, 16, 64];
    const errors: number[] = [];
    for (const count of counts) {
      const all = await Promise.all(seeds.map((seed) => dense(network, data, count, seed)));
      const square = all.reduce((sum, one) => sum + squaredDistance(one, g), 0) / seeds.length;
      errors.push(Math.sqrt(square));
    }
    const [x, y] = [counts.map(Math.log), errors.map(Math.log)];
    const center = (values: number[]) =>
      values.map((value) => value - values.reduce((sum, other) => sum + other, 0) / values.length);
    const [dx, dy] = [center(x), center(y)];
    const slope =
      dx.reduce((sum, value, i) => sum + value * (dy[i] ?? NaN), 0) /
      dx.reduce((sum, value) => sum + value * value, 0);
    expect(slope).toBeGreaterThan(-0.6);
    expect(slope).toBeLessThan(-0.4);
    // No bias: with 20,000 draws the squared error is about 64/20,000 of that of 64, and less than ten times
    // that but once in 600 (χ² of one degree, the widest that it can be). A bias of a tenth would show in each case.
    const last = (errors.at(-1) ?? NaN) ** 2 * (64 / 20_000);
    const many = squaredDistance(await dense(network, data, 20_000, 1), g);
    expect(many).toBeLessThan(10 * last);
    expect(Math.sqrt(10 * last)).toBeLessThan(0.1 * Math.sqrt(squaredDistance(g, [...g].fill(0))));
  });

  it.each(names)(
    'is positive semidefinite, and one matrix by products and closed form: %s',
    async (name) => {
      const { network, data } = problemOf(name);
      for (const count of [1, 3, 7]) {
        const operator = monteCarloFisher(network, data, { samples: count, seed: 5 });
        const closed = await operator.toDense({ via: 'closedForm' });
        const products = await operator.toDense({ via: 'products' });
        expect(distance(closed, products)).toBeLessThan(1e-13 * largest(closed));
        const values = await eigenvalues(operator);
        expect(values[0]).toBeGreaterThan(-1e-13 * largest(values));
      }
    },
  );

  it.each(names)('is the same in float32 but for rounding: %s', async (name) => {
    const single = problemOf(name, 'float32');
    const double = createNetwork(single.network.spec, {
      parameters: single.network.parameters(),
    });
    const f32 = await dense(single.network, single.data, 5, 2);
    const f64 = await dense(double, single.data, 5, 2);
    expect(distance(f32, f64)).toBeLessThan(100 * 2 ** -23 * largest(f64));
  });

  it('has the same bits on 1, 2 and 3 threads, and other numbers for other seeds', async () => {
    const network = createNetwork({ input: [5], layers, loss: 'softmaxCrossEntropy' }, { seed: 1 });
    const data = randomInputs({ inputShape: [5], classes: 3, samples: 2000, seed: 2 });
    const vectors = randomVector(3 * network.parameterCount, 7);
    const [one, two, three] = await Promise.all(
      [1, 2, 3].map((threads) =>
        monteCarloFisher(network, data, { seed: 9, threads }).apply(vectors, 3),
      ),
    );
    expect(sameBits(one, two) && sameBits(one, three)).toBe(true);
    const other = await monteCarloFisher(network, data, { seed: 10 }).apply(vectors, 3);
    expect(sameBits(one, other)).toBe(false);
  });

  it('draws by the place of a sample: those of weight 0 behind change nothing', async () => {
    const { network, data } = problemOf('softmax');
    const { inputs, targets } = {
      inputs: Array.from({ length: 2 * samples }, (_, n) => Array.from(randomVector(3, n))),
      targets: [...classes, ...classes],
    };
    const weights = targets.map((_, n) => (n < samples ? 1 : 0));
    const longer = createDataset({ inputs, targets, weights });
    const [short, long] = [await dense(network, data, 2, 4), await dense(network, longer, 2, 4)];
    expect(distance(short, long)).toBeLessThan(1e-15 * largest(short));
  });

  it('works for images, a block of parameters and weight decay', async () => {
    const network = createNetwork(
      {
        input: [1, 6, 6],
        layers: [
          { type: 'conv2d', filters: 2, kernelSize: 3 },
          { type: 'relu' },
          { type: 'flatten' },
          { type: 'dense', units: 3 },
        ],
        loss: 'softmaxCrossEntropy',
      },
      { seed: 4 },
    );
    const inputs = Array.from({ length: 9 }, (_, n) => Array.from(randomVector(36, n)));
    const data = createDataset({
      inputs,
      inputShape: [1, 6, 6],
      targets: inputs.map((_, n) => n % 3),
    });
    const all = await dense(network, data, 2, 1);
    const options = { samples: 2, seed: 1, parameters: network.layout[0]?.layer, weightDecay: 0.5 };
    const block = await monteCarloFisher(network, data, options).toDense();
    const [size, m] = [20, network.parameterCount];
    const expected = block.map(
      (_, i) =>
        (all[Math.floor(i / size) * m + (i % size)] ?? NaN) + (i % (size + 1) === 0 ? 0.5 : 0),
    );
    expect(distance(block, expected)).toBeLessThan(1e-14);
  });

  it('refuses a custom loss, and options that do not fit', async () => {
    const custom = createNetwork({
      input: [2],
      layers: [{ type: 'dense', units: 2 }],
      loss: {
        type: 'custom',
        value: () => 0,
        gradient: () => [0, 0],
        hessian: () => [
          [0, 0],
          [0, 0],
        ],
      },
    });
    await expect(asJavaScript(monteCarloFisher, custom, smallData)).rejects.toMatchObject({
      code: 'ERR_SPEC',
      message: expect.stringContaining("the network's loss is custom") as string,
    });
    for (const [options, message] of [
      [{ samples: 0 }, "option 'samples' is 0; expected an integer of at least 1"],
      [{ seed: 0.5 }, "option 'seed' is 0.5; expected a safe integer"],
      [{ draws: 1 }, "option 'draws' is unknown"],
    ] as const) {
      await expect(
        asJavaScript(monteCarloFisher, smallNetwork, smallData, options),
      ).rejects.toMatchObject({
        code: 'ERR_SPEC',
        message: expect.stringContaining(message) as string,
      });
    }
    await expect(asJavaScript(monteCarloFisher, {}, smallData)).rejects.toMatchObject({
      code: 'ERR_SPEC',
    });
  });
});
