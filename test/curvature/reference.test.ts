// Networks of test/fixtures/reference: exact values by PyTorch, against all that the engine computes.

import { readFileSync, readdirSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  eigenvalues,
  empiricalFisher,
  gaussNewton,
  hessian,
  residual,
} from '../../src/index.js';
import type { CurvatureOperator, Dataset, Network, NetworkSpec } from '../../src/index.js';
import { activationTypes } from '../../src/network/spec.js';

interface Reference {
  readonly name: string;
  readonly spec: NetworkSpec;
  readonly parameters: number[];
  readonly inputs: number[][];
  readonly targets: number[];
  readonly outputs: number[][];
  readonly loss: number;
  readonly gradient: number[];
  readonly direction: number[];
  readonly hessianVectorProduct: number[];
  readonly gaussNewtonVectorProduct: number[];
  readonly eigenvalues: Readonly<
    Record<'hessian' | 'gaussNewton' | 'residual' | 'empiricalFisher', number[]>
  >;
}

const folder = new URL('../fixtures/reference/', import.meta.url);
const references = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Reference);

const makers = { hessian, gaussNewton, residual, empiricalFisher };
type Term = keyof typeof makers;
const terms = Object.keys(makers) as Term[];
const dtypes = ['float64', 'float32'] as const;
/** Relative to the largest entry. */
const tolerance = { float64: 1e-10, float32: 1e-4 } as const;

function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** max |given − expected| / max |expected| */
function error(given: ArrayLike<number>, expected: ArrayLike<number>, scale = largest(expected)) {
  expect(given.length).toBe(expected.length);
  const worst = largest(Array.from(given, (value, index) => value - (expected[index] ?? NaN)));
  return worst / Math.max(scale, Number.MIN_VALUE);
}

function build(reference: Reference, dtype: 'float64' | 'float32'): [Network, Dataset] {
  const network = createNetwork(reference.spec, { dtype, parameters: reference.parameters });
  return [network, createDataset({ inputs: reference.inputs, targets: reference.targets })];
}

/** `count` vectors of which the last is the reference's direction. */
function blockWith(direction: readonly number[], count: number): Float64Array {
  const block = new Float64Array(count * direction.length);
  for (let i = 0; i < block.length; i += 1) block[i] = Math.sin(i + 1);
  block.set(direction, (count - 1) * direction.length);
  return block;
}

it('has all references', () => {
  expect(references.map(({ name }) => name)).toHaveLength(17);
});

/** The closed form holds for chains of dense layers and pointwise functions. */
const chainLayers: ReadonlySet<string> = new Set(['dense', 'flatten', ...activationTypes]);

describe.each(references)('$name', (reference) => {
  const isChain = reference.spec.layers.every(
    ({ type, inputs }) => chainLayers.has(type) && inputs === undefined,
  );
  const ways = isChain ? (['closedForm', 'products'] as const) : (['products'] as const);

  describe.each(dtypes)('%s', (dtype) => {
    const limit = tolerance[dtype];

    it('has the outputs, loss and gradient of PyTorch', async () => {
      const [network, data] = build(reference, dtype);
      expect(error(await network.predict(data), reference.outputs.flat())).toBeLessThan(limit);
      expect(error([await network.loss(data)], [reference.loss])).toBeLessThan(limit);
      expect(error(await network.gradient(data), reference.gradient)).toBeLessThan(limit);
    });

    it.each([1, 7, 64])('has the products of PyTorch in blocks of %i', async (count) => {
      const [network, data] = build(reference, dtype);
      const block = blockWith(reference.direction, count);
      const size = network.parameterCount;
      const check = async (operator: CurvatureOperator, expected: number[]): Promise<void> => {
        const products = await operator.apply(block, count);
        expect(error(products.slice((count - 1) * size), expected)).toBeLessThan(limit);
      };
      await check(hessian(network, data), reference.hessianVectorProduct);
      await check(gaussNewton(network, data), reference.gaussNewtonVectorProduct);
    });

    it.each(ways)('has the eigenvalues via %s', async (via) => {
      const [network, data] = build(reference, dtype);
      const scale = largest(reference.eigenvalues.hessian);
      for (const term of terms) {
        const expected = reference.eigenvalues[term];
        for (const blockSize of via === 'products' ? [1, 7, 64] : [64]) {
          const values = await eigenvalues(makers[term](network, data), { via, blockSize });
          expect(error(values, expected, Math.max(largest(expected), scale))).toBeLessThan(limit);
        }
      }
    });

    it.runIf(isChain)('has the same matrix by both ways', async () => {
      const [network, data] = build(reference, dtype);
      for (const term of terms) {
        const operator = makers[term](network, data);
        const closed = await operator.toDense({ via: 'closedForm' });
        const byProducts = await operator.toDense({ via: 'products', blockSize: 7 });
        expect(
          error(closed, byProducts, largest(await hessian(network, data).toDense())),
        ).toBeLessThan(dtype === 'float64' ? 1e-13 : 1e-5);
      }
    });
  });

  it('gives the same bits on 1, 2 and 3 threads for each block size', async () => {
    const [network, data] = build(reference, 'float64');
    for (const term of terms) {
      const operator = makers[term](network, data);
      for (const count of [1, 7, 64]) {
        const block = blockWith(reference.direction, count);
        const [one, two, three] = await Promise.all(
          [1, 2, 3].map((threads) => operator.apply(block, count, { threads })),
        );
        expect(two).toEqual(one);
        expect(three).toEqual(one);
      }
      const [one, two, three] = await Promise.all(
        [1, 2, 3].map((threads) => operator.toDense({ threads })),
      );
      expect(two).toEqual(one);
      expect(three).toEqual(one);
    }
  });

  it('H is G + R to 1e-13, each by its own recursion', async () => {
    const [network, data] = build(reference, 'float64');
    for (const via of ways) {
      const h = await hessian(network, data).toDense({ via });
      const g = await gaussNewton(network, data).toDense({ via });
      const r = await residual(network, data).toDense({ via });
      expect(
        error(
          g.map((value, index) => value + (r[index] ?? NaN)),
          h,
        ),
      ).toBeLessThan(1e-13);
    }
  });
});
