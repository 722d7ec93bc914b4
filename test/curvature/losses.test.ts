// Losses with all their options at once, of test/fixtures/losses: exact values by PyTorch.

import { readFileSync, readdirSync } from 'node:fs';

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
} from '../../src/index.js';
import type { Dataset, DType, Network, NetworkSpec } from '../../src/index.js';
import { saddle } from '../network/written-losses.js';
import { distance, largest } from './random-problems.js';

const makers = { hessian, gaussNewton, residual, empiricalFisher, gradientCovariance };
type Term = keyof typeof makers;
const terms = Object.keys(makers) as Term[];

interface Reference {
  readonly name: string;
  readonly spec: NetworkSpec;
  readonly parameters: number[];
  readonly inputs: number[][];
  readonly targets: number[] | number[][];
  readonly weights: number[] | null;
  readonly loss: number;
  readonly gradient: number[];
  readonly direction: number[];
  readonly products: Readonly<Record<Term, number[]>>;
  readonly eigenvalues: Readonly<Record<Term, number[]>>;
}

const folder = new URL('../fixtures/losses/', import.meta.url);
const references = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Reference);

/** Relative to the largest entry that the matrices of the case have. */
const tolerance = { float64: 1e-12, float32: 1e-4 } as const;

function build(reference: Reference, dtype: DType): [Network, Dataset] {
  const { spec, parameters, inputs, targets, weights } = reference;
  const written = typeof spec.loss === 'object' && spec.loss.type === 'custom';
  const network = createNetwork(written ? { ...spec, loss: saddle } : spec, { dtype, parameters });
  const inputShape = spec.input;
  return [network, createDataset({ inputs, inputShape, targets, weights: weights ?? undefined })];
}

it('has all references', () => {
  expect(references).toHaveLength(11);
});

describe.each(references)('$name', (reference) => {
  describe.each(['float64', 'float32'] as const)('%s', (dtype) => {
    const limit = tolerance[dtype];

    it('has the loss and gradient of PyTorch', async () => {
      const [network, data] = build(reference, dtype);
      const { loss, gradient } = reference;
      expect(Math.abs((await network.loss(data)) - loss)).toBeLessThan(limit * Math.abs(loss));
      const apart = distance(await network.gradient(data), gradient);
      expect(apart).toBeLessThan(limit * largest(gradient));
    });

    it.each(terms)('has the products and eigenvalues of PyTorch: %s', async (term) => {
      const [network, data] = build(reference, dtype);
      const operator = makers[term](network, data);
      const { products, eigenvalues: expected, direction } = reference;
      // R is a difference in the reference: its rounding is that of H and G.
      const parts = term === 'residual' ? (['hessian', 'gaussNewton'] as const) : [term];
      const scaleOf = (values: Reference['products']): number =>
        Math.max(...parts.map((part) => largest(values[part])));
      const product = await operator.apply(direction);
      expect(distance(product, products[term])).toBeLessThan(limit * scaleOf(products));
      for (const via of ['auto', 'products'] as const) {
        const values = await eigenvalues(operator, { via });
        expect(distance(values, expected[term])).toBeLessThan(limit * scaleOf(expected));
      }
    });
  });

  it('has H = G + R to 1e-13', async () => {
    const [network, data] = build(reference, 'float64');
    const [h, g, r] = await Promise.all([
      hessian(network, data).toDense(),
      gaussNewton(network, data).toDense(),
      residual(network, data).toDense(),
    ]);
    const sum = g.map((value, i) => value + (r[i] ?? NaN));
    expect(distance(sum, h)).toBeLessThan(1e-13 * (largest(g) + largest(r)));
  });
});
