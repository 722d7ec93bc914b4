// Runs from many points against train from each alone.

import { describe, expect, it } from 'vitest';

import {
  adam,
  createDataset,
  createNetwork,
  sgd,
  train,
  trainMany,
  twoBlobs,
} from '../../src/index.js';
import type { ManyRunsPart, Network, TrainManyOptions } from '../../src/index.js';
import { randomVector, sameBits } from '../curvature/random-problems.js';

const network = createNetwork({
  input: [2],
  layers: [
    { type: 'dense', units: 6 },
    { type: 'relu' },
    { type: 'dense', units: 6 },
    { type: 'relu' },
    { type: 'dense', units: 2 },
  ],
  loss: 'softmaxCrossEntropy',
});
const size = network.parameterCount;
const data = twoBlobs({ samples: 100, seed: 3 });
const points = randomVector(9 * size, 5).map((value) => 0.5 * value);

function startOf(row: number, of: Network = network): Network {
  const start = of.clone();
  start.setParameters(points.subarray(row * size, (row + 1) * size));
  return start;
}

const rowOf = (values: Float64Array | Float32Array, row: number): Float64Array =>
  Float64Array.from(values.subarray(row * size, (row + 1) * size));

const descent = {
  optimizer: sgd({ learningRate: 0.1 }),
  batchSize: 'full',
  steps: 60,
} as const;
const choices: readonly TrainManyOptions<'float64'>[] = [
  descent,
  { optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }), batchSize: 7, steps: 60 },
  {
    optimizer: adam({ learningRate: { type: 'cosine', initial: 0.01, steps: 50 } }),
    batchSize: 16,
    steps: 60,
    order: 'shuffled',
    seed: 40,
  },
  {
    optimizer: sgd({ learningRate: 0.05, momentum: 0.5, nesterov: true, weightDecay: 0.01 }),
    batchSize: 10,
    steps: 60,
    order: 'withReplacement',
    seed: -3,
  },
];

describe.each(choices)('%j', (options) => {
  it('each row has the bits of train from that point alone, on any number of threads', async () => {
    const one = await trainMany(network, data, points, { ...options, threads: 1 });
    for (const threads of [2, 3]) {
      const found = await trainMany(network, data, points, { ...options, threads });
      expect(sameBits(found.parameters, one.parameters)).toBe(true);
      expect(sameBits(found.losses, one.losses)).toBe(true);
      expect(sameBits(found.gradientNorms, one.gradientNorms)).toBe(true);
    }
    for (let row = 0; row < 9; row += 1) {
      const alone = startOf(row);
      const seed = (options.seed ?? 0) + row;
      const { records } = await train(alone, data, { ...options, seed, fullGradientNorm: true });
      expect(sameBits(rowOf(one.parameters, row), alone.parameters())).toBe(true);
      expect(one.losses[row]).toBe(records.at(-1)?.loss);
      const norm = records.at(-1)?.fullGradientNorm ?? NaN;
      expect(Math.abs((one.gradientNorms[row] ?? NaN) - norm)).toBeLessThan(1e-14 * norm);
    }
    expect(one.steps.every((steps) => steps === 60)).toBe(true);
    expect(one.stoppedBy.every((why) => why === 'steps')).toBe(true);
  });
});

describe('runs', () => {
  it('stop where the gradient is small enough, each at its own step', async () => {
    const options: TrainManyOptions = {
      optimizer: sgd({ learningRate: 0.5 }),
      batchSize: 'full',
      steps: 400,
      stopAtGradientNorm: 0.02,
    };
    const found = await trainMany(network, data, points, options);
    const stopped = found.stoppedBy.flatMap((why, row) => (why === 'gradientNorm' ? [row] : []));
    expect(stopped.length).toBeGreaterThan(2);
    expect(new Set(stopped.map((row) => found.steps[row])).size).toBeGreaterThan(2);
    for (const [row, why] of found.stoppedBy.entries()) {
      const alone = startOf(row);
      const history = await train(alone, data, options);
      expect(why).toBe(history.stoppedBy);
      expect(found.steps[row]).toBe(history.state.step);
      expect(sameBits(rowOf(found.parameters, row), alone.parameters())).toBe(true);
      if (why === 'gradientNorm') expect(found.gradientNorms[row]).toBeLessThanOrEqual(0.02);
    }
  });

  it('in float32 have the bits of train, too', async () => {
    const single = createNetwork(network.spec, { dtype: 'float32' });
    const options = { optimizer: sgd({ learningRate: 0.1 }), batchSize: 9, steps: 30 };
    const found = await trainMany(single, data, points, options);
    const alone = startOf(4, single);
    await train(alone, data, options);
    expect(found.parameters).toBeInstanceOf(Float32Array);
    const row = found.parameters.slice(4 * size, 5 * size);
    expect(Array.from(row)).toEqual(Array.from(alone.parameters()));
  });

  it('that diverge are marked, keep their last finite step, and do not spoil the others', async () => {
    const line = createNetwork({
      input: [1],
      layers: [
        { type: 'dense', units: 1, bias: false },
        { type: 'dense', units: 1, bias: false },
      ],
      loss: 'meanSquaredError',
    });
    const one = createDataset({ inputs: [[1]], targets: [[1]] });
    // L = (1 − uv)²: from (1, 1.1) gradient descent settles, from (30, 40) it flies off.
    const starts = [
      [1, 1.1],
      [30, 40],
      [0.9, 1],
    ];
    const options = {
      optimizer: sgd({ learningRate: 0.1 }),
      batchSize: 'full',
      steps: 100,
    } as const;
    const found = await trainMany(line, one, starts, options);
    expect(found.stoppedBy).toEqual(['steps', 'diverged', 'steps']);
    expect(found.failed).toHaveLength(1);
    expect(found.failed[0]).toMatchObject({ point: 1 });
    expect(found.failed[0]?.message).toMatch(/diverged at step \d+/);
    const alone = line.clone();
    alone.setParameters([30, 40]);
    await expect(train(alone, one, options)).rejects.toMatchObject({ code: 'ERR_NUMERIC' });
    expect(Array.from(found.parameters.subarray(2, 4))).toEqual(Array.from(alone.parameters()));
    const steps = found.steps[1] ?? NaN;
    expect(found.failed[0]?.message).toContain(`left after step ${String(steps)}`);
    expect(found.losses[0]).toBeLessThan(1e-6);
    expect(found.losses[2]).toBeLessThan(1e-6);
  });

  it('are heard stretch by stretch, with the numbers of the whole', async () => {
    const parts: ManyRunsPart<'float64'>[] = [];
    const options = {
      optimizer: sgd({ learningRate: 0.1 }),
      batchSize: 7,
      steps: 20,
      order: 'shuffled',
      seed: 6,
    } as const;
    const inParts = await trainMany(network, data, points, {
      ...options,
      runsAtOnce: 4,
      onResult: (part) => parts.push(part),
    });
    expect(parts.map(({ first, count }) => [first, count])).toEqual([
      [0, 4],
      [4, 4],
      [8, 1],
    ]);
    const joined = parts.flatMap(({ parameters }) => Array.from(parameters));
    expect(joined).toEqual(Array.from(inParts.parameters));
    const whole = await trainMany(network, data, points, options);
    expect(sameBits(whole.parameters, inParts.parameters)).toBe(true);
  });

  it('that are aborted end soon, having told what was whole; progress counts them', async () => {
    const heard: number[] = [];
    const options = { optimizer: sgd({ learningRate: 0.1 }), batchSize: 'full', steps: 5 } as const;
    await trainMany(network, data, points, {
      ...options,
      onProgress: ({ done, total }) => heard.push(done / total),
    });
    expect(heard.at(-1)).toBe(1);
    const controller = new AbortController();
    const started = performance.now();
    const call = trainMany(network, data, points, {
      ...options,
      steps: 1e9,
      signal: controller.signal,
    });
    setTimeout(() => {
      controller.abort();
    }, 30);
    await expect(call).rejects.toMatchObject({ code: 'ERR_ABORTED', name: 'AbortError' });
    expect(performance.now() - started).toBeLessThan(1000);
    // The pool is free again: this would wait forever behind a run of 1e9 steps.
    await trainMany(network, data, points, { ...options, threads: 3 });
  });

  it('leave the network and the points as they are', async () => {
    const before = network.parameters();
    const given = points.slice();
    await trainMany(network, data, given, descent);
    expect(network.parameters()).toEqual(before);
    expect(given).toEqual(points);
  });
});

describe('refuses', () => {
  const plain = { optimizer: sgd({ learningRate: 0.1 }), batchSize: 'full', steps: 5 };
  const refused = (given: unknown, options: object): Promise<unknown> =>
    trainMany(network, data, given as Float64Array, options as TrainManyOptions<'float64'>).then(
      () => 'accepted',
      (error: unknown) => error,
    );

  it.each([
    [new Float64Array(5), plain, 'ERR_SHAPE', /points holds 5 entries; expected rows of 74/],
    [points, { ...plain, steps: -1 }, 'ERR_SPEC', /option 'steps' is -1/],
    [points, { ...plain, optimizer: 'sgd' }, 'ERR_SPEC', /'optimizer'/],
    [points, { ...plain, testData: data }, 'ERR_SPEC', /option 'testData' is unknown/],
    [points, { ...plain, seed: Number.MAX_SAFE_INTEGER }, 'ERR_SPEC', /seeds of 9 runs/],
    [points, { ...plain, threads: 0 }, 'ERR_SPEC', /option 'threads' is 0/],
  ])('%#', async (given, options, code, message) => {
    const error = await refused(given, options);
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toMatch(message);
  });

  it('a loss written in TypeScript', async () => {
    const custom = createNetwork({
      input: [1],
      layers: [{ type: 'dense', units: 1 }],
      loss: { type: 'custom', value: () => 0, gradient: () => [0], hessian: () => [0] },
    });
    const one = createDataset({ inputs: [[1]], targets: [[1]] });
    await expect(
      trainMany(custom, one, [custom], plain as TrainManyOptions<'float64'>),
    ).rejects.toMatchObject({
      code: 'ERR_SPEC',
      message: /trainMany: the loss is of type 'custom'/,
    });
  });
});
