// Losses written in TypeScript: the same matrices as the engine's own, and right where it has none.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  eigenpairs,
  eigenvalues,
  empiricalFisher,
  gaussianClusters,
  gaussNewton,
  gradientCovariance,
  hessian,
  residual,
  spectrum,
} from '../../src/index.js';
import type { CustomLossSpec, Dataset, DType, LossSpec, Network } from '../../src/index.js';
import { saddle, writtenCrossEntropy, writtenSquaredError } from '../network/written-losses.js';
import { build, distance, largest, problems, randomVector, sameBits } from './random-problems.js';

const makers = { hessian, gaussNewton, residual, empiricalFisher, gradientCovariance };
const terms = Object.keys(makers) as (keyof typeof makers)[];
const ways = ['closedForm', 'products'] as const;
const tolerance = { float64: 1e-12, float32: 1e-4 } as const;

/** The same network under another loss. */
function under<D extends DType>(network: Network<D>, loss: LossSpec): Network<D> {
  const { spec, dtype } = network;
  return createNetwork({ ...spec, loss }, { dtype, parameters: network.parameters() });
}

async function expectSame(
  written: Network,
  known: Network,
  data: Dataset,
  limit: number,
  by: readonly (typeof ways)[number][] = ways,
): Promise<void> {
  const close = async (
    given: Promise<ArrayLike<number>>,
    expected: Promise<ArrayLike<number>>,
    scale: number,
  ): Promise<void> => {
    expect(distance(await given, await expected)).toBeLessThanOrEqual(limit * scale);
  };
  const loss = await known.loss(data);
  expect(Math.abs((await written.loss(data)) - loss)).toBeLessThanOrEqual(limit * (1 + loss));
  const gradient = await known.gradient(data);
  await close(written.gradient(data), known.gradient(data), 1 + largest(gradient));
  const block = randomVector(3 * known.parameterCount, 7);
  for (const term of terms) {
    const [mine, theirs] = [makers[term](written, data), makers[term](known, data)];
    const scale =
      1 +
      Math.max(largest(await theirs.toDense()), largest(await gaussNewton(known, data).toDense()));
    for (const via of by) await close(mine.toDense({ via }), theirs.toDense({ via }), scale);
    await close(mine.apply(block, 3), theirs.apply(block, 3), scale * known.parameterCount);
  }
}

describe.each(['float64', 'float32'] as const)('%s', (dtype) => {
  const layers = [
    { type: 'dense', units: 5 },
    { type: 'softplus' },
    { type: 'dense', units: 4 },
    { type: 'tanh' },
    { type: 'dense', units: 3 },
  ] as const;

  it('cross-entropy in TypeScript has the matrices of the engine, for classes', async () => {
    const data = gaussianClusters({ samples: 70, classes: 3, dimensions: 4, seed: 1 });
    const known = createNetwork({ input: [4], layers, loss: 'softmaxCrossEntropy' }, { dtype });
    await expectSame(under(known, writtenCrossEntropy), known, data, tolerance[dtype]);
  });

  it('… for rows of probabilities, and with sample weights', async () => {
    const clusters = gaussianClusters({ samples: 40, classes: 3, dimensions: 4, seed: 1 });
    const targets = Array.from({ length: 40 }, (_, i) => [0.5, (i % 5) / 10, 0.5 - (i % 5) / 10]);
    const weights = Array.from({ length: 40 }, (_, i) => i % 4);
    const data = createDataset({
      inputs: clusters.inputs(),
      inputShape: [4],
      targets,
      weights,
    });
    const known = createNetwork({ input: [4], layers, loss: 'softmaxCrossEntropy' }, { dtype });
    await expectSame(under(known, writtenCrossEntropy), known, data, tolerance[dtype]);
  });

  it('a squared error in TypeScript has the matrices of the engine', async () => {
    const inputs = Array.from({ length: 30 }, (_, i) => Array.from(randomVector(4, i)));
    const targets = inputs.map(([a = 0, b = 0]) => [a * b, a - b, Math.sin(b)]);
    const data = createDataset({ inputs, targets });
    const known = createNetwork({ input: [4], layers, loss: 'meanSquaredError' }, { dtype });
    await expectSame(under(known, writtenSquaredError), known, data, tolerance[dtype]);
  });
});

it('whatever the network, cross-entropy in TypeScript is the engine’s to 1e-12', async () => {
  await fc.assert(
    fc.asyncProperty(problems(), async (problem) => {
      const plain = {
        ...problem,
        spec: { ...problem.spec, loss: { type: 'softmaxCrossEntropy' } },
      } as const;
      const { network, data } = build(plain, 'float64');
      fc.pre(network.outputCount > 1);
      await expectSame(under(network, writtenCrossEntropy), network, data, 1e-12);
    }),
    { seed: 20260728, numRuns: 20 },
  );
});

it.each(['float64', 'float32'] as const)(
  '… and with branches and convolutions in %s',
  async (dtype) => {
    const known = createNetwork(
      {
        input: [2, 4, 4],
        layers: [
          { type: 'conv2d', filters: 2, kernelSize: 3, padding: 1, name: 'conv' },
          { type: 'batchNorm', name: 'norm' },
          { type: 'add', inputs: ['norm', 'input'] },
          { type: 'tanh' },
          { type: 'avgPool2d', size: 2, name: 'pool' },
          { type: 'flatten' },
          { type: 'dense', units: 3 },
        ],
        loss: 'softmaxCrossEntropy',
      },
      { dtype },
    );
    const data = createDataset({
      inputs: randomVector(20 * 32, 1),
      inputShape: [2, 4, 4],
      targets: Array.from({ length: 20 }, (_, i) => i % 3),
    });
    const written = under(known, writtenCrossEntropy);
    await expectSame(written, known, data, tolerance[dtype], ['products']);
  },
);

describe('a loss whose ∇²ℓ is indefinite', () => {
  const inputs = Array.from({ length: 24 }, (_, i) => Array.from(randomVector(3, i)));
  const data = createDataset({ inputs, targets: inputs.map(([a = 0]) => 3 * a) });
  const network = createNetwork(
    {
      input: [3],
      layers: [{ type: 'dense', units: 4 }, { type: 'tanh' }, { type: 'dense', units: 2 }],
      loss: saddle,
    },
    { seed: 4 },
  );

  it('has an indefinite G by both ways, H = G + R, and says so', async () => {
    const matrices = async (via: (typeof ways)[number]): Promise<Float64Array[]> =>
      Promise.all(
        [hessian, gaussNewton, residual].map((make) => make(network, data).toDense({ via })),
      );
    const [h = new Float64Array(), g = h, r = h] = await matrices('closedForm');
    const scale = largest(h) + largest(g);
    for (const [i, other] of (await matrices('products')).entries()) {
      expect(distance([h, g, r][i] ?? [], other)).toBeLessThan(1e-13 * scale);
    }
    expect(
      distance(
        h,
        g.map((value, i) => value + (r[i] ?? NaN)),
      ),
    ).toBeLessThan(1e-13 * scale);
    const values = await eigenvalues(gaussNewton(network, data));
    expect(values[0]).toBeLessThan(-1e-3);
    expect(await gaussNewton(network, data).hasConvexLoss({})).toBe(false);
    const convex = under(network, { ...writtenCrossEntropy });
    const classes = createDataset({ inputs, targets: inputs.map((_, i) => i % 2) });
    expect(await gaussNewton(convex, classes).hasConvexLoss({})).toBe(true);
  });

  it('has Hv and ∇L that are central differences', async () => {
    const v = randomVector(network.parameterCount, 3);
    const step = 1e-5;
    const at = async (sign: number): Promise<[number, Float64Array]> => {
      const moved = network.clone();
      moved.setParameters(network.parameters().map((w, i) => w + sign * step * (v[i] ?? NaN)));
      return [await moved.loss(data), await moved.gradient(data)];
    };
    const [[above, gradientAbove], [below, gradientBelow]] = [await at(1), await at(-1)];
    const gradient = await network.gradient(data);
    const slope = gradient.reduce((sum, g, i) => sum + g * (v[i] ?? NaN), 0);
    expect(Math.abs((above - below) / (2 * step) - slope)).toBeLessThan(1e-8);
    const product = await hessian(network, data).apply(v);
    const differences = gradientAbove.map((g, i) => (g - (gradientBelow[i] ?? NaN)) / (2 * step));
    expect(distance(product, differences)).toBeLessThan(1e-7);
  });

  it('works with spectrum and eigenpairs', async () => {
    const { terms: found, loss } = await spectrum(network, data, {
      terms: ['hessian', 'gaussNewton'],
    });
    expect(loss).toBe(await network.loss(data));
    expect(found.gaussNewton.eigenvalues[0]).toBeLessThan(0);
    const { residualNorms } = await eigenpairs(hessian(network, data));
    expect(largest(residualNorms)).toBeLessThan(1e-12);
  });
});

describe.each(['float64', 'float32'] as const)('definiteness in %s', (dtype) => {
  const inputs = Array.from({ length: 5 }, (_, i) => [i, 1]);
  const outer = (v: number[]): number[] => v.flatMap((a) => v.map((b) => a * b));

  it.each([
    ['of rank one', outer([1, 2, 3]), true],
    ['of rank one, of all sizes', outer([1e-9, 1, 0.3]), true],
    ['zero', outer([0, 0, 0]), true],
    ['diagonal, and tiny', [1e-20, 0, 0, 0, 2e-20, 0, 0, 0, 0], true],
    ['indefinite by a thousandth', [1, 1.001, 0, 1.001, 1, 0, 0, 0, 1], false],
    ['indefinite beside a zero', [0, 1e-3, 0, 1e-3, 1, 0, 0, 0, 1], false],
    ['negative in one direction', [1, 0, 0, 0, 1, 0, 0, 0, -0.01], false],
  ] as const)('∇²ℓ that is %s', async (_, matrix, convex) => {
    const times = (f: Float64Array): number[] =>
      Array.from(f, (_f, i) => f.reduce((sum, x, j) => sum + x * (matrix[3 * i + j] ?? NaN), 0));
    const quadratic: CustomLossSpec = {
      type: 'custom',
      value: (f) => times(f).reduce((sum, x, i) => sum + (x * (f[i] ?? NaN)) / 2, 0),
      gradient: times,
      hessian: () => matrix,
    };
    const layers = [{ type: 'dense', units: 3 }] as const;
    const network = createNetwork({ input: [2], layers, loss: quadratic }, { dtype });
    const data = createDataset({ inputs, targets: [0, 0, 0, 0, 0] });
    expect(await gaussNewton(network, data).hasConvexLoss({})).toBe(convex);
    const [least = NaN] = await eigenvalues(gaussNewton(network, data));
    // The least of the indefinite ones is −7e-6; rounding in float32 leaves 1e-6 at most.
    const limit = -3e-6 * largest(matrix);
    if (convex) expect(least).toBeGreaterThanOrEqual(limit);
    else expect(least).toBeLessThan(limit);
  });
});

it('runs each function once per sample, at the parameters and data of the operator’s making', async () => {
  const calls = { value: 0, gradient: 0, hessian: 0 };
  const counted: CustomLossSpec = {
    type: 'custom',
    value: (...given) => ((calls.value += 1), saddle.value(...given)),
    gradient: (...given) => ((calls.gradient += 1), saddle.gradient(...given)),
    hessian: (...given) => ((calls.hessian += 1), saddle.hessian(...given)),
  };
  const data = gaussianClusters({ samples: 300, classes: 2, dimensions: 3, seed: 1 });
  const network = createNetwork({
    input: [3],
    layers: [{ type: 'dense', units: 2 }],
    loss: counted,
  });
  await network.loss(data); // checks the derivatives
  const before = { ...calls };
  const operator = hessian(network, data);
  expect(calls).toEqual(before);
  const matrix = await hessian(network, data).toDense();
  network.setParameters(new Float64Array(network.parameterCount));
  const v = randomVector(operator.size, 1);
  const [first, second, dense] = await Promise.all([
    operator.apply(v),
    operator.apply(v),
    operator.toDense(),
  ]);
  expect(sameBits(second, first)).toBe(true);
  expect(sameBits(dense, matrix)).toBe(true);
  expect(calls.hessian - before.hessian).toBe(600);
  expect(calls.gradient - before.gradient).toBe(600);
  expect(calls.value).toBe(before.value);
  const fisher = empiricalFisher(network, data);
  await fisher.apply(v);
  expect(calls.hessian - before.hessian).toBe(600);
});

it('an operator that is disposed while functions run still answers', async () => {
  const data = gaussianClusters({ samples: 300, classes: 2, dimensions: 3, seed: 1 });
  const layers = [{ type: 'dense', units: 2 }] as const;
  const network = createNetwork({ input: [3], layers, loss: saddle });
  const operator = hessian(network, data);
  const matrix = operator.toDense();
  const values = eigenvalues(operator);
  operator[Symbol.dispose]();
  expect(await matrix).toEqual(await hessian(network, data).toDense());
  expect(await values).toEqual(await eigenvalues(hessian(network, data)));
  await expect(operator.toDense()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
});

it('has the same bits on 1, 2 and 3 threads', async () => {
  const data = gaussianClusters({ samples: 900, classes: 2, dimensions: 3, seed: 1 });
  const network = createNetwork({
    input: [3],
    layers: [{ type: 'dense', units: 9 }, { type: 'relu' }, { type: 'dense', units: 2 }],
    loss: saddle,
  });
  const all = await Promise.all(
    [1, 2, 3].map(async (threads) => [
      Float64Array.of(await network.loss(data, { threads })),
      await network.gradient(data, { threads }),
      ...(await Promise.all(
        terms.flatMap((term) => {
          const operator = makers[term](network, data, { threads });
          return [
            operator.apply(randomVector(operator.size, 2)),
            operator.toDense(),
            eigenvalues(operator),
          ];
        }),
      )),
    ]),
  );
  const [one = [], two = [], three = []] = all;
  for (const [i, values] of one.entries()) {
    expect(sameBits(two[i], values) && sameBits(three[i], values)).toBe(true);
  }
});

describe('the event loop', () => {
  let calls = 0;
  /** Takes 50 µs. */
  function wait(): void {
    calls += 1;
    const until = performance.now() + 0.05;
    while (performance.now() < until);
  }
  const slow: CustomLossSpec = {
    type: 'custom',
    value: ([f = 0], t: number) => (wait(), (f - t) ** 2),
    gradient: ([f = 0], t: number) => (wait(), [2 * (f - t)]),
    hessian: () => (wait(), [2]),
  };
  const data = createDataset({
    inputs: Array.from({ length: 2000 }, (_, i) => [i / 2000]),
    targets: Array.from({ length: 2000 }, (_, i) => i % 7),
  });
  const network = createNetwork({ input: [1], layers: [{ type: 'dense', units: 1 }], loss: slow });

  // Counted in calls, so that a busy machine does not matter: 20 ms are 400 of them.
  it('turns before functions have run for 20 ms', async () => {
    let most = 0;
    let before = calls;
    let open = true;
    const turn = (): void => {
      most = Math.max(most, calls - before);
      before = calls;
      if (open) setTimeout(turn, 0);
    };
    turn();
    const started = calls;
    await hessian(network, data).toDense();
    open = false;
    expect(calls - started).toBeGreaterThanOrEqual(4000);
    expect(most).toBeLessThan(400);
  });

  it('stops at an abort; another call that waited goes on', async () => {
    const operator = hessian(network, data);
    const abort = new AbortController();
    const stopped = operator.toDense({ signal: abort.signal });
    const other = operator.toDense();
    setTimeout(() => {
      abort.abort('enough');
    }, 30);
    await expect(stopped).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
    expect(await other).toEqual(await hessian(network, data).toDense());
  });
});
