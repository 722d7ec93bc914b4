// The diagonal: by formula it is the dense matrix's, by random vectors within its error.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  blocks,
  createNetwork,
  diagonal,
  gaussNewton,
  hessian,
  matrixOperator,
  randomInputs,
  shift,
  trace,
} from '../../src/index.js';
import { createRandom } from '../../src/data/random.js';
import { makers } from '../curvature/makers.js';
import { build, largest, problems, sameBits } from '../curvature/random-problems.js';
import { refusal } from '../data/refusal.js';

function diagonalOf(matrix: Float64Array | Float32Array, size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, i) => matrix[i * (size + 1)] ?? NaN);
}

describe('diagonal', () => {
  it.each(Object.entries(makers))(
    'of %s by the recursion of a chain is that of the dense matrix, block by block too',
    async (_, make) => {
      await fc.assert(
        fc.asyncProperty(problems(), async (problem) => {
          const { network, data } = build(problem, 'float64');
          const some = blocks(network).at(-1);
          for (const options of [{}, { parameters: some, weightDecay: 0.25 }]) {
            const operator = make(network, data, options);
            const dense = await operator.toDense();
            const exact = diagonalOf(dense, operator.size);
            const { values, standardErrors, method } = await diagonal(operator);
            expect(method).toBe('exact');
            expect(largest(standardErrors)).toBe(0);
            const off = largest(values.map((value, i) => value - (exact[i] ?? NaN)));
            // The covariance is a difference of two: F and ḡ ḡᵀ.
            const norm =
              largest(dense) + largest(await makers.empiricalFisher(network, data).toDense());
            expect(off).toBeLessThanOrEqual(1e-12 * norm);
            const sum = exact.reduce((a, b) => a + b, 0);
            const { value } = await trace(operator);
            expect(Math.abs(value - sum)).toBeLessThanOrEqual(1e-12 * norm * operator.size);
          }
        }),
        { numRuns: 25, seed: 6 },
      );
    },
  );

  it('has the same bits on 1, 2 and 3 threads, and float32 agrees with float64', async () => {
    const spec = {
      input: [9],
      layers: [{ type: 'dense', units: 11 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
      loss: 'softmaxCrossEntropy',
    } as const;
    const data = randomInputs({ samples: 300, inputShape: [9], classes: 3, seed: 1 });
    const operator = hessian(createNetwork(spec, { seed: 1 }), data);
    const [one, two, three] = await Promise.all(
      [1, 2, 3].map(async (threads) => (await diagonal(operator, { threads })).values),
    );
    expect(sameBits(one, two) && sameBits(one, three)).toBe(true);
    const single = hessian(createNetwork(spec, { seed: 1, dtype: 'float32' }), data);
    const { values } = await diagonal(single);
    const off = largest(values.map((value, i) => value - (one?.[i] ?? NaN)));
    expect(off).toBeLessThan(1e-5 * largest(one ?? []));
  });

  it('of a convolutional network comes from unit vectors, of a matrix from itself', async () => {
    const network = createNetwork(
      {
        input: [1, 5, 5],
        layers: [
          { type: 'conv2d', filters: 2, kernelSize: 3 },
          { type: 'softplus' },
          { type: 'flatten' },
          { type: 'dense', units: 2 },
        ],
        loss: 'softmaxCrossEntropy',
      },
      { seed: 2 },
    );
    const operator = gaussNewton(
      network,
      randomInputs({ samples: 20, inputShape: [1, 5, 5], classes: 2, seed: 2 }),
    );
    const exact = diagonalOf(await operator.toDense(), operator.size);
    const { values } = await diagonal(operator);
    const off = largest(values.map((value, i) => value - (exact[i] ?? NaN)));
    expect(off).toBeLessThan(1e-14 * largest(exact));
    const two = matrixOperator([1, 2, 2, -3], 2);
    expect(Array.from((await diagonal(two)).values)).toEqual([1, -3]);
    expect(Array.from((await diagonal(shift(two, 1))).values)).toEqual([2, -2]);
  });

  it('by random vectors covers the entries in about 95 of 100 cases', async () => {
    const size = 40;
    const random = createRandom(3);
    const matrix = new Float64Array(size * size);
    for (let i = 0; i < size; i += 1) {
      for (let j = 0; j <= i; j += 1) {
        matrix[i * size + j] = matrix[j * size + i] = random.normal();
      }
    }
    const operator = matrixOperator(matrix, size);
    let covered = 0;
    for (let seed = 0; seed < 50; seed += 1) {
      const found = await diagonal(operator, { method: 'hutchinson', products: 60, seed });
      covered += found.values.filter((value, i) => {
        const miss = Math.abs(value - (matrix[i * (size + 1)] ?? NaN));
        return miss <= 2 * (found.standardErrors[i] ?? NaN);
      }).length;
    }
    expect(covered / (50 * size)).toBeGreaterThan(0.92);
    expect(covered / (50 * size)).toBeLessThan(0.98);
  });

  it('refuses fewer products than an error needs', async () => {
    await expect(diagonal(matrixOperator([1], 1), { products: 1 })).rejects.toEqual(
      refusal('ERR_SPEC', /'products' is 1; expected an integer of at least 6/),
    );
  });
});
