// Laws that hold of every network, loss and dataset; counterexamples shrink and print themselves.

import * as fc from 'fast-check';
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
import type { CurvatureOperator, Dataset, Network } from '../../src/index.js';
import {
  build,
  distance,
  dot,
  largest,
  problems,
  randomVector,
  sameBits,
  smoothProblems,
} from './random-problems.js';
import type { Instance } from './random-problems.js';

const makers = { hessian, gaussNewton, residual, empiricalFisher, gradientCovariance };
const terms = Object.keys(makers) as (keyof typeof makers)[];

/** Rounding of products and sums of a few dozen terms, with room for cancellation within an entry. */
const close = 1e5 * Number.EPSILON;
const check = {
  seed: Number(process.env.LAWS_SEED ?? 20260728),
  numRuns: Number(process.env.LAWS_RUNS ?? 80),
};

/** Σs and Σsκ as the design defines them. */
function denominators({ network, targets, weights }: Instance): { kept: number; total: number } {
  const { loss } = network.spec;
  const object = typeof loss === 'string' ? undefined : loss;
  const classWeights = object?.type === 'softmaxCrossEntropy' ? object.classWeights : undefined;
  let kept = 0;
  let total = 0;
  targets.forEach((target, sample) => {
    if (target === -100) return;
    const weight = weights?.[sample] ?? 1;
    kept += weight;
    total += weight * (typeof target === 'number' ? (classWeights?.[target] ?? 1) : 1);
  });
  return { kept, total };
}

async function dense(network: Network, data: Dataset, via?: 'closedForm' | 'products') {
  const [h, g, r, f, c] = await Promise.all(
    terms.map((term) => makers[term](network, data).toDense({ via, blockSize: 5 })),
  );
  if (!h || !g || !r || !f || !c) throw new Error('five terms');
  return { h, g, r, f, c };
}

function transposed(matrix: ArrayLike<number>, size: number): Float64Array {
  const result = new Float64Array(matrix.length);
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j < size; j += 1) result[j * size + i] = matrix[i * size + j] ?? NaN;
  }
  return result;
}

const trace = (matrix: ArrayLike<number>, size: number): number => {
  let sum = 0;
  for (let i = 0; i < size; i += 1) sum += matrix[i * size + i] ?? NaN;
  return sum;
};

describe('dense matrices', () => {
  it('H = G + R, both ways agree to rounding, and every matrix is symmetric to the bit', async () => {
    await fc.assert(
      fc.asyncProperty(problems(), async (problem) => {
        const { network, data } = build(problem, 'float64');
        const size = network.parameterCount;
        const closed = await dense(network, data, 'closedForm');
        const products = await dense(network, data, 'products');
        const scale = largest(closed.h) + largest(closed.g) + largest(closed.r);
        const sum = closed.g.map((value, i) => value + (closed.r[i] ?? NaN));
        expect(distance(closed.h, sum)).toBeLessThanOrEqual(close * scale);
        for (const term of ['h', 'g', 'r', 'f', 'c'] as const) {
          const most = term === 'f' || term === 'c' ? largest(closed.f) : scale;
          expect(distance(closed[term], products[term])).toBeLessThanOrEqual(close * most);
          for (const matrix of [closed[term], products[term]]) {
            expect(sameBits(matrix, transposed(matrix, size))).toBe(true);
          }
        }
      }),
      check,
    );
  });

  it('G, F and C are positive semidefinite, C + (Σs/Σsκ) ḡḡᵀ = F, and traces are sums of eigenvalues', async () => {
    await fc.assert(
      fc.asyncProperty(problems(), async (problem) => {
        const instance = build(problem, 'float64');
        const { network, data } = instance;
        const size = network.parameterCount;
        const { g, f, c } = await dense(network, data);
        for (const [matrix, operator, scale] of [
          [g, gaussNewton(network, data), largest(g)],
          [f, empiricalFisher(network, data), largest(f)],
          [c, gradientCovariance(network, data), largest(f)],
        ] as const) {
          const values = await eigenvalues(operator);
          // An error of ε·scale in each of size² entries moves an eigenvalue by size·ε·scale at most.
          const slack = 10 * size * close * scale;
          expect(values[0]).toBeGreaterThanOrEqual(-slack);
          const sum = values.reduce((total, value) => total + value, 0);
          expect(Math.abs(sum - trace(matrix, size))).toBeLessThanOrEqual(slack);
        }
        const { kept, total } = denominators(instance);
        const gradient = await network.gradient(data);
        const mean = gradient.map((value) => (value * total) / kept);
        const second = c.map(
          (value, i) =>
            value + (kept / total) * (mean[Math.floor(i / size)] ?? NaN) * (mean[i % size] ?? NaN),
        );
        expect(distance(second, f)).toBeLessThanOrEqual(close * largest(f));
      }),
      check,
    );
  });

  it('under softmax, G has at least M − N(C − 1) zeros', async () => {
    await fc.assert(
      fc.asyncProperty(problems(), async (problem) => {
        const { loss } = problem.spec;
        fc.pre(typeof loss === 'object' && loss.type === 'softmaxCrossEntropy');
        const { network, data } = build(problem, 'float64');
        const values = await eigenvalues(gaussNewton(network, data));
        const tiny = 1e-12 * Math.max(largest(values), Number.MIN_VALUE);
        const zeros = values.filter((value) => Math.abs(value) <= tiny).length;
        const rank = problem.samples * (network.outputCount - 1);
        expect(zeros).toBeGreaterThanOrEqual(network.parameterCount - rank);
      }),
      { ...check, numRuns: 150 },
    );
  });
});

describe('products', () => {
  it('are columns of the dense matrix, and ⟨u, Av⟩ = ⟨v, Au⟩', async () => {
    await fc.assert(
      fc.asyncProperty(problems(), fc.integer({ min: 1, max: 20 }), async (problem, count) => {
        const { network, data } = build(problem, 'float64');
        const size = network.parameterCount;
        const block = randomVector(count * size, problem.seed);
        const scales = await dense(network, data);
        const scale =
          size * (largest(scales.h) + largest(scales.g) + largest(scales.r) + largest(scales.f));
        for (const term of terms) {
          const operator = makers[term](network, data);
          const matrix = await operator.toDense();
          const products = await operator.apply(block, count);
          for (let k = 0; k < count; k += 1) {
            const v = block.subarray(k * size, (k + 1) * size);
            const rows = v.map((_, i) => dot(matrix.subarray(i * size, (i + 1) * size), v));
            const product = products.subarray(k * size, (k + 1) * size);
            expect(distance(product, rows)).toBeLessThanOrEqual(close * scale);
          }
          const u = block.subarray(0, size);
          const v = randomVector(size, problem.seed + 1);
          const [au, av] = [products.subarray(0, size), await operator.apply(v)];
          expect(Math.abs(dot(u, av) - dot(v, au))).toBeLessThanOrEqual(close * size * scale);
        }
      }),
      { ...check, numRuns: 40 },
    );
  });

  it('have the same bits on 1, 2 and 3 threads, and so do loss, gradient, outputs and matrices', async () => {
    await fc.assert(
      fc.asyncProperty(problems(), async (problem) => {
        const { network, data } = build(problem, 'float64');
        const size = network.parameterCount;
        const block = randomVector(3 * size, problem.seed);
        const all = await Promise.all(
          [1, 2, 3].map(async (threads) => [
            Float64Array.of(await network.loss(data, { threads })),
            await network.gradient(data, { threads }),
            await network.predict(data, { threads }),
            ...(await Promise.all(
              terms.flatMap((term) => {
                const operator = makers[term](network, data, { threads });
                return [operator.apply(block, 3), operator.toDense(), eigenvalues(operator)];
              }),
            )),
          ]),
        );
        const [one, two, three] = all;
        one?.forEach((values, i) => {
          expect(sameBits(two?.[i], values) && sameBits(three?.[i], values)).toBe(true);
        });
      }),
      { ...check, numRuns: 25 },
    );
  });
});

/** (f(θ + hv) − f(θ − hv)) / 2h, and how much it changes when h is halved: h² where f is smooth, by what it
 *  errs where the step goes over a kink. */
async function differences(
  network: Network,
  direction: ArrayLike<number>,
  h: number,
  f: (moved: Network) => Promise<ArrayLike<number>>,
): Promise<{ slope: Float64Array; change: number }> {
  const theta = network.parameters();
  const at = async (step: number): Promise<Float64Array> => {
    const moved = network.clone();
    moved.setParameters(
      Float64Array.from(theta, (value, i) => value + step * (direction[i] ?? NaN)),
    );
    return Float64Array.from(await f(moved));
  };
  const slopeOf = async (step: number): Promise<Float64Array> => {
    const [above, below] = [await at(step), await at(-step)];
    return above.map((value, i) => (value - (below[i] ?? NaN)) / (2 * step));
  };
  const [slope, finer] = [await slopeOf(h), await slopeOf(h / 2)];
  return { slope, change: distance(slope, finer) };
}

describe('derivatives', () => {
  const step = 1e-5;

  it('the gradient is that of the loss by central differences', async () => {
    await fc.assert(
      fc.asyncProperty(problems(), async (problem) => {
        const { network, data } = build(problem, 'float64');
        const v = randomVector(network.parameterCount, problem.seed + 2);
        const { slope, change } = await differences(network, v, step, async (moved) => [
          await moved.loss(data),
        ]);
        fc.pre(change < 1e-8); // a kink (test/network/activations.ts) within the step
        const gradient = await network.gradient(data);
        const scale = 1 + Math.sqrt(dot(gradient, gradient) * dot(v, v));
        expect(Math.abs((slope[0] ?? NaN) - dot(gradient, v))).toBeLessThanOrEqual(1e-7 * scale);
      }),
      { ...check, numRuns: 150 },
    );
  });

  it('Hv is the derivative of the gradient by central differences', async () => {
    await fc.assert(
      fc.asyncProperty(problems(), async (problem) => {
        const { network, data } = build(problem, 'float64');
        const v = randomVector(network.parameterCount, problem.seed + 3);
        const { slope, change } = await differences(network, v, step, (moved) =>
          moved.gradient(data),
        );
        fc.pre(change < 1e-7);
        const product = await hessian(network, data).apply(v);
        expect(distance(slope, product)).toBeLessThanOrEqual(1e-6 * (1 + largest(product)));
      }),
      { ...check, numRuns: 150 },
    );
  });

  it('without kinks, neither check skips a problem', async () => {
    await fc.assert(
      fc.asyncProperty(smoothProblems, async (problem) => {
        const { network, data } = build(problem, 'float64');
        const v = randomVector(network.parameterCount, problem.seed + 4);
        const { slope } = await differences(network, v, step, (moved) => moved.gradient(data));
        const product = await hessian(network, data).apply(v);
        expect(distance(slope, product)).toBeLessThanOrEqual(1e-6 * (1 + largest(product)));
      }),
      check,
    );
  });
});

describe('averaging over samples', () => {
  const everything = async (network: Network, data: Dataset): Promise<Float64Array[]> => [
    Float64Array.of(await network.loss(data)),
    Float64Array.from(await network.gradient(data)),
    ...(await Promise.all(
      terms.map(async (term) => Float64Array.from(await makers[term](network, data).toDense())),
    )),
  ];
  const same = (given: Float64Array[], expected: Float64Array[]): void => {
    const scale = Math.max(1e-300, ...expected.map(largest));
    given.forEach((values, i) => {
      expect(distance(values, expected[i] ?? [])).toBeLessThanOrEqual(close * scale);
    });
  };

  it('does not depend on the order of the samples', async () => {
    await fc.assert(
      fc.asyncProperty(problems(), async (problem) => {
        const { network, data } = build(problem, 'float64');
        const order = Array.from({ length: data.sampleCount }, (_, i) => data.sampleCount - 1 - i);
        same(await everything(network, data.subset(order)), await everything(network, data));
      }),
      { ...check, numRuns: 40 },
    );
  });

  it('a weight of 2 is the sample twice, and one of 0 is its absence, in every term', async () => {
    await fc.assert(
      fc.asyncProperty(problems(), async (problem) => {
        const instance = build({ ...problem, weighted: true }, 'float64');
        const { network, data, inputs, targets, weights } = instance;
        const indices = inputs.flatMap((_, i) => Array<number>(weights?.[i] ?? 1).fill(i));
        const plain = createDataset({ inputs, inputShape: problem.spec.input, targets });
        same(await everything(network, data), await everything(network, plain.subset(indices)));
      }),
      { ...check, numRuns: 40 },
    );
  });

  it('scaling all sample weights changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(problems(), async (problem) => {
        const { network, data, inputs, targets } = build(problem, 'float64');
        fc.pre(data.weights() === undefined);
        const weights = inputs.map(() => 8);
        const scaled = createDataset({ inputs, inputShape: problem.spec.input, targets, weights });
        same(await everything(network, scaled), await everything(network, data));
      }),
      { ...check, numRuns: 20 },
    );
  });
});

describe('float32', () => {
  it('agrees with float64 at the same parameters to float32 rounding', async () => {
    await fc.assert(
      fc.asyncProperty(smoothProblems, async (problem) => {
        const { network: single, data } = build(problem, 'float32');
        const double = createNetwork(problem.spec, { parameters: single.parameters() });
        const [h, h32] = [hessian(double, data), hessian(single, data)] as CurvatureOperator[];
        const scale =
          largest((await h?.toDense()) ?? []) + largest(await gaussNewton(double, data).toDense());
        for (const via of ['closedForm', 'products'] as const) {
          const apart = distance((await h32?.toDense({ via })) ?? [], (await h?.toDense()) ?? []);
          expect(apart).toBeLessThanOrEqual(2000 * 2 ** -23 * (scale + 1e-3));
        }
      }),
      { ...check, numRuns: 40 },
    );
  });
});
