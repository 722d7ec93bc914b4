// Data of many chunks, several partial sums and several stretches of the closed form.

import { describe, expect, it } from 'vitest';

import {
  createNetwork,
  empiricalFisher,
  gaussNewton,
  gaussianClusters,
  gradientCovariance,
  hessian,
  residual,
} from '../../src/index.js';
import type { ActivationType, Dataset, DType, Network } from '../../src/index.js';
import { distance, largest, randomVector, sameBits } from './random-problems.js';

const makers = [hessian, gaussNewton, gradientCovariance];

function wide<D extends DType>(
  dtype: D,
  units: readonly number[],
  activation: ActivationType,
): Network<D> {
  return createNetwork(
    {
      input: [6],
      layers: [
        ...units.flatMap((count) => [
          { type: 'dense', units: count } as const,
          { type: activation },
        ]),
        { type: 'dense', units: 4 },
      ],
      loss: 'softmaxCrossEntropy',
    },
    { dtype, seed: 2 },
  );
}

/** Σ_p (N_p/N) A_p over parts of the data, one after the other: what one sum must equal. */
async function inParts(
  data: Dataset,
  parts: number,
  matrixOf: (part: Dataset) => Promise<ArrayLike<number>>,
): Promise<Float64Array> {
  const sum: number[] = [];
  for (let p = 0; p < parts; p += 1) {
    const first = Math.floor((p * data.sampleCount) / parts);
    const last = Math.floor(((p + 1) * data.sampleCount) / parts);
    const part = data.subset(Array.from({ length: last - first }, (_, i) => first + i));
    const matrix = await matrixOf(part);
    const share = part.sampleCount / data.sampleCount;
    for (let i = 0; i < matrix.length; i += 1) sum[i] = (sum[i] ?? 0) + share * (matrix[i] ?? NaN);
  }
  return Float64Array.from(sum);
}

describe.each([
  ['float64', 1e-13],
  ['float32', 1e-4],
] as const)('%s', (dtype, limit) => {
  it.each([1, 31, 33, 257, 3000])(
    'loss, gradient and products of %i samples are sums over parts',
    async (samples) => {
      const data = gaussianClusters({ samples, classes: 4, dimensions: 6, seed: 3 });
      const network = wide(dtype, [40, 30], 'tanh');
      const parts = Math.min(samples, 7);
      const loss = await network.loss(data);
      expect(
        distance([loss], await inParts(data, parts, async (part) => [await network.loss(part)])),
      ).toBeLessThan(limit);
      const gradient = await network.gradient(data);
      const gradients = await inParts(data, parts, (part) => network.gradient(part));
      expect(distance(gradient, gradients)).toBeLessThan(limit * largest(gradient));
      const block = randomVector(17 * network.parameterCount, 1);
      for (const make of [hessian, gaussNewton, residual, empiricalFisher]) {
        const products = await make(network, data).apply(block, 17);
        const sums = await inParts(data, parts, (part) => make(network, part).apply(block, 17));
        expect(distance(products, sums)).toBeLessThan(10 * limit * largest(products));
      }
    },
  );

  it('dense matrices of 3,000 samples are those by products, and those of parts', async () => {
    const network = wide(dtype, [20, 8], 'softplus');
    const data = gaussianClusters({ samples: 3000, classes: 4, dimensions: 6, seed: 3 });
    for (const make of [hessian, residual]) {
      const closed = await make(network, data).toDense({ via: 'closedForm' });
      const products = await make(network, data).toDense({ via: 'products' });
      const sums = await inParts(data, 7, (part) => make(network, part).toDense());
      const scale = largest(await hessian(network, data).toDense());
      expect(distance(closed, products)).toBeLessThan(10 * limit * scale);
      expect(distance(closed, sums)).toBeLessThan(10 * limit * scale);
    }
  });

  it.each(['relu', 'gelu'] as const)(
    'bits do not depend on threads, with %s and 1,500 samples',
    async (activation) => {
      const network = wide(dtype, [40, 10], activation);
      const data = gaussianClusters({ samples: 1500, classes: 4, dimensions: 6, seed: 3 });
      const block = randomVector(70 * network.parameterCount, 5);
      for (const make of makers) {
        const operator = make(network, data);
        for (const count of [1, 17, 70]) {
          const vectors = block.subarray(0, count * operator.size);
          const one = await operator.apply(vectors, count, { threads: 1 });
          expect(sameBits(await operator.apply(vectors, count, { threads: 2 }), one)).toBe(true);
          expect(sameBits(await operator.apply(vectors, count, { threads: 5 }), one)).toBe(true);
        }
      }
      const operator = hessian(network, data);
      const one = await operator.toDense({ threads: 1 });
      expect(sameBits(await operator.toDense({ threads: 3 }), one)).toBe(true);
    },
  );
});

it('products have the same bits at the first call, which evaluates the point, later and side by side', async () => {
  const network = wide('float64', [40, 10], 'gelu');
  const data = gaussianClusters({ samples: 1500, classes: 4, dimensions: 6, seed: 3 });
  const block = randomVector(40 * network.parameterCount, 5);
  for (const make of [hessian, gaussNewton, residual, empiricalFisher, gradientCovariance]) {
    const operator = make(network, data);
    const first = await operator.apply(block, 40);
    const others = [operator, operator, make(network, data)];
    const products = await Promise.all(others.map((other) => other.apply(block, 40)));
    for (const again of products) expect(sameBits(again, first)).toBe(true);
    operator[Symbol.dispose]();
  }
});

it('a vector alone and in blocks of any size has the same product within rounding', async () => {
  const network = wide('float64', [40, 10], 'tanh');
  const data = gaussianClusters({ samples: 1500, classes: 4, dimensions: 6, seed: 3 });
  const operator = hessian(network, data);
  const { size } = operator;
  const block = randomVector(70 * size, 5);
  const products = await operator.apply(block, 70);
  for (const row of [0, 15, 16, 63, 69]) {
    const alone = await operator.apply(block.subarray(row * size, (row + 1) * size));
    const within = products.subarray(row * size, (row + 1) * size);
    expect(distance(alone, within)).toBeLessThan(1e-13 * largest(within));
  }
});

describe.each([
  ['float64', 1e-13],
  ['float32', 1e-5],
] as const)('wide layers and few samples, %s', (dtype, tolerance) => {
  // In blocks both tangents come with panels of samples, alone with panels of units; 300 inputs are
  // summed up in pieces.
  it.each([true, false])('in blocks as alone, bias: %s', async (bias) => {
    const network = createNetwork(
      {
        input: [300],
        layers: [
          { type: 'dense', units: 67, bias },
          { type: 'tanh' },
          { type: 'dense', units: 401, bias },
          { type: 'tanh' },
          { type: 'dense', units: 3, bias },
        ],
        loss: 'softmaxCrossEntropy',
      },
      { dtype, seed: 2 },
    );
    const data = gaussianClusters({ samples: 45, classes: 3, dimensions: 300, seed: 3 });
    const operator = hessian(network, data);
    const { size } = operator;
    const block = randomVector(16 * size, 5);
    const products = await operator.apply(block, 16);
    for (const row of [0, 7, 15]) {
      const alone = await operator.apply(block.subarray(row * size, (row + 1) * size));
      const within = products.subarray(row * size, (row + 1) * size);
      expect(distance(alone, within)).toBeLessThan(tolerance * largest(within));
    }
  });
});

it('a wide layer takes several stretches: both ways agree on its matrix', async () => {
  // E of one sample has 220·(220 + 4) entries and more: 128 MiB hold fewer than 340 samples.
  const network = createNetwork({
    input: [1],
    layers: [{ type: 'dense', units: 220 }, { type: 'tanh' }, { type: 'dense', units: 4 }],
    loss: 'softmaxCrossEntropy',
  });
  const data = gaussianClusters({ samples: 700, classes: 4, dimensions: 1, seed: 3 });
  for (const make of [hessian, gradientCovariance]) {
    const operator = make(network, data);
    const closed = await operator.toDense({ via: 'closedForm', threads: 2 });
    const products = await operator.toDense({ via: 'products', blockSize: 256 });
    expect(distance(closed, products)).toBeLessThan(1e-12 * largest(products));
    expect(sameBits(await operator.toDense({ threads: 1 }), closed)).toBe(true);
  }
});
