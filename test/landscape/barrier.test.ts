// Barriers whose height and place are known.

import { describe, expect, it } from 'vitest';

import { barrier, createDataset, createNetwork, interpolate, twoBlobs } from '../../src/index.js';
import type { BarrierOptions } from '../../src/index.js';
import { randomVector } from '../curvature/random-problems.js';

/** f = w₂ w₁ x, target x = 1: L = (1 − w₁ w₂)². */
const product = createNetwork({
  input: [1],
  layers: [
    { type: 'dense', units: 1, bias: false },
    { type: 'dense', units: 1, bias: false },
  ],
  loss: 'meanSquaredError',
});
const one = createDataset({ inputs: [[1]], targets: [[1]] });

const convex = createNetwork({
  input: [2],
  layers: [{ type: 'dense', units: 2 }],
  loss: 'softmaxCrossEntropy',
});
const blobs = twoBlobs({ samples: 80, seed: 2 });

describe('the barrier', () => {
  it('between two minima of (1 − w₁w₂)² is where the formula says, off the grid', async () => {
    // w = (1 − 3α, 1 − 1.5α): w₁w₂ is least, −1/8, at α = 1/2, which 25 intervals do not hit.
    const found = await barrier(product, [1, 1], [-2, -0.5], { data: one });
    expect(found.fromLoss).toBe(0);
    expect(found.toLoss).toBe(0);
    expect(Math.abs(found.at - 0.5)).toBeLessThan(1e-4);
    // The peak is flat: an error of 1e-4 in α moves the height by its square.
    expect(Math.abs(found.height - 1.125 ** 2)).toBeLessThan(1e-6);
    expect(found.height).toBeLessThanOrEqual(1.125 ** 2);
    const [low, high] = found.resolution.bracket;
    expect(high - low).toBeLessThanOrEqual(1e-4);
    expect(found.at).toBeGreaterThanOrEqual(low);
    expect(found.at).toBeLessThanOrEqual(high);
    expect(found.resolution.gridSpacing).toBe(0.04);
  });

  it('is measured from the chord, not from the lower end', async () => {
    // w = (1 − α, 1 − α) to (0, 0): L = (1 − (1 − α)²)², convex then concave, from 0 to 1.
    const found = await barrier(product, [1, 1], [0, 0], { data: one, intervals: 40 });
    const excess = (alpha: number): number => (1 - (1 - alpha) ** 2) ** 2 - alpha;
    const best = Math.max(...Array.from({ length: 100001 }, (_, i) => excess(i / 100000)));
    expect(found.height).toBeCloseTo(best, 7);
    expect(excess(found.at)).toBeCloseTo(found.height, 12);
  });

  it('of a convex problem is 0, at 0', async () => {
    for (const seed of [1, 2, 3]) {
      const [from, to] = [randomVector(6, seed), randomVector(6, seed + 10)];
      const found = await barrier(convex, from, to, { data: blobs });
      expect(found.height).toBe(0);
      expect(found.at).toBe(0);
    }
  });

  it('between a point and itself is 0', async () => {
    const found = await barrier(convex, convex, convex, { data: blobs });
    expect(found.height).toBe(0);
    expect(found.fromLoss).toBe(await convex.loss(blobs));
  });

  it('is told in parts of the loss at a random start, if one is given', async () => {
    const initial = [0.5, 0.5];
    const found = await barrier(product, [1, 1], [-2, -0.5], { data: one, initial });
    expect(found.initialLoss).toBe(0.75 ** 2);
    expect(found.relativeHeight).toBe(found.height / 0.75 ** 2);
    const without = await barrier(product, [1, 1], [-2, -0.5], { data: one });
    expect(without.relativeHeight).toBeUndefined();
  });

  it('finds the higher of two peaks even where the grid shows the lower one', async () => {
    // 4 intervals: peaks of (1 − w₁w₂)² along a line that passes the hyperbola twice.
    const [from, to] = [
      [3, -1],
      [-1, 3.3],
    ];
    const coarse = await barrier(product, from, to, { data: one, intervals: 4 });
    const fine = await barrier(product, from, to, { data: one, intervals: 400 });
    expect(coarse.height).toBeGreaterThanOrEqual(fine.height - 1e-6);
  });

  it('shows all that it evaluated, by ascending α', async () => {
    const options: BarrierOptions = { data: one, intervals: 10, tolerance: 1e-2 };
    const { coefficients, losses } = await barrier(product, [1, 1], [-2, -0.5], options);
    expect([...coefficients].sort((a, b) => a - b)).toEqual([...coefficients]);
    expect(coefficients[0]).toBe(0);
    expect(coefficients.at(-1)).toBe(1);
    const line = await interpolate(product, [1, 1], [-2, -0.5], { data: one, coefficients });
    expect(Array.from(losses)).toEqual(Array.from(line.losses));
  });

  it('is infinite where the loss overflows on the way', async () => {
    // Both ends have w₁w₂ = 0, the middle 1e310.
    const found = await barrier(product, [2e160, 0], [0, 2e150], { data: one });
    expect(found.height).toBe(Infinity);
  });
});

describe('refuses', () => {
  it('ends whose loss is not finite', async () => {
    await expect(barrier(product, [1e200, 1e200], [0, 0], { data: one })).rejects.toMatchObject({
      code: 'ERR_NUMERIC',
      message: /the loss at from is not finite/,
    });
  });

  it.each([
    [{ intervals: 1 }, /option 'intervals' is 1; expected an integer of at least 2/],
    [{ tolerance: 0 }, /option 'tolerance' is 0; expected a finite number above 0/],
  ])('%j', async (options, message) => {
    const call = barrier(product, [1, 1], [0, 0], { data: one, ...options });
    await expect(call).rejects.toMatchObject({ code: 'ERR_SPEC' });
    await expect(call).rejects.toThrow(message);
  });
});
