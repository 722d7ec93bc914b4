// Diagonal blocks: the rows and columns of the named parameters, and nothing else.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  blocks,
  createDataset,
  createNetwork,
  denseSpectrum,
  eigenpairs,
  eigenvalues,
  empiricalFisher,
  gaussianClusters,
  gaussNewton,
  gradientCovariance,
  hessian,
  residual,
  spectrum,
} from '../../src/index.js';
import type { ChosenTensor, CurvatureOperator } from '../../src/index.js';
import { refusal } from '../data/refusal.js';
import { build, distance, largest, problems, randomVector, sameBits } from './random-problems.js';

const makers = { hessian, gaussNewton, residual, empiricalFisher, gradientCovariance };
const terms = Object.keys(makers) as (keyof typeof makers)[];
const ways = ['closedForm', 'products'] as const;

/** Flat indices of tensors in the network's parameters. */
function indicesOf(parameters: readonly ChosenTensor[]): number[] {
  return parameters.flatMap(({ offset, shape }) =>
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => offset + i),
  );
}

/** Rows and columns `indices` of a matrix of order `size`. */
function submatrix(
  matrix: ArrayLike<number>,
  size: number,
  indices: readonly number[],
): Float64Array {
  return Float64Array.from(indices.flatMap((i) => indices.map((j) => matrix[i * size + j] ?? NaN)));
}

const network = createNetwork(
  {
    input: [1, 5, 5],
    layers: [
      { type: 'conv2d', filters: 2, kernelSize: 3, name: 'conv1' },
      { type: 'batchNorm', name: 'norm' },
      { type: 'relu' },
      { type: 'conv2d', filters: 3, kernelSize: 2, name: 'conv2', bias: false },
      { type: 'tanh' },
      { type: 'flatten' },
      { type: 'dense', units: 3, name: 'head' },
    ],
    loss: 'softmaxCrossEntropy',
  },
  { seed: 3 },
);
const images = createDataset({
  inputs: randomVector(12 * 25, 1),
  inputShape: [1, 5, 5],
  targets: Array.from({ length: 12 }, (_, i) => i % 3),
});

describe('names', () => {
  const chosen = (parameters: string | string[]): string[] =>
    hessian(network, images, { parameters }).parameters.map(({ name }) => name);

  it.each([
    ['a layer', 'conv1', ['conv1.weight', 'conv1.bias']],
    ['a tensor', 'conv1.bias', ['conv1.bias']],
    [
      'several, in the order of the layout',
      ['head', 'conv2'],
      ['conv2.weight', 'head.weight', 'head.bias'],
    ],
    ['a layer and its tensor, once', ['conv1', 'conv1.bias'], ['conv1.weight', 'conv1.bias']],
    ['a glob of layers', 'conv*', ['conv1.weight', 'conv1.bias', 'conv2.weight']],
    ['a glob of tensors', '*.bias', ['conv1.bias', 'norm.bias', 'head.bias']],
    ['one character', 'conv?.weight', ['conv1.weight', 'conv2.weight']],
  ] as const)('%s', (_, parameters, expected) => {
    expect(chosen(parameters as string | string[])).toEqual(expected);
  });

  it('say where each tensor is, in the network and in the block', () => {
    const operator = hessian(network, images, { parameters: ['norm', 'head.bias'] });
    const { layout } = network;
    expect(operator.parameters.map(({ start }) => start)).toEqual([0, 2, 4]);
    for (const { name, offset } of operator.parameters) {
      expect(offset).toBe(layout.find((tensor) => tensor.name === name)?.offset);
    }
    expect(operator.size).toBe(7);
    expect(hessian(network, images).parameters.map(({ name }) => name)).toEqual(
      layout.map(({ name }) => name),
    );
  });

  it('that a network gives its tensors count, beside those of layers', () => {
    const named = createNetwork(
      {
        input: [2],
        layers: [{ type: 'dense', units: 2, name: 'fc' }],
        loss: 'softmaxCrossEntropy',
      },
      { tensorNames: ['a*b', 'a[0]'] },
    );
    const data = gaussianClusters({ samples: 5, classes: 2, dimensions: 2 });
    const namesOf = (parameters: string): string[] =>
      hessian(named, data, { parameters }).parameters.map(({ name }) => name);
    expect(namesOf('a*b')).toEqual(['a*b']);
    expect(namesOf('a[0]')).toEqual(['a[0]']);
    expect(namesOf('fc.weight')).toEqual(['a*b']);
    expect(namesOf('fc')).toEqual(['a*b', 'a[0]']);
    expect(namesOf('a[?]')).toEqual(['a[0]']);
  });

  it.each([
    [
      'conv3',
      /hessian: parameters: "conv3" is no layer or tensor with parameters; there are the layers conv1, norm, conv2, head and the tensors conv1.weight, conv1.bias, norm.weight/,
    ],
    ['relu2', /"relu2" is no layer or tensor with parameters/],
    [['conv1', 'x*'], /"x\*" is no layer or tensor/],
    ['conv', /"conv" is no layer or tensor/],
    [[], /option 'parameters' is an array of 0; expected a name of a tensor or layer, or a list/],
    ['', /option 'parameters' is ""; expected/],
    [[3], /option 'parameters.*expected a name of a tensor or layer/],
    [7, /option 'parameters' is 7; expected a name/],
  ] as const)('%j is refused', (parameters, message) => {
    expect(() => hessian(network, images, { parameters: parameters as string })).toThrow(
      refusal('ERR_SPEC', message),
    );
  });

  it('of all layers with parameters are the blocks of a network', () => {
    expect(blocks(network)).toEqual(['conv1', 'norm', 'conv2', 'head']);
    const sizes = blocks(network).map(
      (parameters) => hessian(network, images, { parameters }).size,
    );
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(network.parameterCount);
  });
});

async function expectBlock(
  whole: CurvatureOperator,
  block: CurvatureOperator,
  via: (typeof ways)[number],
  scale: number,
): Promise<void> {
  const indices = indicesOf(block.parameters);
  const matrix = submatrix(await whole.toDense({ via }), whole.size, indices);
  expect(block.size).toBe(indices.length);
  const slack = 1e-13 * scale;
  expect(distance(await block.toDense({ via, blockSize: 3 }), matrix)).toBeLessThanOrEqual(slack);
  const v = randomVector(2 * block.size, 5);
  const products = await block.apply(v, 2);
  for (const [k, row] of [v.subarray(0, block.size), v.subarray(block.size)].entries()) {
    const expected = row.map((_, i) =>
      row.reduce((sum, x, j) => sum + x * (matrix[i * block.size + j] ?? NaN), 0),
    );
    const product = products.subarray(k * block.size, (k + 1) * block.size);
    expect(distance(product, expected)).toBeLessThanOrEqual(10 * block.size * slack);
  }
}

describe('matrices', () => {
  it('are submatrices of the whole, by both ways, for any chain and selection', async () => {
    const choice = fc.array(fc.nat(), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(problems(), choice, async (problem, picks) => {
        const { network: chain, data } = build(problem, 'float64');
        const names = chain.layout.flatMap(({ name, layer }) => [name, layer]);
        const parameters = picks.map((pick) => names[pick % names.length] ?? '');
        const scale =
          largest(await hessian(chain, data).toDense()) +
          largest(await gaussNewton(chain, data).toDense()) +
          largest(await empiricalFisher(chain, data).toDense());
        for (const term of terms) {
          const block = makers[term](chain, data, { parameters });
          for (const via of ways) await expectBlock(makers[term](chain, data), block, via, scale);
        }
      }),
      { seed: 20260728, numRuns: 40 },
    );
  });

  it.each([['conv*'], ['norm'], ['conv1.bias'], ['*.weight'], ['head']])(
    'of %s in a convolutional network are submatrices too',
    async (parameters) => {
      const scale = largest(await hessian(network, images).toDense());
      for (const term of terms) {
        const block = makers[term](network, images, { parameters });
        await expectBlock(makers[term](network, images), block, 'products', scale);
      }
    },
  );

  it('of every layer in a residual network are submatrices', async () => {
    const branched = createNetwork(
      {
        input: [4],
        layers: [
          { type: 'dense', units: 3, name: 'a' },
          { type: 'batchNorm', name: 'norm' },
          { type: 'tanh', name: 't' },
          { type: 'dense', units: 3, name: 'b' },
          { type: 'add', inputs: ['b', 't'], name: 'sum' },
          { type: 'dense', units: 2, name: 'side', inputs: ['input'] },
          { type: 'concat', inputs: ['sum', 'side', 'input'] },
          { type: 'silu' },
          { type: 'dense', units: 3, name: 'head' },
        ],
        loss: { type: 'softmaxCrossEntropy', labelSmoothing: 0.1 },
      },
      { seed: 5 },
    );
    const data = gaussianClusters({ samples: 70, classes: 3, dimensions: 4, seed: 2 });
    const scale = largest(await hessian(branched, data).toDense());
    for (const parameters of [...blocks(branched), ['b', 'side'], ['norm.bias', 'head']]) {
      for (const term of terms) {
        const block = makers[term](branched, data, { parameters });
        await expectBlock(makers[term](branched, data), block, 'products', scale);
      }
    }
  });

  it('have the eigenvalues of the submatrix within their bounds, and its eigenpairs', async () => {
    const chain = createNetwork(
      {
        input: [4],
        layers: [{ type: 'dense', units: 6 }, { type: 'relu' }, { type: 'dense', units: 3 }],
        loss: 'softmaxCrossEntropy',
      },
      { seed: 1 },
    );
    const data = gaussianClusters({ samples: 50, classes: 3, dimensions: 4, seed: 2 });
    for (const parameters of ['dense0', 'dense2.bias', ['dense0.weight', 'dense2']]) {
      const block = hessian(chain, data, { parameters });
      const found = await denseSpectrum(block);
      const whole = await denseSpectrum(hessian(chain, data));
      expect(found.errorBound).toBeLessThanOrEqual(whole.errorBound);
      const { values, residualNorms } = await eigenpairs(block);
      expect(distance(found.eigenvalues, values)).toBeLessThanOrEqual(2 * found.errorBound);
      expect(largest(residualNorms)).toBeLessThanOrEqual(found.errorBound);
      const byProducts = await eigenvalues(block, { via: 'products' });
      expect(distance(found.eigenvalues, byProducts)).toBeLessThanOrEqual(2 * found.errorBound);
    }
  });

  it('count the exact zeros of their own rows', async () => {
    // A dead unit: its weights curve nothing, in the whole matrix and in each block.
    const chain = createNetwork(
      {
        input: [2],
        layers: [{ type: 'dense', units: 2 }, { type: 'relu' }, { type: 'dense', units: 1 }],
        loss: 'meanSquaredError',
      },
      { parameters: [1, 1, 1, 1, 5, -50, 1, 1, 0] },
    );
    const data = createDataset({
      inputs: [
        [1, 2],
        [0.5, -1],
        [2, 1],
      ],
      targets: [[1], [0], [2]],
    });
    const zerosOf = async (parameters: string): Promise<number> =>
      (await denseSpectrum(hessian(chain, data, { parameters }))).exactZeros;
    expect(await zerosOf('dense0.weight')).toBe(2);
    expect(await zerosOf('dense0')).toBe(3);
    expect(await zerosOf('dense2')).toBe(1);
    expect((await denseSpectrum(hessian(chain, data))).exactZeros).toBe(4);
  });

  it('have the same bits on 1, 2 and 3 threads', async () => {
    const data = gaussianClusters({ samples: 900, classes: 3, dimensions: 4, seed: 2 });
    const chain = createNetwork({
      input: [4],
      layers: [{ type: 'dense', units: 9 }, { type: 'gelu' }, { type: 'dense', units: 3 }],
      loss: 'softmaxCrossEntropy',
    });
    for (const term of terms) {
      const all = await Promise.all(
        [1, 2, 3].map(async (threads) => {
          const block = makers[term](chain, data, {
            threads,
            parameters: ['dense0.weight', 'dense2'],
          });
          const products = await block.apply(randomVector(20 * block.size, 1), 20);
          return [products, await block.toDense()] as const;
        }),
      );
      const [[products, matrix] = []] = all;
      for (const [otherProducts, otherMatrix] of all) {
        expect(sameBits(otherProducts, products) && sameBits(otherMatrix, matrix)).toBe(true);
      }
    }
  });

  it('of a float32 network agree with float64 to its rounding', async () => {
    const data = gaussianClusters({ samples: 60, classes: 3, dimensions: 4, seed: 2 });
    const spec = {
      input: [4],
      layers: [{ type: 'dense', units: 9 }, { type: 'gelu' }, { type: 'dense', units: 3 }],
      loss: 'softmaxCrossEntropy',
    } as const;
    const single = createNetwork(spec, { dtype: 'float32' });
    const double = createNetwork(spec, { parameters: single.parameters() });
    const matrixOf = (of: typeof single | typeof double) =>
      hessian(of, data, { parameters: '*.weight' }).toDense();
    const expected = await matrixOf(double);
    expect(distance(await matrixOf(single), expected)).toBeLessThan(1e-5 * largest(expected));
  });
});

it('a spectrum takes them for all its terms', async () => {
  const result = await spectrum(network, images, {
    terms: ['hessian', 'gaussNewton'],
    parameters: ['conv2', 'head.bias'],
  });
  const direct = await eigenvalues(
    hessian(network, images, { parameters: ['conv2', 'head.bias'] }),
  );
  expect(result.terms.hessian.eigenvalues).toEqual(direct);
  expect(result.parameters).toEqual(['conv2.weight', 'head.bias']);
  expect(result.parameterCount).toBe(direct.length);
  expect(result.toJSON()).toMatchObject({ parameters: result.parameters });
  const whole = await spectrum(network, images);
  expect('parameters' in whole).toBe(false);
});
