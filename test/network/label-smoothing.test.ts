// Label smoothing of 1: every class is as likely, whatever the target is, as in PyTorch.

import { expect, it } from 'vitest';

import { createDataset, createNetwork, hessian } from '../../src/index.js';
import { distance, largest, randomVector } from '../curvature/random-problems.js';

const layers = [{ type: 'dense', units: 4 }] as const;
const inputs = randomVector(20 * 3, 5);

it('of 1 gives the loss of rows of equal probabilities, and its Hessian', async () => {
  const type = 'softmaxCrossEntropy';
  const smooth = createNetwork({ input: [3], layers, loss: { type, labelSmoothing: 1 } });
  const plain = createNetwork({ input: [3], layers, loss: type });
  const classes = (shift: number) =>
    createDataset({
      inputs,
      inputShape: [3],
      targets: Array.from({ length: 20 }, (_, n) => (n + shift) % 4),
    });
  const even = createDataset({
    inputs,
    inputShape: [3],
    targets: Array.from({ length: 20 }, () => [0.25, 0.25, 0.25, 0.25]),
  });
  const expected = await plain.loss(even);
  const h = await hessian(plain, even).toDense();
  for (const shift of [0, 1]) {
    expect(Math.abs((await smooth.loss(classes(shift))) - expected)).toBeLessThan(1e-14);
    const difference = distance(await hessian(smooth, classes(shift)).toDense(), h);
    expect(difference).toBeLessThan(1e-14 * largest(h));
  }
});
