// K-FAC and EKFAC against the dense blocks of G.

import { describe, expect, it } from 'vitest';

import {
  blocks,
  createDataset,
  createNetwork,
  eigenvalues,
  diagonal,
  ekfac,
  empiricalFisher,
  gaussNewton,
  kfac,
  matrixOperator,
  monteCarloFisher,
  trace as traceOf,
} from '../../src/index.js';
import type { Dataset, DType, LayerSpec, LossSpec, Network } from '../../src/index.js';
import { distance, dot, largest, randomVector, sameBits } from './random-problems.js';
import { asJavaScript, smallData, smallNetwork } from './small-network.js';

const losses: readonly LossSpec[] = [
  'softmaxCrossEntropy',
  'meanSquaredError',
  'binaryCrossEntropy',
  {
    type: 'softmaxCrossEntropy',
    classWeights: [0.5, 1, 3],
    labelSmoothing: 0.2,
    ignoreIndex: -100,
  },
];

interface Problem<D extends DType> {
  readonly network: Network<D>;
  readonly data: Dataset;
}

function problem<D extends DType>(
  input: number[],
  layers: readonly LayerSpec[],
  loss: LossSpec,
  samples: number,
  dtype: D,
): Problem<D> {
  const network = createNetwork({ input, layers, loss }, { seed: 3, dtype });
  // Biases and normalizations away from their beginnings.
  const noise = randomVector(network.parameterCount, 5);
  network.setParameters(network.parameters().map((value, i) => value + 0.3 * (noise[i] ?? NaN)));
  const size = input.reduce((product, extent) => product * extent, 1);
  const classes = typeof loss === 'object' || loss === 'softmaxCrossEntropy';
  return {
    network,
    data: createDataset({
      inputs: Array.from({ length: samples }, (_, n) => Array.from(randomVector(size, n + 1))),
      inputShape: input,
      targets: Array.from({ length: samples }, (_, n) => n % 3).map((c) =>
        classes ? c : [0.2, c / 2, 1 - c / 3],
      ) as number[],
      weights: Array.from({ length: samples }, (_, n) => 1 + (n % 3)),
    }),
  };
}

const perceptron: readonly LayerSpec[] = [
  { type: 'dense', units: 4 },
  { type: 'tanh' },
  { type: 'dense', units: 5, bias: false },
  { type: 'softplus' },
  { type: 'dense', units: 3, name: 'last' },
];
/** Convolutions with padding, stride, dilation and groups, and normalizations of images and vectors. */
const images: readonly LayerSpec[] = [
  { type: 'conv2d', filters: 4, kernelSize: 3, padding: 1 },
  { type: 'batchNorm', name: 'norm1' },
  { type: 'tanh' },
  { type: 'conv2d', filters: 4, kernelSize: 2, stride: 2, groups: 2 },
  { type: 'layerNorm', name: 'norm2', scale: false },
  { type: 'conv2d', filters: 3, kernelSize: 2, dilation: 2, bias: false },
  { type: 'flatten' },
  { type: 'dense', units: 4 },
  { type: 'batchNorm', name: 'norm3', bias: false },
  { type: 'tanh' },
  { type: 'dense', units: 3, name: 'last' },
];
/** Every window fits once. */
const onePosition: readonly LayerSpec[] = [
  { type: 'conv2d', filters: 4, kernelSize: [3, 4] },
  { type: 'tanh' },
  { type: 'conv2d', filters: 5, kernelSize: 1, bias: false },
  { type: 'flatten' },
  { type: 'dense', units: 3 },
];

const frobenius = (a: ArrayLike<number>, b?: ArrayLike<number>): number =>
  Math.sqrt(Array.from(a).reduce((sum, value, i) => sum + (value - (b?.[i] ?? 0)) ** 2, 0));
const trace = (matrix: ArrayLike<number>): number => {
  const size = Math.sqrt(matrix.length);
  return Array.from({ length: size }, (_, i) => matrix[i * (size + 1)] ?? NaN).reduce(
    (sum, value) => sum + value,
    0,
  );
};

describe('K-FAC and EKFAC', () => {
  it('are the blocks of G for one sample and one position', async () => {
    for (const loss of losses) {
      for (const { network, data } of [
        problem([3], perceptron, loss, 1, 'float64'),
        problem([2, 3, 4], onePosition, loss, 1, 'float64'),
      ]) {
        for (const parameters of [...blocks(network), ...network.layout.map(({ name }) => name)]) {
          const g = await gaussNewton(network, data, { parameters }).toDense();
          for (const make of [kfac, ekfac]) {
            for (const positions of ['expand', 'reduce'] as const) {
              const block = await make(network, data, { parameters, positions }).toDense();
              expect(distance(block, g)).toBeLessThanOrEqual(1e-13 * largest(g));
            }
          }
        }
      }
    }
  });

  it('leave out samples that are ignored or of weight 0', async () => {
    const { network } = problem([3], perceptron, losses[3] ?? 'softmaxCrossEntropy', 1, 'float64');
    const inputs = [1, 2, 3].map((n) => Array.from(randomVector(3, n)));
    const data = createDataset({ inputs, targets: [-100, 2, 1], weights: [2, 3, 0] });
    for (const parameters of blocks(network)) {
      const g = await gaussNewton(network, data, { parameters }).toDense();
      const block = await kfac(network, data, { parameters }).toDense();
      expect(largest(g)).toBeGreaterThan(0);
      expect(distance(block, g)).toBeLessThanOrEqual(1e-13 * largest(g));
    }
  });

  it('differ from G for several samples; EKFAC has its trace, and is never further than K-FAC', async () => {
    for (const loss of losses) {
      for (const { network, data } of [
        problem([3], perceptron, loss, 40, 'float64'),
        problem([2, 6, 6], images, loss, 11, 'float64'),
      ]) {
        for (const parameters of blocks(network)) {
          const g = await gaussNewton(network, data, { parameters }).toDense();
          for (const positions of ['expand', 'reduce'] as const) {
            const options = { parameters, positions };
            const plain = await kfac(network, data, options).toDense();
            const corrected = await ekfac(network, data, options).toDense();
            expect(Math.abs(trace(corrected) - trace(g))).toBeLessThan(1e-12 * trace(g));
            const [near, far] = [frobenius(corrected, g), frobenius(plain, g)];
            expect(near).toBeLessThanOrEqual(far + 1e-12 * frobenius(g));
            // Under squared error ∇²ℓ is the same for all samples, and so is δ at the last layer.
            const constant = parameters === 'last' && loss === 'meanSquaredError';
            const exact = parameters.startsWith('norm') || constant;
            if (exact) expect(distance(plain, g)).toBeLessThanOrEqual(1e-12 * largest(g));
            else expect(far).toBeGreaterThan(1e-3 * frobenius(g));
          }
        }
      }
    }
  });

  it('are block diagonal, symmetric to the bit, and what their products and eigenvalues are of', async () => {
    const { network, data } = problem([2, 6, 6], images, 'softmaxCrossEntropy', 9, 'float64');
    const size = network.parameterCount;
    const vectors = randomVector(3 * size, 1);
    for (const make of [kfac, ekfac]) {
      const operator = make(network, data, { weightDecay: 0.25 });
      const matrix = await operator.toDense();
      const products = await operator.apply(vectors, 3);
      for (let k = 0; k < 3; k += 1) {
        const v = vectors.subarray(k * size, (k + 1) * size);
        const rows = v.map((_, i) => dot(matrix.subarray(i * size, (i + 1) * size), v));
        expect(distance(products.subarray(k * size, (k + 1) * size), rows)).toBeLessThan(
          1e-12 * largest(rows),
        );
      }
      const transposed = matrix.map(
        (_, i) => matrix[(i % size) * size + Math.floor(i / size)] ?? 0,
      );
      expect(sameBits(matrix, transposed)).toBe(true);
      const entries = await diagonal(operator);
      const expected = vectors.subarray(0, size).map((_, i) => matrix[i * (size + 1)] ?? NaN);
      expect(distance(entries.values, expected)).toBeLessThan(1e-13 * largest(matrix));
      const values = await eigenvalues(operator);
      const dense = await eigenvalues(matrixOperator(matrix, size));
      expect(distance(values, dense)).toBeLessThan(1e-13 * size * largest(values));
      for (const parameters of blocks(network)) {
        const block = await make(network, data, { parameters, weightDecay: 0.25 }).toDense();
        const [first] = network.layout.filter(({ layer }) => layer === parameters);
        const [m, start] = [Math.sqrt(block.length), first?.offset ?? NaN];
        const part = block.map(
          (_, i) => matrix[(start + Math.floor(i / m)) * size + start + (i % m)] ?? NaN,
        );
        expect(distance(block, part)).toBeLessThan(1e-13 * largest(block));
      }
      const layerOf = (i: number) =>
        network.layout.findLast(({ offset }) => offset <= i)?.layer ?? '';
      const layers = Array.from({ length: size }, (_, i) => layerOf(i));
      const between = matrix.filter((_, i) => layers[Math.floor(i / size)] !== layers[i % size]);
      expect(largest(between)).toBe(0);
    }
  });

  it('expand: A is Σ_t of patches and T·S the Σ_t of an untied layer; reduce: the bias block is that of G', async () => {
    const conv: LayerSpec = { type: 'conv2d', filters: 2, kernelSize: 2 };
    const rest: LayerSpec[] = [{ type: 'tanh' }, { type: 'dense', units: 3 }];
    const flatten: LayerSpec = { type: 'flatten' };
    const [side, out, filters, samples] = [3, 2, 2, 6];
    const { network, data } = problem(
      [1, side, side],
      [conv, flatten, ...rest],
      'softmaxCrossEntropy',
      samples,
      'float64',
    );
    // The same network with a dense layer in place of the convolution.
    const untied = createNetwork({
      input: [1, side, side],
      layers: [flatten, { type: 'dense', units: filters * out * out }, ...rest],
      loss: 'softmaxCrossEntropy',
    });
    const theta = network.parameters();
    const units = Array.from({ length: filters * out * out }, (_, u) => ({
      f: Math.floor(u / 4),
      r: Math.floor(u / 2) % 2,
      c: u % 2,
    }));
    const pixels = Array.from({ length: side * side }, (_, p) => [Math.floor(p / side), p % side]);
    const weights = units.flatMap(({ f, r, c }) =>
      pixels.map(([y = NaN, x = NaN]) =>
        [0, 1].includes(y - r) && [0, 1].includes(x - c)
          ? (theta[f * 4 + (y - r) * 2 + (x - c)] ?? NaN)
          : 0,
      ),
    );
    const biases = units.map(({ f }) => theta[filters * 4 + f] ?? NaN);
    untied.setParameters([...weights, ...biases, ...theta.subarray(filters * 5)]);
    const name = network.layout[1]?.name ?? '';
    const wide = await gaussNewton(untied, data, {
      parameters: untied.layout[1]?.name,
    }).toDense();
    const s = [0, 1, 2, 3].map((entry) => {
      const [f, g] = [Math.floor(entry / 2), entry % 2];
      return [0, 1, 2, 3].reduce((sum, t) => sum + (wide[(f * 4 + t) * 8 + g * 4 + t] ?? NaN), 0);
    });
    const bias = await kfac(network, data, { parameters: name }).toDense();
    expect(distance(bias, s)).toBeLessThan(1e-14);
    const reduced = await kfac(network, data, { parameters: name, positions: 'reduce' }).toDense();
    const g = await gaussNewton(network, data, { parameters: name }).toDense();
    expect(distance(reduced, g)).toBeLessThan(1e-14);
    // A of weights and bias, by its definition.
    const total = Array.from({ length: samples }, (_, n) => 1 + (n % 3)).reduce((a, b) => a + b, 0);
    const a = new Float64Array(25);
    for (let n = 0; n < samples; n += 1) {
      const image = randomVector(side * side, n + 1);
      for (const [r, c] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ] as const) {
        const at = (i: number, j: number) => image[(r + i) * side + c + j] ?? NaN;
        const patch = [at(0, 0), at(0, 1), at(1, 0), at(1, 1), 1];
        patch.forEach((x, i) => {
          patch.forEach((y, j) => {
            a[i * 5 + j] = (a[i * 5 + j] ?? NaN) + ((1 + (n % 3)) / total) * x * y;
          });
        });
      }
    }
    const block = await kfac(network, data, { parameters: network.layout[0]?.layer }).toDense();
    const place = (row: number) => (row < 8 ? [Math.floor(row / 4), row % 4] : [row - 8, 4]);
    const expected = block.map((_, entry) => {
      const [o = NaN, i = NaN] = place(Math.floor(entry / 10));
      const [p = NaN, j = NaN] = place(entry % 10);
      return ((s[o * 2 + p] ?? NaN) / 4) * (a[i * 5 + j] ?? NaN);
    });
    expect(distance(block, expected)).toBeLessThan(1e-14 * (1 + largest(block)));
  });

  it('take their factors from drawn labels or the data’s own, when asked', async () => {
    const { network, data } = problem([3], perceptron, 'softmaxCrossEntropy', 1, 'float64');
    for (const parameters of blocks(network)) {
      const drawn = { parameters, samples: 4, seed: 8 };
      const fisher = await monteCarloFisher(network, data, drawn).toDense();
      const estimate = await kfac(network, data, { ...drawn, fisher: 'monteCarlo' }).toDense();
      expect(distance(estimate, fisher)).toBeLessThan(1e-13 * largest(fisher));
      const empirical = await empiricalFisher(network, data, { parameters }).toDense();
      const own = await kfac(network, data, { parameters, fisher: 'empirical' }).toDense();
      expect(distance(own, empirical)).toBeLessThan(1e-13 * largest(empirical));
    }
  });

  it('have the same bits on 1, 2 and 3 threads, and in float32 the same numbers but for rounding', async () => {
    const loss = 'softmaxCrossEntropy';
    const { network, data } = problem([2, 6, 6], images, loss, 300, 'float64');
    const single = createNetwork(network.spec, {
      dtype: 'float32',
      parameters: network.parameters(),
    });
    const vector = randomVector(network.parameterCount, 2);
    for (const make of [kfac, ekfac]) {
      const [one, two, three] = await Promise.all(
        [1, 2, 3].map((threads) => make(network, data, { threads }).apply(vector)),
      );
      expect(sameBits(one, two) && sameBits(one, three)).toBe(true);
      const rounded = await make(single, data).apply(vector);
      expect(distance(rounded, one ?? [])).toBeLessThan(1e-4 * largest(rounded));
    }
  });

  it('give eigenvalues where no matrix would fit', async () => {
    const layers: LayerSpec[] = [
      { type: 'dense', units: 300 },
      { type: 'relu' },
      { type: 'dense', units: 3 },
    ];
    const { network, data } = problem([400], layers, 'softmaxCrossEntropy', 20, 'float64');
    const values = await eigenvalues(kfac(network, data));
    const corrected = await eigenvalues(ekfac(network, data));
    expect(values).toHaveLength(network.parameterCount); // 121,203: the matrix would take 109 GiB
    const sum = corrected.reduce((total, value) => total + value, 0);
    expect(values[0]).toBeGreaterThan(-1e-12 * largest(values));
    // EKFAC has the trace of G.
    const estimated = await traceOf(gaussNewton(network, data), {
      method: 'hutchinson',
      products: 200,
    });
    expect(Math.abs(sum - estimated.value)).toBeLessThan(4 * estimated.standardError);
  });

  it('refuse what they cannot do', async () => {
    const custom = createNetwork({
      input: [2],
      layers: [{ type: 'dense', units: 2 }],
      loss: {
        type: 'custom',
        value: (outputs) => (outputs[0] ?? 0) ** 2,
        gradient: (outputs) => [2 * (outputs[0] ?? 0), 0],
        hessian: () => [
          [2, 0],
          [0, 0],
        ],
      },
    });
    await expect(asJavaScript(kfac, custom, smallData)).rejects.toMatchObject({
      code: 'ERR_SPEC',
      message: expect.stringContaining("custom, of which fisher: 'exact'") as string,
    });
    await expect(
      asJavaScript(ekfac, smallNetwork, smallData, { fisher: 'real' }),
    ).rejects.toMatchObject({
      code: 'ERR_SPEC',
      message: expect.stringContaining("option 'fisher' is") as string,
    });
  });
});
