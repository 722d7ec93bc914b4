// One checker for every operation: a random network around it, whose gradient is held against central
// differences of the loss, and whose curvature against central differences of the gradient.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  gaussNewton,
  gradientCovariance,
  hessian,
  residual,
} from '../../src/index.js';
import type { Conv2dSpec, Dataset, LayerSpec, Network, NetworkSpec } from '../../src/index.js';
import { createRandom } from '../../src/data/random.js';
import { smoothActivations } from '../network/activations.js';

/** Central differences with step h lose ε/h to rounding and h² to curvature: 1e-5 leaves about 1e-9. */
const step = 1e-5;
const tolerance = 2e-7;

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, index) => sum + value * (b[index] ?? NaN), 0);
const norm = (a: ArrayLike<number>): number => Math.sqrt(dot(a, a));
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  norm(Array.from(a, (value, index) => value - (b[index] ?? NaN)));

function randomVector(size: number, seed: number): Float64Array {
  const random = createRandom(seed);
  return new Float64Array(size).map(() => random.normal());
}

function setUp(spec: NetworkSpec, seed: number): [Network<'float64'>, Dataset] {
  const network = createNetwork(spec, { seed });
  // Norms start at γ = 1 and β = 0, which would hide their part: move everything.
  const moved = randomVector(network.parameterCount, seed + 1).map((value) => 0.3 * value);
  network.setParameters(network.parameters().map((value, index) => value + (moved[index] ?? 0)));
  const samples = 5;
  const size = spec.input.reduce((product, extent) => product * extent, 1);
  const classes = Array.from({ length: samples }, (_, index) => index % network.outputCount);
  const inputs = randomVector(samples * size, seed + 2);
  return [network, createDataset({ inputs, targets: classes, inputShape: spec.input })];
}

/** f(θ + h v) and f(θ − h v) */
async function aside<Result>(
  network: Network,
  direction: Float64Array,
  evaluate: (moved: Network) => Promise<Result>,
): Promise<[Result, Result]> {
  const theta = network.parameters();
  const at = async (h: number): Promise<Result> => {
    using moved = network.clone();
    moved.setParameters(Array.from(theta, (value, i) => value + h * (direction[i] ?? 0)));
    return await evaluate(moved);
  };
  return [await at(step), await at(-step)];
}

async function checkDerivatives(spec: NetworkSpec, seed: number): Promise<void> {
  const [network, data] = setUp(spec, seed);
  const size = network.parameterCount;
  const v = randomVector(size, seed + 3);
  const u = randomVector(size, seed + 4);
  const gradient = await network.gradient(data);

  const [more, less] = await aside(network, v, (moved) => moved.loss(data));
  const slope = (more - less) / (2 * step);
  expect(Math.abs(dot(gradient, v) - slope)).toBeLessThan(tolerance * (1 + Math.abs(slope)));

  const [after, before] = await aside(network, v, (moved) => moved.gradient(data));
  const difference = Array.from(after, (g, i) => (g - (before[i] ?? NaN)) / (2 * step));
  const h = hessian(network, data);
  const g = gaussNewton(network, data);
  const r = residual(network, data);
  const products = await h.apply([...v, ...u], 2);
  const hv = products.slice(0, size);
  expect(distance(hv, difference)).toBeLessThan(tolerance * (1 + norm(difference)));
  expect(Math.abs(dot(u, hv) - dot(v, products.slice(size)))).toBeLessThan(
    1e-11 * (1 + norm(hv)) * norm(u),
  );

  const gv = await g.apply(v);
  const rv = await r.apply(v);
  expect(
    distance(
      hv,
      gv.map((value, i) => value + (rv[i] ?? NaN)),
    ),
  ).toBeLessThan(1e-12 * (1 + norm(hv)));
  expect(dot(v, gv)).toBeGreaterThan(-1e-12 * norm(gv) * norm(v));
  await checkAdjoint(network, data, v, gv);
  await checkMatrix(network, data, v, hv);
}

/** vᵀGv = Σ ḟᵀ ∇²ℓ ḟ / N with ḟ by central differences of the outputs, and ∇²ℓ of softmax in full. */
async function checkAdjoint(
  network: Network,
  data: Dataset,
  v: Float64Array,
  gv: ArrayLike<number>,
): Promise<void> {
  const [more, less] = await aside(network, v, (moved) => moved.predict(data));
  const f = await network.predict(data);
  const outputs = network.outputCount;
  let expected = 0;
  for (let n = 0; n < data.sampleCount; n += 1) {
    const row = (a: ArrayLike<number>): number[] =>
      Array.from(a).slice(n * outputs, (n + 1) * outputs);
    const exponentials = row(f).map((value) => Math.exp(value - Math.max(...row(f))));
    const total = exponentials.reduce((sum, value) => sum + value, 0);
    const p = exponentials.map((value) => value / total);
    const fDot = row(more).map((value, c) => (value - (row(less)[c] ?? NaN)) / (2 * step));
    const mean = dot(p, fDot);
    expected += fDot.reduce((sum, value, c) => sum + (p[c] ?? NaN) * (value - mean) ** 2, 0);
  }
  expected /= data.sampleCount;
  expect(Math.abs(dot(v, gv) - expected)).toBeLessThan(tolerance * (1 + expected));
}

/** The matrix is symmetric to the bit and gives the products; the bits do not depend on threads. */
async function checkMatrix(
  network: Network<'float64'>,
  data: Dataset,
  v: Float64Array,
  hv: ArrayLike<number>,
): Promise<void> {
  const h = hessian(network, data);
  const matrix = await h.toDense({ via: 'products', blockSize: 7, threads: 1 });
  expect(await h.toDense({ via: 'products', blockSize: 7, threads: 3 })).toEqual(matrix);
  const size = network.parameterCount;
  const rows = Array.from({ length: size }, (_, i) => matrix.subarray(i * size, (i + 1) * size));
  expect(
    distance(
      rows.map((row) => dot(row, v)),
      hv,
    ),
  ).toBeLessThan(1e-12 * (1 + norm(hv)));
  const covariance = await gradientCovariance(network, data).apply(v);
  expect(dot(v, covariance)).toBeGreaterThan(-1e-12 * (norm(covariance) * norm(v) + 1));
}

const smooth = fc.constantFrom(...smoothActivations);
const seed = fc.integer({ min: 0, max: 1_000_000 });
const small = fc.integer({ min: 1, max: 3 });
const sides = fc.tuple(
  ...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 2 })),
) as fc.Arbitrary<[number, number, number, number]>;

const convolution: fc.Arbitrary<Conv2dSpec> = fc.record({
  type: fc.constant('conv2d' as const),
  filters: fc.constantFrom(2, 4),
  kernelSize: fc.tuple(small, small),
  stride: fc.tuple(fc.integer({ min: 1, max: 2 }), small),
  padding: sides,
  dilation: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
  groups: fc.constantFrom(1, 2),
  bias: fc.boolean(),
});
const pool: fc.Arbitrary<LayerSpec> = fc.oneof(
  fc.record({
    type: fc.constant('maxPool2d' as const),
    size: fc.constant([2, 2] as const),
    stride: fc.tuple(small, small),
    padding: fc.constantFrom(0, 1),
  }),
  fc.record({
    type: fc.constant('avgPool2d' as const),
    size: fc.constant([2, 2] as const),
    stride: fc.tuple(small, small),
    padding: fc.constantFrom(0, 1),
    countPadding: fc.boolean(),
  }),
  fc.constant({ type: 'globalAvgPool2d' as const }),
);
const affine = fc.record({ scale: fc.boolean(), bias: fc.boolean() });
const batchNorm = (channels: number): Extract<LayerSpec, { type: 'batchNorm' }> => ({
  type: 'batchNorm',
  mean: Array.from({ length: channels }, (_, c) => 0.1 * c),
  variance: Array.from({ length: channels }, (_, c) => 0.5 + c),
});

const head: readonly LayerSpec[] = [{ type: 'flatten' }, { type: 'dense', units: 3 }];
const spec = (input: readonly number[], layers: readonly LayerSpec[]): NetworkSpec => ({
  input,
  layers: [...layers, ...head],
  loss: 'softmaxCrossEntropy',
});
const runs = { numRuns: 12, seed: 7 };

describe('derivatives agree with central differences', () => {
  it('of convolutions of every stride, padding, dilation and group, twice in a row', () =>
    fc.assert(
      fc.asyncProperty(convolution, smooth, convolution, seed, (first, type, second, random) =>
        checkDerivatives(
          spec([2, 7, 6], [first, { type }, { ...second, kernelSize: [1, 2] }]),
          random,
        ),
      ),
      runs,
    ));

  it('of pooling, with padding and overlap', () =>
    fc.assert(
      fc.asyncProperty(pool, smooth, seed, (layer, type, random) =>
        checkDerivatives(
          spec([1, 6, 5], [{ type: 'conv2d', filters: 2, kernelSize: 2 }, { type }, layer]),
          random,
        ),
      ),
      runs,
    ));

  it('of batchNorm and layerNorm, on images and vectors, first and later', () =>
    fc.assert(
      fc.asyncProperty(smooth, seed, fc.boolean(), affine, async (type, random, first, parts) => {
        const convolve: LayerSpec = { type: 'conv2d', filters: 2, kernelSize: 2 };
        const image: readonly LayerSpec[] = first
          ? [{ ...batchNorm(2), ...parts }, convolve, { type }, { type: 'layerNorm', ...parts }]
          : [{ type: 'layerNorm', ...parts }, convolve, { ...batchNorm(2), ...parts }, { type }];
        await checkDerivatives(spec([2, 4, 3], image), random);
        const vector: readonly LayerSpec[] = [
          { type: 'dense', units: 4 },
          { type: 'layerNorm', ...parts },
          { type },
          { type: 'dense', units: 3 },
          { ...batchNorm(3), ...parts },
        ];
        await checkDerivatives(spec([5], vector), random);
      }),
      runs,
    ));

  it('of add and concat: residual blocks, values read twice, the input read late', () =>
    fc.assert(
      fc.asyncProperty(smooth, seed, (type, random) =>
        checkDerivatives(
          spec(
            [2, 3, 3],
            [
              { type: 'conv2d', filters: 2, kernelSize: 3, padding: 1, name: 'a' },
              { type, name: 'b' },
              { type: 'conv2d', filters: 2, kernelSize: 3, padding: 1, name: 'c' },
              { type: 'add', inputs: ['c', 'b', 'input'], name: 'd' },
              { type: 'add', inputs: ['d', 'd'], name: 'e' },
              { type: 'concat', inputs: ['e', 'input', 'b', 'e'] },
            ],
          ),
          random,
        ),
      ),
      runs,
    ));

  it('of channelsFirst, of the input and later, beside another reader of the same image', () =>
    fc.assert(
      fc.asyncProperty(smooth, seed, fc.boolean(), (type, random, first) => {
        const moved: LayerSpec = { type: 'channelsFirst', name: 'moved' };
        const before: LayerSpec = {
          type: 'conv2d',
          filters: 3,
          kernelSize: [2, 1],
          name: 'before',
        };
        return checkDerivatives(
          spec(
            [4, 5, 2],
            [
              ...(first ? [] : [before]),
              moved,
              { type: 'conv2d', filters: 3, kernelSize: 2, name: 'a' },
              { type, name: 'b' },
              { type: 'channelsFirst' },
              { type: 'conv2d', filters: 2, kernelSize: 1, name: 'c' },
              { type: 'flatten', name: 'd' },
              { type: 'flatten', inputs: [first ? 'input' : 'before'], name: 'e' },
              { type: 'concat', inputs: ['d', 'e'] },
            ],
          ),
          random,
        );
      }),
      runs,
    ));
});
