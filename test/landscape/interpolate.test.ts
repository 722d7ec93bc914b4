// The loss on lines against losses, gradients and Hessians at single points.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  gaussianClusters,
  hessian,
  interpolate,
} from '../../src/index.js';
import type { DType, Network } from '../../src/index.js';
import {
  build,
  dot,
  problems,
  randomVector,
  sameBits,
  smoothProblems,
} from '../curvature/random-problems.js';

const network = createNetwork({
  input: [3],
  layers: [{ type: 'dense', units: 5 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
  loss: 'softmaxCrossEntropy',
});
const data = gaussianClusters({ samples: 700, classes: 3, dimensions: 3, seed: 4 });
const testData = gaussianClusters({ samples: 40, classes: 3, dimensions: 3, seed: 5 });
const to = randomVector(network.parameterCount, 7);

function moved<D extends DType>(from: Network<D>, by: number, seed: number): Network<D> {
  const other = from.clone();
  const step = randomVector(from.parameterCount, seed);
  other.setParameters(from.parameters().map((value, i) => value + by * (step[i] ?? NaN)));
  return other;
}

/** w(α), rounded as the engine does: once, to the network's type. */
function between(a: Network, b: Network, alpha: number): Network {
  const middle = a.clone();
  const [from, end] = [a.parameters(), b.parameters()];
  middle.setParameters(
    Float64Array.from(from, (value, i) => (1 - alpha) * value + alpha * (end[i] ?? NaN)),
  );
  return middle;
}

describe('the ends', () => {
  it('have the bits of network.loss and network.accuracy, whatever network, data and type', async () => {
    await fc.assert(
      fc.asyncProperty(
        problems(),
        fc.constantFrom('float64', 'float32'),
        async (problem, dtype) => {
          const { network: from, data: samples } = build<DType>(problem, dtype);
          const end = moved(from, 0.5, problem.seed);
          const line = await interpolate(from, from, end, { data: samples, coefficients: [0, 1] });
          expect(line.losses[0]).toBe(await from.loss(samples));
          expect(line.losses[1]).toBe(await end.loss(samples));
          if (problem.spec.loss === 'meanSquaredError') expect(line.accuracies).toBeUndefined();
          else expect(line.accuracies?.[1]).toBe(await end.accuracy(samples));
        },
      ),
      { numRuns: 60, seed: 21 },
    );
  });
});

describe('every point', () => {
  it('has the loss and accuracy of a network there, over both sets of data', async () => {
    const end = network.clone();
    end.setParameters(to);
    const coefficients = [-1, 0.25, 0.5, 1.75];
    const line = await interpolate(network, network, to, { data, testData, coefficients });
    for (const [index, alpha] of coefficients.entries()) {
      const there = between(network, end, alpha);
      expect(line.losses[index]).toBe(await there.loss(data));
      expect(line.accuracies?.[index]).toBe(await there.accuracy(data));
      expect(line.testLosses?.[index]).toBe(await there.loss(testData));
      expect(line.testAccuracies?.[index]).toBe(await there.accuracy(testData));
    }
  });

  it('has ∇Lᵀd and dᵀHd as derivatives, whatever network, data and type', async () => {
    await fc.assert(
      fc.asyncProperty(
        problems(),
        fc.constantFrom('float64', 'float32'),
        async (problem, dtype) => {
          const { network: from, data: samples } = build<DType>(problem, dtype);
          const end = moved(from, 0.5, problem.seed);
          const line = await interpolate(from, from, end, {
            data: samples,
            coefficients: [0, 0.5],
          });
          const d = end.parameters().map((value, i) => value - (from.parameters()[i] ?? NaN));
          const unit = dtype === 'float64' ? 2 ** -52 : 2 ** -23;
          for (const [index, alpha] of [0, 0.5].entries()) {
            const there = between(from, end, alpha);
            const gradient = await there.gradient(samples);
            const product = await hessian(there, samples).apply(d);
            // Roundings of sums of some hundred products, which may cancel against one another.
            const scale = Math.hypot(...d) * (1 + Math.hypot(...gradient) + Math.hypot(...product));
            const apart = (a: number | undefined, b: number) => Math.abs((a ?? NaN) - b) / scale;
            expect(apart(line.firstDerivatives?.[index], dot(gradient, d))).toBeLessThan(
              1e3 * unit,
            );
            expect(apart(line.secondDerivatives?.[index], dot(product, d))).toBeLessThan(
              1e3 * unit,
            );
          }
        },
      ),
      { numRuns: 40, seed: 22 },
    );
  });

  it('has derivatives that agree with central differences of the loss', async () => {
    await fc.assert(
      fc.asyncProperty(smoothProblems, async (problem) => {
        const { network: from, data: samples } = build(problem, 'float64');
        const end = moved(from, 0.3, problem.seed);
        const h = 1e-3;
        const coefficients = [0.4 - h, 0.4, 0.4 + h];
        const line = await interpolate(from, from, end, { data: samples, coefficients });
        const [before = NaN, middle = NaN, after = NaN] = line.losses;
        // Truncation is h²/6 and h²/12 times third and fourth derivatives, which grow with depth.
        const first = (after - before) / (2 * h);
        const second = (after - 2 * middle + before) / h ** 2;
        const size = 1 + Math.abs(middle) + Math.abs(first) + Math.abs(second);
        expect(Math.abs(first - (line.firstDerivatives?.[1] ?? NaN)) / size).toBeLessThan(1e-4);
        expect(Math.abs(second - (line.secondDerivatives?.[1] ?? NaN)) / size).toBeLessThan(1e-3);
      }),
      { numRuns: 40, seed: 23 },
    );
  });

  it('of a quadratic loss has one second derivative, by hand', async () => {
    const line = createNetwork({
      input: [1],
      layers: [{ type: 'dense', units: 1, bias: false }],
      loss: 'meanSquaredError',
    });
    const point = { inputs: [[2]], targets: [[1]] };
    const found = await interpolate(line, [0], [3], {
      data: createDataset(point),
      coefficients: [0, 0.5, 1],
    });
    // L = (2w − 1)² with w = 3α
    expect(Array.from(found.losses)).toEqual([1, 4, 25]);
    expect(Array.from(found.firstDerivatives ?? [])).toEqual([-12, 24, 60]);
    expect(Array.from(found.secondDerivatives ?? [])).toEqual([72, 72, 72]);
    expect(found.distance).toBe(3);
  });
});

describe('a call', () => {
  it('has the same bits on any number of threads', async () => {
    const one = await interpolate(network, network, to, { data, threads: 1 });
    for (const threads of [2, 3]) {
      const found = await interpolate(network, network, to, { data, threads });
      expect(sameBits(found.losses, one.losses)).toBe(true);
      expect(sameBits(found.firstDerivatives, one.firstDerivatives)).toBe(true);
      expect(sameBits(found.secondDerivatives, one.secondDerivatives)).toBe(true);
    }
    expect(one.coefficients).toHaveLength(61);
    expect([one.coefficients[20], one.coefficients[40]]).toEqual([0, 1]);
  });

  it('leaves the network and the points as they are', async () => {
    const before = network.parameters();
    const given = to.slice();
    await interpolate(network, network, given, { data });
    expect(network.parameters()).toEqual(before);
    expect(given).toEqual(to);
  });

  it('goes on where the loss overflows: Infinity there, numbers elsewhere', async () => {
    const coefficients = [0, 1.7e308, 1];
    const line = await interpolate(network, network, to, { data, testData, coefficients });
    expect(line.losses[1]).toBe(Infinity);
    expect(line.testLosses?.[1]).toBe(Infinity);
    for (const column of [line.accuracies, line.firstDerivatives, line.secondDerivatives]) {
      expect(column?.[1]).toBeNaN();
      expect(column?.[2]).toBeTypeOf('number');
    }
    expect(line.losses[2]).toBeLessThan(Infinity);
  });

  it('without derivatives has none', async () => {
    const line = await interpolate(network, network, to, { data, derivatives: false });
    expect(line.firstDerivatives).toBeUndefined();
    expect(line.secondDerivatives).toBeUndefined();
  });

  it('reports progress of both sets of data, and stops when it is aborted', async () => {
    const stages = new Set<string>();
    const onProgress = ({ stage }: { stage: string }) => stages.add(stage);
    await interpolate(network, network, to, { data, testData, onProgress });
    expect([...stages]).toEqual(['loss', 'test loss']);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(interpolate(network, network, to, { data, signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    });
  });
});

describe('refuses', () => {
  const refused = (from: unknown, end: unknown, options: object): Promise<unknown> =>
    interpolate(network, from as number[], end as number[], options as { data: typeof data }).then(
      () => 'accepted',
      (error: unknown) => error,
    );

  it('points that do not fit, by name', async () => {
    expect(await refused([1, 2], to, { data })).toMatchObject({
      code: 'ERR_SHAPE',
      message: "interpolate: from has 2 entries; expected 38, the network's parameterCount",
    });
    expect(
      await refused(
        network,
        to.map(() => NaN),
        { data },
      ),
    ).toMatchObject({
      code: 'ERR_DATA',
      message: /entry 0 of to is NaN/,
    });
    expect(await refused(network, undefined, { data })).toMatchObject({
      code: 'ERR_SPEC',
      message: /to is undefined; expected an array/,
    });
  });

  it('losses written in TypeScript, and names what answers instead', async () => {
    const custom = createNetwork({
      input: [1],
      layers: [{ type: 'dense', units: 1 }],
      loss: { type: 'custom', value: () => 0, gradient: () => [0], hessian: () => [0] },
    });
    const points = createDataset({ inputs: [[1]], targets: [[1]] });
    await expect(interpolate(custom, custom, custom, { data: points })).rejects.toMatchObject({
      code: 'ERR_SPEC',
      message: /interpolate: the loss is of type 'custom'.*use loss\(data\)/,
    });
  });

  it('coefficients and data that are none', async () => {
    expect(await refused(network, to, { data, coefficients: [] })).toMatchObject({
      code: 'ERR_SPEC',
      message: /coefficients is empty/,
    });
    expect(await refused(network, to, { data, coefficients: [0, Infinity] })).toMatchObject({
      code: 'ERR_SPEC',
      message: /entry 1 of coefficients is Infinity; expected a finite number/,
    });
    expect(await refused(network, to, {})).toMatchObject({
      code: 'ERR_SPEC',
      message: /option 'data' is missing/,
    });
    expect(await refused(network, to, { data: 3 })).toMatchObject({ code: 'ERR_DATA' });
    expect(await refused(network, to, { data, testData: 3 })).toMatchObject({ code: 'ERR_DATA' });
    expect(await refused(network, to, { data, alphas: [0] })).toMatchObject({
      code: 'ERR_SPEC',
      message: /option 'alphas' is unknown/,
    });
  });
});
