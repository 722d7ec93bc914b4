// Inputs on disk give the bits of inputs in memory, in every call and on any number of threads.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  createDataset,
  createNetwork,
  eigenvalues,
  empiricalFisher,
  gaussNewton,
  gradientCovariance,
  hessian,
  interpolate,
  loadCifar10,
  loadIdx,
  loadNpy,
  residual,
  sgd,
  spectra,
  train,
  trainMany,
} from '../../src/index.js';
import type { Dataset, LayerSpec, LossSpec } from '../../src/index.js';
import { createRandom } from '../../src/data/random.js';
import { bytesOf, cifarRecords, idxPair, npyFile } from '../data/stored-files.js';

/** The same data in both ways, and a network for it. */
interface Case {
  readonly name: string;
  readonly load: (stream: boolean) => Promise<Dataset>;
  readonly layers: readonly LayerSpec[];
  readonly loss: LossSpec;
  readonly dtype: 'float64' | 'float32';
}

const makers = { hessian, gaussNewton, residual, empiricalFisher, gradientCovariance };

const chain: readonly LayerSpec[] = [
  { type: 'tanh' },
  { type: 'dense', units: 5 },
  { type: 'softplus' },
  { type: 'dense', units: 3 },
];
const images: readonly LayerSpec[] = [
  { type: 'conv2d', filters: 2, kernelSize: 3 },
  { type: 'relu' },
  { type: 'maxPool2d', size: 2 },
  { type: 'flatten' },
  { type: 'dense', units: 10 },
];
const squares: LossSpec = {
  type: 'custom',
  value: ([output = 0], target) => 0.5 * (output - Number(target)) ** 2,
  gradient: ([output = 0], target) => [output - Number(target)],
  hessian: () => [1],
};

/** Samples enough for several chunks, whose number no chunk divides. */
const count = 1_201;

let directory: string;

async function npyData(stream: boolean, standardized: boolean): Promise<Dataset> {
  const inputs = stream
    ? await loadNpy(join(directory, 'x.npy'), { stream: true })
    : await loadNpy(join(directory, 'x.npy'));
  const targets = Array.from({ length: count }, (_, sample) => sample % 3);
  const weights = targets.map((target) => 1 + target);
  const data = createDataset({ inputs, targets, weights });
  return standardized ? data.standardize() : data;
}

const cases: readonly Case[] = [
  {
    name: 'IDX, part of a split, dense layers',
    load: async (stream) => {
      const data = await loadIdx(join(directory, 'images'), join(directory, 'labels'), { stream });
      return data.split({ test: 300, seed: 1 }).train;
    },
    layers: chain,
    loss: 'softmaxCrossEntropy',
    dtype: 'float64',
  },
  {
    name: 'IDX in float32 for a network in float32, convolution',
    load: async (stream) => {
      const options = { stream, shape: 'image', dtype: 'float32' } as const;
      return loadIdx(join(directory, 'images'), join(directory, 'labels'), options);
    },
    layers: images,
    loss: 'softmaxCrossEntropy',
    dtype: 'float32',
  },
  {
    name: 'CIFAR-10 of two files, convolution',
    load: async (stream) => loadCifar10(directory, { split: 'train', shape: 'image', stream }),
    layers: [{ type: 'avgPool2d', size: 4 }, ...images],
    loss: { type: 'softmaxCrossEntropy', labelSmoothing: 0.1 },
    dtype: 'float64',
  },
  {
    name: 'npy, standardized, weighted, a network in float32',
    load: (stream) => npyData(stream, true),
    layers: chain,
    loss: 'softmaxCrossEntropy',
    dtype: 'float32',
  },
  {
    name: 'npy, a loss in TypeScript',
    load: (stream) => npyData(stream, false),
    layers: [{ type: 'dense', units: 3 }, { type: 'tanh' }, { type: 'dense', units: 1 }],
    loss: squares,
    dtype: 'float64',
  },
];

beforeAll(async () => {
  const random = createRandom(5);
  const numbers = Float64Array.from({ length: count * 4 }, () => random.normal());
  directory = await mkdtemp(join(tmpdir(), 'eigenscape-'));
  const files = {
    ...idxPair(count, 6, 6, 3),
    'data_batch_1.bin': cifarRecords(150, 1),
    'data_batch_2.bin': cifarRecords(171, 2),
    'x.npy': npyFile('<f8', [count, 4], bytesOf(numbers)),
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(directory, name), bytes);
});

afterAll(() => rm(directory, { recursive: true }));

function networkOf({ layers, loss, dtype }: Case, data: Dataset) {
  return createNetwork({ input: data.inputShape, layers, loss }, { dtype, seed: 2 });
}

/** Numbers of every call that loops over samples. */
async function everything(problem: Case, data: Dataset, threads: number): Promise<unknown[]> {
  const network = networkOf(problem, data);
  const custom = network.customLoss !== undefined;
  const random = createRandom(7);
  const block = Float64Array.from({ length: 17 * network.parameterCount }, () => random.normal());
  const results: unknown[] = [
    await network.loss(data, { threads }),
    await network.gradient(data, { threads }),
    await network.predict(data, { threads }),
    custom ? 0 : await network.accuracy(data, { threads }),
  ];
  for (const maker of Object.values(makers)) {
    const operator = maker(network, data, { threads });
    results.push(
      await operator.apply(block, 17),
      await operator.apply(block.subarray(0, operator.size)),
    );
  }
  const some = data.take(100);
  results.push(await hessian(network, some, { threads }).toDense());
  results.push(await eigenvalues(gaussNewton(network, some, { threads })));
  for (const order of ['sequential', 'shuffled', 'withReplacement'] as const) {
    const trained = network.clone();
    await train(trained, data, {
      optimizer: sgd({ learningRate: 0.05 }),
      batchSize: 50,
      order,
      steps: 8,
      threads,
    });
    results.push(trained.parameters());
  }
  if (custom) return results;
  const other = networkOf(problem, data);
  other.setParameters(network.parameters().map((value) => 0.9 * value));
  const coefficients = [0, 0.5, 1];
  const line = await interpolate(network, network.parameters(), other.parameters(), {
    data,
    coefficients,
    derivatives: true,
    threads,
  });
  results.push(line);
  const points = new Float64Array(2 * network.parameterCount);
  points.set(network.parameters());
  points.set(other.parameters(), network.parameterCount);
  results.push(await spectra(network, some, points, { terms: ['hessian'], threads }));
  const options = { optimizer: sgd({ learningRate: 0.1 }), batchSize: 20, steps: 3, threads };
  results.push(await trainMany(network, some, points, options));
  return results;
}

describe.each(cases)('$name', (problem) => {
  test('streamed on 1, 2 and 3 threads, every call has the bits that it has in memory', async () => {
    const expected = await everything(problem, await problem.load(false), 2);
    const streamed = await problem.load(true);
    expect(streamed.streamed).toBe(true);
    for (const threads of [1, 2, 3]) {
      // A new dataset each time, so that scales are found under each number of threads.
      expect(await everything(problem, await problem.load(true), threads)).toEqual(expected);
    }
  });
});

test('many calls at once read one streamed dataset, and one that is aborted leaves the others', async () => {
  const [problem] = cases;
  if (problem === undefined) throw new Error('no case');
  const data = (await problem.load(true)).standardize();
  const network = networkOf(problem, data);
  const kept = (await problem.load(false)).standardize();
  const controller = new AbortController();
  const aborted = network.loss(data, { signal: controller.signal, threads: 1 });
  controller.abort();
  const calls = Array.from({ length: 8 }, (_, call) =>
    network.gradient(data, { threads: 1 + (call % 3) }),
  );
  await expect(aborted).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  const expected = await network.gradient(kept);
  for (const gradient of await Promise.all(calls)) expect(gradient).toEqual(expected);
});
