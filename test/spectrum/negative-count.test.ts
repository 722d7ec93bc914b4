// The number of negative eigenvalues: certified against spectra known in full, estimated within its errors.

import { describe, expect, it } from 'vitest';

import {
  createNetwork,
  eigenvalues,
  gaussNewton,
  hessian,
  matrixOperator,
  negativeCount,
  randomInputs,
} from '../../src/index.js';
import { createRandom } from '../../src/data/random.js';
import { refusal } from '../data/refusal.js';

/** H diag(values) H, H a reflection by a random vector. */
function matrixWith(values: readonly number[], seed: number): Float64Array {
  const n = values.length;
  const random = createRandom(seed);
  const u = Array.from({ length: n }, () => random.normal());
  const square = u.reduce((sum, x) => sum + x * x, 0);
  const h = (i: number, j: number): number =>
    (i === j ? 1 : 0) - (2 * (u[i] ?? NaN) * (u[j] ?? NaN)) / square;
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      const entry = values.reduce((sum, value, k) => sum + h(i, k) * value * h(j, k), 0);
      matrix[i * n + j] = matrix[j * n + i] = entry;
    }
  }
  return matrix;
}

const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);

describe('negativeCount by inertia', () => {
  it.each([
    ['both signs and exact zeros', [-3, -1e-3, -1e-9, ...zeros(20), 1e-9, 2, 5], 3],
    ['repeated values', [-1, -1, -1, -1, 2, 2, 2, 0, 0], 4],
    ['nothing negative', [...zeros(10), 1, 2], 0],
    ['all negative', [-1, -2, -3, -4], 4],
    ['scales from 1e-6 to 1e6', [-1e6, -1, -1e-6, 1e-6, 1, 1e6], 2],
  ])('certifies the count of a matrix with %s', async (_, values, expected) => {
    for (let seed = 0; seed < 10; seed += 1) {
      const operator = matrixOperator(matrixWith(values, seed), values.length);
      const tolerance = values.includes(1e6) ? 1e-5 : undefined;
      const found = await negativeCount(operator, { tolerance });
      expect(found).toMatchObject({ method: 'inertia', count: expected, certified: true });
    }
  });

  it('of the zero matrix is 0, certified, with any tolerance', async () => {
    const zero = matrixOperator(new Float64Array(25), 5);
    for (const tolerance of [undefined, 0, 1]) {
      expect(await negativeCount(zero, { tolerance })).toMatchObject({ count: 0, certified: true });
    }
  });

  it('names the eigenvalues of which it cannot be certain', async () => {
    const values = [-2, -1, ...zeros(4), 3];
    const found = await negativeCount(matrixOperator(matrixWith(values, 1), 7), { tolerance: 0 });
    expect(found).toMatchObject({ count: 2, certified: false, threshold: 0 });
    if (found.method !== 'inertia') throw new Error('not by inertia');
    const { count, ranks, interval } = found.uncertain;
    expect([count, ...ranks]).toEqual([4, 2, 6]);
    expect(interval[0]).toBeLessThan(0);
    expect(interval[0]).toBeGreaterThan(-1e-10);
    expect(interval[1]).toBe(-interval[0]);
  });

  it('counts below a shift, and weight decay is one', async () => {
    const values = [-2, -1, 0, 1, 2, 3];
    const operator = matrixOperator(matrixWith(values, 2), 6);
    expect(await negativeCount(operator, { shift: 1.5 })).toMatchObject({ count: 4 });
    expect(await negativeCount(operator, { shift: 1, tolerance: 1e-6 })).toMatchObject({
      count: 3,
      certified: true,
    });
  });

  it('agrees with the eigenvalues of a Hessian, its block, with weight decay, in both precisions', async () => {
    const data = randomInputs({ samples: 60, inputShape: [6], classes: 3, seed: 5 });
    for (const dtype of ['float64', 'float32'] as const) {
      const network = createNetwork(
        {
          input: [6],
          layers: [{ type: 'dense', units: 9 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
          loss: 'softmaxCrossEntropy',
        },
        { seed: 3, dtype },
      );
      const tolerance = dtype === 'float64' ? 1e-8 : 1e-3;
      for (const options of [{}, { weightDecay: 0.01 }, { parameters: '0' }]) {
        const chosen = 'parameters' in options ? { parameters: network.layout[0]?.layer } : options;
        const operator = hessian(network, data, chosen);
        const all = await eigenvalues(operator);
        const found = await negativeCount(operator, { tolerance });
        const exact = all.filter((value) => value < -tolerance).length;
        if (found.method !== 'inertia') throw new Error('not by inertia');
        expect(exact).toBeGreaterThanOrEqual(found.uncertain.ranks[0]);
        expect(exact).toBeLessThanOrEqual(found.uncertain.ranks[1]);
        expect(found.certified || dtype === 'float32').toBe(true);
      }
      expect(await negativeCount(gaussNewton(network, data))).toMatchObject({ count: 0 });
    }
  });
});

describe('negativeCount by density', () => {
  const values = Array.from({ length: 48 }, (_, i) => (i < 12 ? -1 - i / 12 : i < 32 ? 0 : i / 20));
  const operator = matrixOperator(matrixWith(values, 4), values.length);

  it('is within its two errors, and by enough steps within that of the probes', async () => {
    let covered = 0;
    for (let seed = 0; seed < 40; seed += 1) {
      const found = await negativeCount(operator, {
        method: 'density',
        probes: 30,
        steps: 48,
        seed,
      });
      if (found.method !== 'density') throw new Error('not by density');
      expect(found.quadratureBound).toBe(0);
      if (Math.abs(found.count - 12) <= 2.05 * found.standardError) covered += 1;
    }
    expect(covered).toBeGreaterThanOrEqual(35);
    const few = await negativeCount(operator, { method: 'density', probes: 30, steps: 8 });
    if (few.method !== 'density') throw new Error('not by density');
    const reach = few.quadratureBound + 3 * few.standardError;
    expect(Math.abs(few.count - 12)).toBeLessThan(reach);
  });

  it('is 0 ± 0 for the zero matrix, and refuses a tolerance below zero', async () => {
    const zero = matrixOperator(new Float64Array(16), 4);
    expect(await negativeCount(zero, { method: 'density' })).toMatchObject({
      count: 0,
      standardError: 0,
      quadratureBound: 0,
    });
    await expect(negativeCount(zero, { tolerance: -1 })).rejects.toEqual(
      refusal('ERR_SPEC', /'tolerance' is -1; expected a finite number of at least 0/),
    );
  });
});
