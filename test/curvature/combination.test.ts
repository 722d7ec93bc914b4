// Sums, multiples and shifts of the library's own operators, which the engine computes: against the same written
// in JavaScript, whose parts are given as a user's.

import { describe, expect, it } from 'vitest';

import {
  add,
  createNetwork,
  diagonal,
  eigenvalues,
  extremalEigenpairs,
  gaussianClusters,
  gaussNewton,
  hessian,
  kfac,
  residual,
  scale,
  shift,
  spectralDensity,
  trace,
} from '../../src/index.js';
import type { CurvatureOperator, SymmetricOperator } from '../../src/index.js';
import { combinationOf } from '../../src/curvature/combination.js';
import { refusal } from '../data/refusal.js';
import { distance, largest, randomVector, sameBits } from './random-problems.js';

const data = gaussianClusters({ samples: 40, classes: 3, dimensions: 6, seed: 3 });
const spec = {
  input: [6],
  layers: [{ type: 'dense', units: 7 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
  loss: 'softmaxCrossEntropy',
} as const;
const [double, single] = [
  createNetwork(spec, { seed: 5 }),
  createNetwork(spec, { seed: 5, dtype: 'float32' }),
];

/** The operator as a user would wrap it. */
function wrapped(operator: CurvatureOperator): SymmetricOperator {
  return {
    size: operator.size,
    dtype: operator.dtype,
    apply: (vectors, count, options) => operator.apply(vectors, count, options),
    toDense: () => operator.toDense(),
  };
}

type Wrap = (operator: CurvatureOperator) => SymmetricOperator;
const itself: Wrap = (operator) => operator;

const [h, g, r] = [hessian(double, data), gaussNewton(double, data), residual(double, data)];
const [h32, g32] = [hessian(single, data), gaussNewton(single, data)];
const decayed = hessian(double, data, { weightDecay: 0.5 });
const factored = kfac(double, data);

const combinations: readonly [string, (wrap: Wrap) => SymmetricOperator][] = [
  ['a shift', (of) => shift(of(h), 0.3)],
  ['a multiple', (of) => scale(of(h), -1.7)],
  ['nothing of one', (of) => scale(of(h), 0)],
  ['a sum', (of) => add(of(g), of(r))],
  ['a sum of one with itself', (of) => add(of(h), of(h))],
  ['nested', (of) => shift(scale(add(scale(of(h), 2), shift(of(g), -0.5)), 0.25), 0.1)],
  ['a sum with weight decay and Kronecker factors', (of) => add(of(decayed), of(factored))],
  ['float32', (of) => shift(scale(add(of(h32), of(g32)), 0.7), 0.2)],
  ['float64 with float32', (of) => shift(add(of(h), scale(of(g32), 3)), 0.2)],
  ['float32 with float64', (of) => add(scale(of(h32), 3), of(g))],
];

describe.each(combinations)('%s', (name, combine) => {
  const [ours, theirs] = [combine(itself), combine(wrapped)];
  const { size } = ours;
  // One rounding for each of at most five operations; where a part is in float32 its vectors and products agree.
  const unit = 8 * 2 ** -52;

  it('is the engine’s, with the size and dtype of what JavaScript combines', () => {
    expect(combinationOf(ours)).toBeDefined();
    expect(combinationOf(theirs)).toBeUndefined();
    expect([size, ours.dtype]).toEqual([theirs.size, theirs.dtype]);
  });

  it('has the same products, in blocks and alone, on any number of threads', async () => {
    const vectors = randomVector(3 * size, 8).map(Math.fround);
    const expected = Float64Array.from(await theirs.apply(vectors, 3));
    const products = Float64Array.from(await ours.apply(vectors, 3));
    expect(products.length).toBe(3 * size);
    expect(distance(products, expected)).toBeLessThanOrEqual(unit * (1 + largest(expected)));
    for (const threads of [1, 3]) {
      const again = Float64Array.from(await ours.apply(vectors, 3, { threads }));
      expect(sameBits(again, products)).toBe(true);
    }
  });

  it('has the same matrix, diagonal and eigenvalues', async () => {
    const matrix = Float64Array.from((await theirs.toDense?.()) ?? []);
    const own = Float64Array.from((await ours.toDense?.()) ?? []);
    const slack = unit * (1 + largest(matrix));
    expect(own.length).toBe(size * size);
    expect(distance(own, matrix)).toBeLessThanOrEqual(slack);
    for (let i = 0; i < size; i += 1) {
      for (let j = 0; j < i; j += 1) expect(own[i * size + j]).toBe(own[j * size + i]);
    }
    // What follows is in the operator's dtype.
    const epsilon = ours.dtype === 'float32' ? 2 ** -23 : 2 ** -52;
    const rounding = size * epsilon * (1 + size * largest(matrix));
    expect(
      distance((await diagonal(ours)).values, (await diagonal(theirs)).values),
    ).toBeLessThanOrEqual(rounding);
    expect(distance(await eigenvalues(ours), await eigenvalues(theirs))).toBeLessThanOrEqual(
      rounding,
    );
  });

  it('has the same outermost eigenvalues, density and trace by products', async () => {
    // Of a part in float32 the probe of a user's operator is to expect no more.
    const rounded = name.includes('float32');
    const epsilon = rounded ? 2 ** -23 : 2 ** -52;
    const reference = rounded ? { ...theirs, dtype: 'float32' as const } : theirs;
    const values = await eigenvalues(theirs);
    const norm = 1 + largest(values);
    for (const precision of ['float64', 'float32'] as const) {
      const { largest: found } = await extremalEigenpairs(ours, { largest: 2, precision });
      const rounding = precision === 'float32' ? 2 ** -23 : epsilon;
      expect(distance(found.values, values.slice(-2).reverse())).toBeLessThanOrEqual(
        100 * rounding * norm,
      );
    }
    const options = { steps: 6, probes: 3 };
    const [density, expected] = [
      await spectralDensity(ours, options),
      await spectralDensity(reference, options),
    ];
    const moved = density.trace.value - expected.trace.value;
    expect(Math.abs(moved)).toBeLessThanOrEqual(10 * size * epsilon * norm);
    const traces = await Promise.all(
      [ours, reference].map((a) => trace(a, { method: 'hutch++', products: 30 })),
    );
    const [own = NaN, other = NaN] = traces.map(({ value }) => value);
    expect(Math.abs(own - other)).toBeLessThanOrEqual(100 * size * epsilon * norm);
  });
});

describe('a combination of the library’s operators', () => {
  it('is added to a user’s in JavaScript', async () => {
    const identity: SymmetricOperator = { size: h.size, apply: (vectors) => vectors.slice() };
    const sum = add(shift(h, 1), identity);
    expect(combinationOf(sum)).toBeUndefined();
    const v = randomVector(h.size, 2);
    const expected = (await h.apply(v)).map((value, i) => value + 2 * (v[i] ?? NaN));
    expect(distance(Float64Array.from(await sum.apply(v, 1)), expected)).toBeLessThanOrEqual(
      4 * 2 ** -52 * (1 + largest(expected)),
    );
  });

  it('copied by its fields, is a user’s', async () => {
    const copy = { ...shift(h, 1) };
    expect(combinationOf(copy)).toBeUndefined();
    const v = randomVector(h.size, 2);
    expect(await copy.apply(v, 1)).toEqual(await shift(h, 1).apply(v, 1));
  });

  it('refuses parts of two sizes, and vectors that do not fit', async () => {
    const block = hessian(double, data, { parameters: 'dense0' });
    expect(() => add(h, block)).toThrow(refusal('ERR_SHAPE', /sizes/));
    const shifted = shift(h, 1);
    await expect(shifted.apply(new Float64Array(3), 1)).rejects.toMatchObject({
      code: 'ERR_SHAPE',
    });
    await expect(shifted.apply(new Float64Array(h.size).fill(NaN), 1)).rejects.toMatchObject({
      code: 'ERR_DATA',
    });
  });

  it.each([
    ['a multiple', scale(scale(h, 1e300), 1e300)],
    ['a shift', shift(shift(h, 1.7e308), 1.7e308)],
    ['a sum of both', add(scale(scale(h, 1e300), 1e300), shift(h, 1))],
  ])('whose products are not finite is refused: %s', async (_, operator) => {
    const refused = { code: 'ERR_NUMERIC' };
    await expect(operator.apply(randomVector(h.size, 1), 1)).rejects.toMatchObject(refused);
    await expect(extremalEigenpairs(operator)).rejects.toMatchObject(refused);
    await expect(eigenvalues(operator)).rejects.toMatchObject(refused);
  });

  it('is disposed of with its parts, but ends what it has begun', async () => {
    const [a, b] = [hessian(double, data), gaussNewton(double, data)];
    const sum = add(a, b);
    const v = randomVector(a.size, 4);
    const expected = await sum.apply(v, 1);
    const running = sum.apply(v, 1);
    b[Symbol.dispose]();
    expect(await running).toEqual(expected);
    await expect(sum.apply(v, 1)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await expect(eigenvalues(sum)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });

  it('is aborted', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const call = extremalEigenpairs(add(h, shift(g, 1)), { largest: 10, signal });
    setImmediate(() => {
      controller.abort('enough');
    });
    const aborted = { name: 'AbortError', code: 'ERR_ABORTED', cause: 'enough' };
    await expect(call).rejects.toMatchObject(aborted);
    const product = shift(h, 1).apply(new Float64Array(h.size), 1, { signal });
    await expect(product).rejects.toMatchObject(aborted);
  });
});
