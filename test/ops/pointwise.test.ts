import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { createDataset, createNetwork, hessian, residual } from '../../src/index.js';
import type { ActivationSpec, ActivationType, Network, NetworkSpec } from '../../src/index.js';
import { refusal } from '../data/refusal.js';
import { smoothActivations } from '../network/activations.js';

interface GoldenRow {
  readonly x: number;
  readonly y: number;
  readonly first: number;
  readonly second: number;
  readonly firstSize: number;
  readonly secondSize: number;
}

type DTypeName = 'float64' | 'float32';

const golden = (
  JSON.parse(readFileSync(new URL('../fixtures/ops/pointwise.json', import.meta.url), 'utf8')) as {
    readonly values: Readonly<Record<ActivationType, readonly GoldenRow[]>>;
  }
).values;

const activations = Object.keys(golden) as readonly ActivationType[];

/** Distance of neighbouring numbers of the dtype at |value|. */
function spacing(value: number, dtype: DTypeName): number {
  const [digits, lowest] = dtype === 'float64' ? [53, -1074] : [24, -149];
  const size = Math.abs(value);
  let exponent = size === 0 ? lowest : Math.max(Math.floor(Math.log2(size)) - digits + 1, lowest);
  // log2 may round across a power of two
  if (exponent > lowest && 2 ** (exponent + digits - 1) > size) exponent -= 1;
  return 2 ** exponent;
}

/** |given − expected| in units in the last place of a number of that size. */
function ulps(given: number, expected: number, size: number, dtype: DTypeName): number {
  return Math.abs(given - expected) / spacing(size, dtype);
}

/** units independent copies of σ: input 1, weights z_i, outputs σ(z_i). */
function activationAt(
  points: readonly number[],
  activation: ActivationSpec,
  dtype: DTypeName = 'float64',
): Network {
  const network = createNetwork(
    {
      input: [1],
      layers: [{ type: 'dense', units: points.length, bias: false }, activation],
      loss: 'meanSquaredError',
    },
    { dtype },
  );
  network.setParameters(points);
  return network;
}

/** σ, σ' and σ'' at the points, through the network. With residuals r = y − t and C outputs,
 *  gradient_i = 2·r_i·σ'_i/C and R_ii = 2·r_i·σ''_i/C: one parameter per output. */
async function throughNetwork(
  points: readonly number[],
  activation: ActivationSpec,
  dtype: DTypeName = 'float64',
) {
  const network = activationAt(points, activation, dtype);
  const y = [...(await network.predict([[1]]))];
  // residuals that are exact in either dtype, and not small
  const round = dtype === 'float64' ? (value: number) => value : Math.fround;
  const targets = y.map((value) => round(Math.abs(value) > 1 ? value / 2 : value - 0.5));
  const scale = y.map((value, i) => (2 * (value - (targets[i] ?? NaN))) / points.length);
  const data = createDataset({ inputs: [[1]], targets: [targets] });
  const gradient = await network.gradient(data);
  const terms = await residual(network, data).toDense();
  const diagonal = points.map((_, i) => terms[i * points.length + i] ?? NaN);
  return {
    y,
    first: scale.map((factor, i) => (gradient[i] ?? NaN) / factor),
    second: scale.map((factor, i) => (diagonal[i] ?? NaN) / factor),
  };
}

/** What native/ops documents, in ulp of y, s and c, and 1 more for the roundings of the golden value
 *  and of the way through the network (2 for derivatives). */
const bounds: Readonly<Record<ActivationType, readonly [number, number, number]>> = {
  tanh: [3.9, 6.3, 8.7],
  sigmoid: [3.7, 6.7, 8.7],
  softplus: [3.1, 4.7, 6.7],
  softsign: [2.8, 5.5, 7],
  silu: [4.4, 6.5, 7.7],
  mish: [4.2, 6.1, 7.2],
  gelu: [6.4, 7.3, 6.4],
  elu: [2.2, 3.1, 3.1],
  relu: [0, 1, 0],
  leakyRelu: [2, 2, 0],
};

describe.each(['float64', 'float32'] as const)('in %s', (dtype) => {
  test.each(activations)('%s and its two derivatives are right to a few ulp', async (type) => {
    const rows = golden[type];
    const points = rows.map(({ x }) => x);
    const { y, first, second } = await throughNetwork(points, { type }, dtype);
    // Scaled by 2r/C, a derivative can be denormal where it is not itself: C·2 denormal steps.
    const lost = 2 * points.length * spacing(0, dtype);
    const beyond = (given: number, expected: number, size: number, bound: number) =>
      !(Math.abs(given - expected) <= bound * spacing(size, dtype) + lost);
    const [yBound, firstBound, secondBound] = bounds[type];
    const wrong = rows.flatMap((row, i) => {
      const given = { y: y[i] ?? NaN, first: first[i] ?? NaN, second: second[i] ?? NaN };
      const faults = [
        ulps(given.y, row.y, row.y, dtype) <= yBound ? '' : 'y',
        beyond(given.first, row.first, row.firstSize, firstBound) ? 'first' : '',
        beyond(given.second, row.second, row.secondSize, secondBound) ? 'second' : '',
      ].filter((fault) => fault !== '');
      return faults.length === 0 ? [] : [{ faults, given, row }];
    });
    expect(wrong).toEqual([]);
  });

  test.each(activations)('%s has the same bits wherever an entry stands', async (type) => {
    const points = golden[type].map(({ x }) => x);
    const together = await activationAt(points, { type }, dtype).predict([[1]]);
    for (const [i, point] of points.entries()) {
      const [alone] = await activationAt([point], { type }, dtype).predict([[1]]);
      expect(alone).toBe(together[i]);
    }
  });
});

describe('kinks are PyTorch’s', () => {
  test.each([
    ['relu', {}, 0],
    ['leakyRelu', {}, 0.01],
    ['leakyRelu', { alpha: 0.25 }, 0.25],
    ['elu', {}, 1],
    ['elu', { alpha: 2 }, 2],
    ['softsign', {}, 1],
  ] as const)('%s %j at zero has slope %d and no curvature', async (type, options, slope) => {
    // r = y − t is 0.5, so that both are read without rounding
    const { y, first, second } = await throughNetwork([0, 0], { type, ...options });
    expect(y.map(Math.abs)).toEqual([0, 0]);
    expect(first).toEqual([slope, slope]);
    expect(second.map(Math.abs)).toEqual([0, 0]);
  });

  test('elu with alpha tends to −alpha, leakyRelu has slope alpha below zero', async () => {
    const elu = await throughNetwork([-50, -1, 3], { type: 'elu', alpha: 2 });
    expect(elu.y).toEqual([-2, 2 * Math.expm1(-1), 3]);
    const leaky = await throughNetwork([-8, 8], { type: 'leakyRelu', alpha: 0.25 });
    expect(leaky.y).toEqual([-2, 8]);
    expect(leaky.first).toEqual([0.25, 1]);
  });

  // theano#3210: the second derivative of ReLU at exactly zero was NaN
  test.each([
    ['at the kink', [1, 0, 1, 0], 0],
    ['with a dead unit', [1, -5, 1, 0], 1],
  ] as const)('relu %s has H = diag(0, 0, 0, 2), all finite', async (_, parameters, x) => {
    const network = createNetwork({
      input: [1],
      layers: [{ type: 'dense', units: 1 }, { type: 'relu' }, { type: 'dense', units: 1 }],
      loss: 'meanSquaredError',
    });
    network.setParameters(parameters);
    const data = createDataset({ inputs: [[x]], targets: [[1]] });
    const expected = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
    expect([...(await network.gradient(data))].map((value) => value + 0)).toEqual([0, 0, 0, -2]);
    expect([...(await hessian(network, data).toDense())].map((value) => value + 0)).toEqual(
      expected,
    );
  });
});

describe('second derivatives exist', () => {
  const oneParameter = (type: ActivationType): NetworkSpec => ({
    input: [1],
    layers: [{ type: 'dense', units: 1, bias: false }, { type }],
    loss: 'meanSquaredError',
  });
  const data = createDataset({ inputs: [[1]], targets: [[0]] });

  // tfjs#3252: no second derivatives of tanh, sigmoid and exp
  test('tanh at weight 2 has H = −0.2526540651 and R = −0.2626371432', async () => {
    const network = createNetwork(oneParameter('tanh'), { parameters: [2] });
    const [h] = await hessian(network, data).toDense();
    const [r] = await residual(network, data).toDense();
    expect(h).toBeCloseTo(-0.2526540651, 10);
    expect(r).toBeCloseTo(-0.2626371432, 10);
    const fitted = createDataset({ inputs: [[1]], targets: [[...(await network.predict([[1]]))]] });
    expect([...(await residual(network, fitted).toDense())].map(Math.abs)).toEqual([0]);
  });

  test.each(smoothActivations)(
    'of %s: H is the central difference of the gradient',
    async (type) => {
      const step = 1e-5;
      const network = createNetwork(oneParameter(type), { parameters: [2] });
      const [h = NaN] = await hessian(network, data).toDense();
      const slopes: number[] = [];
      for (const weight of [2 - step, 2 + step]) {
        network.setParameters([weight]);
        slopes.push(...(await network.gradient(data)));
      }
      const [below = NaN, above = NaN] = slopes;
      // truncation step²·f''''/6 ~ 1e-10, rounding ε·|g|/step ~ 1e-10
      expect(Math.abs(h - (above - below) / (2 * step))).toBeLessThan(1e-8);
    },
  );
});

describe('extremes', () => {
  test.each(activations)('%s is finite at ±1e4 and ±745 in both dtypes', async (type) => {
    for (const dtype of ['float64', 'float32'] as const) {
      const { y, first, second } = await throughNetwork([-1e4, -745, 745, 1e4], { type }, dtype);
      for (const value of [...y, ...first, ...second]) expect(value).toSatisfy(Number.isFinite);
    }
  });

  test('softplus keeps its curvature far out, where 1 − s would be 0', async () => {
    const { second } = await throughNetwork([40, -40], { type: 'softplus' });
    for (const value of second) expect(value).toBeCloseTo(Math.exp(-40), 30);
  });

  test('NaN never reaches an activation: data and parameters refuse it', () => {
    expect(() => createDataset({ inputs: [[NaN]], targets: [[0]] })).toThrow(
      refusal('ERR_DATA', /NaN/),
    );
    const network = activationAt([1], { type: 'gelu' });
    expect(() => {
      network.setParameters([NaN]);
    }).toThrow(refusal('ERR_DATA', /NaN/));
  });
});

test('an unknown activation is refused with the names known', () => {
  const spec = {
    input: [1],
    layers: [{ type: 'dense', units: 1 }, { type: 'tahn' }],
    loss: 'meanSquaredError',
  } as unknown as NetworkSpec;
  expect(() => createNetwork(spec)).toThrow(refusal('ERR_SPEC', /tahn.*tanh/s));
});
