// An abort comes through to products, and does not wait for those that do not hear it.

import { describe, expect, it } from 'vitest';

import {
  add,
  createNetwork,
  diagonal,
  eigenvalues,
  extremalEigenpairs,
  frobeniusNorm,
  gaussianClusters,
  hessian,
  scale,
  shift,
  spectralDensity,
  trace,
} from '../../src/index.js';
import type { ProductOptions, SymmetricOperator } from '../../src/index.js';

const aborted = { name: 'AbortError', code: 'ERR_ABORTED', cause: 'enough' };

const calls: readonly [string, (a: SymmetricOperator, signal: AbortSignal) => Promise<unknown>][] =
  [
    ['eigenvalues', (a, signal) => eigenvalues(a, { signal })],
    ['extremalEigenpairs', (a, signal) => extremalEigenpairs(a, { signal })],
    ['spectralDensity', (a, signal) => spectralDensity(a, { signal })],
    ['trace', (a, signal) => trace(a, { signal })],
    ['frobeniusNorm', (a, signal) => frobeniusNorm(a, { signal })],
    ['diagonal', (a, signal) => diagonal(a, { signal })],
  ];

describe.each(calls)('%s', (_, call) => {
  it('rejects though products of an operator of one’s own never come', async () => {
    const controller = new AbortController();
    const stuck: SymmetricOperator = {
      size: 100,
      apply: () => {
        setImmediate(() => {
          controller.abort('enough');
        });
        return new Promise(() => undefined);
      },
    };
    await expect(call(stuck, controller.signal)).rejects.toMatchObject(aborted);
  });
});

/** The operator d·I, which notes what it is told. */
function noted(d: number) {
  const told: (ProductOptions | undefined)[] = [];
  const operator: SymmetricOperator = {
    size: 100_000,
    apply: (vectors, _, options) => {
      told.push(options);
      return vectors.map((x) => d * x);
    },
  };
  return { operator, told };
}

describe.each<readonly [string, (a: SymmetricOperator, b: SymmetricOperator) => SymmetricOperator]>(
  [
    ['shift', (a) => shift(a, 1)],
    ['scale', (a) => scale(a, 2)],
    ['add', add],
  ],
)('%s', (_, combine) => {
  it('tells its parts of the signal and of threads', async () => {
    const [a, b] = [noted(1), noted(2)];
    const { signal } = new AbortController();
    const options = { signal, threads: 1 };
    await combine(a.operator, b.operator).apply(new Float64Array(100_000), 1, options);
    const told = [...a.told, ...b.told];
    expect(told.length).toBeGreaterThan(0);
    expect(told.every((given) => given?.signal === signal && given.threads === 1)).toBe(true);
  });

  it('hears an abort between the pieces of its own work', async () => {
    const controller = new AbortController();
    const part: SymmetricOperator = {
      size: 200_000,
      apply: (vectors) => {
        setImmediate(() => {
          controller.abort('enough');
        });
        return vectors;
      },
    };
    const { signal } = controller;
    const call = combine(part, part).apply(new Float64Array(200_000), 1, { signal });
    await expect(call).rejects.toMatchObject(aborted);
  });

  it('gives a part of the library the same bits as a user’s, which may change what it is given', async () => {
    const data = gaussianClusters({ samples: 20, classes: 3, dimensions: 4, seed: 4 });
    const network = createNetwork({
      input: [4],
      layers: [{ type: 'dense', units: 5 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
      loss: 'softmaxCrossEntropy',
    });
    const own = hessian(network, data);
    const changing: SymmetricOperator = {
      size: own.size,
      apply: async (vectors, count) => {
        const products = await own.apply(vectors, count);
        vectors.fill(NaN);
        return products;
      },
    };
    const vectors = Float64Array.from({ length: 2 * own.size }, (__, i) => Math.sin(i));
    const [ours, theirs] = [combine(own, own), combine(changing, changing)];
    const expected = await ours.apply(vectors, 2);
    const actual = await theirs.apply(vectors.slice(), 2);
    expect(Array.from(actual)).toEqual(Array.from(expected));
  });
});
