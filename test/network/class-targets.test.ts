// Integer targets without weights and smoothing have a way of their own through the softmax.

import { describe, expect, it } from 'vitest';

import { createNetwork, createDataset, hessian } from '../../src/index.js';
import type { DType, LossSpec } from '../../src/index.js';
import { randomVector, sameBits } from '../curvature/random-problems.js';

const inputs = randomVector(300 * 3, 2).map((value) => 4 * value);
const targets = Int32Array.from({ length: 300 }, (_, n) => (n % 11 === 0 ? -100 : n % 5));
const weights = Float64Array.from({ length: 300 }, (_, n) => n % 3);

function networkWith(loss: LossSpec, dtype: DType) {
  const layers = [
    { type: 'dense', units: 6 },
    { type: 'tanh' },
    { type: 'dense', units: 5 },
  ] as const;
  return createNetwork({ input: [3], layers, loss }, { seed: 4, dtype });
}

describe.each(['float64', 'float32'] as const)('in %s', (dtype) => {
  it.each([undefined, weights])('it has the bits of class weights that are all 1', async (each) => {
    const data = createDataset({ inputs, inputShape: [3], targets, weights: each });
    const type = 'softmaxCrossEntropy';
    const plain = networkWith({ type, ignoreIndex: -100 }, dtype);
    const weighted = networkWith({ type, ignoreIndex: -100, classWeights: [1, 1, 1, 1, 1] }, dtype);
    // Far from 0 too, where one class has all of the probability.
    for (const scale of [1, 30]) {
      for (const network of [plain, weighted]) {
        network.setParameters(randomVector(network.parameterCount, 1).map((w) => scale * w));
      }
      expect(await plain.loss(data)).toBe(await weighted.loss(data));
      expect(await plain.accuracy(data)).toBe(await weighted.accuracy(data));
      expect(sameBits(await plain.gradient(data), await weighted.gradient(data))).toBe(true);
      const [one, other] = [hessian(plain, data), hessian(weighted, data)];
      expect(sameBits(await one.toDense(), await other.toDense())).toBe(true);
    }
  });
});
