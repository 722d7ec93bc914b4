// Public faults of other tools (shared list, numbers 1, 2, 4, 6): the right values by hand.

import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  eigenvalues,
  empiricalFisher,
  gaussNewton,
  gradientCovariance,
  hessian,
  residual,
  spectrum,
} from '../../src/index.js';
import type { ActivationType, LayerSpec, NetworkSpec } from '../../src/index.js';
import { smoothActivations } from '../network/activations.js';
import { distance } from './random-problems.js';

const noBias = (units: number): LayerSpec => ({ type: 'dense', units, bias: false });

describe('1: the empirical Fisher of a mean over outputs', () => {
  const spec: NetworkSpec = { input: [1], layers: [noBias(2)], loss: 'meanSquaredError' };
  const data = createDataset({
    inputs: [[1], [2]],
    targets: [
      [1, 1],
      [2, 0],
    ],
  });

  it.each(['float64', 'float32'] as const)(
    'divides by samples, and once by outputs (%s)',
    async (dtype) => {
      const network = createNetwork(spec, { dtype, initializer: 'zeros' });
      const matrices = async (via: 'closedForm' | 'products'): Promise<number[][]> =>
        Promise.all(
          [empiricalFisher, gradientCovariance, hessian, gaussNewton, residual].map(
            async (make) => [...(await make(network, data).toDense({ via }))],
          ),
        );
      const expected = [
        [8.5, 0.5, 0.5, 0.5],
        [2.25, -0.75, -0.75, 0.25],
        [2.5, 0, 0, 2.5],
        [2.5, 0, 0, 2.5],
        [0, 0, 0, 0],
      ];
      expect(await matrices('closedForm')).toEqual(expected);
      expect(await matrices('products')).toEqual(expected);
      const fisher = await eigenvalues(empiricalFisher(network, data));
      expect(fisher[0]).toBeCloseTo(0.4688711, 6);
      expect(fisher[1]).toBeCloseTo(8.5311289, 6);
      const covariance = await eigenvalues(gradientCovariance(network, data));
      expect(covariance[0]).toBeCloseTo(0, 6);
      expect(covariance[1]).toBeCloseTo(2.5, 6);
    },
  );
});

describe.each(['float64', 'float32'] as const)('2: softmax cross-entropy (%s)', (dtype) => {
  const spec: NetworkSpec = { input: [1], layers: [noBias(2)], loss: 'softmaxCrossEntropy' };

  it('has a second derivative', async () => {
    const network = createNetwork(spec, { dtype, parameters: [0.5, 0.5] });
    const data = createDataset({ inputs: [[1]], targets: [0] });
    expect([...(await network.gradient(data))]).toEqual([-0.5, 0.5]);
    const curved = [0.25, -0.25, -0.25, 0.25];
    expect([...(await hessian(network, data).toDense())]).toEqual(curved);
    expect([...(await gaussNewton(network, data).toDense())]).toEqual(curved);
    expect([...(await residual(network, data).toDense())]).toEqual([0, 0, 0, 0]);
    expect(distance(await eigenvalues(hessian(network, data)), [0, 0.5])).toBeLessThan(2 ** -22);
  });

  it.each([
    ['wrong by far', 1, 1000, [1, -1]],
    ['right by far', 0, 0, [0, 0]],
  ] as const)('is finite where a class is %s', async (_, target, loss, gradient) => {
    const network = createNetwork(spec, { dtype, parameters: [1000, 0] });
    const data = createDataset({ inputs: [[1]], targets: [target] });
    expect(await network.loss(data)).toBe(loss);
    expect(distance(await network.gradient(data), gradient)).toBe(0);
    for (const make of [hessian, gaussNewton, residual]) {
      for (const via of ['closedForm', 'products'] as const) {
        expect(distance(await make(network, data).toDense({ via }), [0, 0, 0, 0])).toBe(0);
      }
    }
  });
});

describe('4: second derivatives of activations', () => {
  const specOf = (activation: ActivationType): NetworkSpec => ({
    input: [1],
    layers: [noBias(1), { type: activation }],
    loss: 'meanSquaredError',
  });

  it('tanh at 2, against 0 and against tanh 2', async () => {
    const network = createNetwork(specOf('tanh'), { parameters: [2] });
    const values = async (target: number): Promise<number[]> => {
      const data = createDataset({ inputs: [[1]], targets: [[target]] });
      const matrices = await Promise.all(
        [hessian, gaussNewton, residual].map((make) => make(network, data).toDense()),
      );
      return matrices.map((matrix) => matrix[0] ?? NaN);
    };
    expect(distance(await values(0), [-0.2526540651, 0.0099830781, -0.2626371432])).toBeLessThan(
      1e-10,
    );
    const [h, g, r] = await values((await network.predict([1]))[0] ?? NaN);
    expect(r).toBe(0);
    expect(h).toBe(g);
  });

  it.each(smoothActivations)(
    '%s: H is the central difference of the gradient to 1e-8',
    async (activation) => {
      const step = 1e-5;
      const data = createDataset({ inputs: [[1]], targets: [[0.3]] });
      for (const weight of [-3, -0.7, 0, 1e-3, 0.5, 2, 6]) {
        const at = createNetwork(specOf(activation), { parameters: [weight] });
        const gradients = [weight + step, weight - step].map(async (moved) => {
          const network = createNetwork(specOf(activation), { parameters: [moved] });
          return (await network.gradient(data))[0] ?? NaN;
        });
        const [above = NaN, below = NaN] = await Promise.all(gradients);
        const [h = NaN] = await hessian(at, data).toDense();
        expect(Math.abs(h - (above - below) / (2 * step))).toBeLessThan(1e-8);
      }
    },
  );
});

describe('6: ReLU at exactly zero, and a dead unit', () => {
  const spec: NetworkSpec = {
    input: [1],
    layers: [{ type: 'dense', units: 1 }, { type: 'relu' }, { type: 'dense', units: 1 }],
    loss: 'meanSquaredError',
  };

  it.each([
    ['at zero', [1, 0, 1, 0], 0],
    ['dead', [1, -5, 1, 0], 1],
  ] as const)(
    '%s: only the last bias curves the loss, and three zeros are exact',
    async (_, parameters, x) => {
      const network = createNetwork(spec, { parameters });
      const data = createDataset({ inputs: [[x]], targets: [[1]] });
      expect(distance(await network.gradient(data), [0, 0, 0, -2])).toBe(0);
      const expected = new Float64Array(16);
      expected[15] = 2;
      for (const via of ['closedForm', 'products'] as const) {
        expect(distance(await hessian(network, data).toDense({ via }), expected)).toBe(0);
        expect(distance(await gaussNewton(network, data).toDense({ via }), expected)).toBe(0);
        expect(distance(await residual(network, data).toDense({ via }), new Float64Array(16))).toBe(
          0,
        );
        const { terms } = await spectrum(network, data, {
          terms: ['hessian', 'gaussNewton', 'residual'],
          via,
        });
        for (const term of ['hessian', 'gaussNewton'] as const) {
          expect([...terms[term].eigenvalues]).toEqual([0, 0, 0, 2]);
          expect(terms[term].exactZeros).toBe(3);
        }
        expect([...terms.residual.eigenvalues]).toEqual([0, 0, 0, 0]);
        expect(terms.residual.exactZeros).toBe(4);
      }
    },
  );
});

it('one dense layer without bias under mean squared error has H = 2/(N·C) · I ⊗ XᵀX', async () => {
  const inputs = [
    [1, 2, -1],
    [0, 3, 4],
    [2, 2, 2],
    [-1, 0, 5],
  ];
  const data = createDataset({ inputs, targets: inputs.map(([a = 0, b = 0]) => [a, b]) });
  const network = createNetwork({ input: [3], layers: [noBias(2)], loss: 'meanSquaredError' });
  const matrix = await hessian(network, data).toDense();
  const expected = Float64Array.from({ length: 36 }, (_, index) => {
    const [row, column] = [Math.floor(index / 6), index % 6];
    if (Math.floor(row / 3) !== Math.floor(column / 3)) return 0;
    const sum = inputs.reduce(
      (total, x) => total + (x[row % 3] ?? NaN) * (x[column % 3] ?? NaN),
      0,
    );
    return (2 * sum) / (4 * 2);
  });
  expect(distance(matrix, expected)).toBeLessThan(36 * 2 ** -52 * 20);
});
