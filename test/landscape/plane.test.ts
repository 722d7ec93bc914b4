// The loss on planes, and what filter normalization does to directions.

import { describe, expect, it } from 'vitest';

import { createDataset, createNetwork, gaussianClusters, plane } from '../../src/index.js';
import type { Network, NetworkSpec, PlaneOptions } from '../../src/index.js';
import { distance, randomVector, sameBits } from '../curvature/random-problems.js';

const spec: NetworkSpec = {
  input: [3],
  layers: [{ type: 'dense', units: 5 }, { type: 'relu' }, { type: 'dense', units: 3 }],
  loss: 'softmaxCrossEntropy',
};
const network = createNetwork(spec, { seed: 3 });
const size = network.parameterCount;
const data = gaussianClusters({ samples: 90, classes: 3, dimensions: 3, seed: 4 });
const a = randomVector(size, 1);
const b = randomVector(size, 2);

describe('the plane', () => {
  it('has the loss of the network itself at its centre, to the bit', async () => {
    const found = await plane(network, { data, coefficients: [-0.5, 0, 0.5] });
    expect(found.losses[4]).toBe(await network.loss(data));
    expect(found.accuracies?.[4]).toBe(await network.accuracy(data));
  });

  it('has rows of y and columns of x', async () => {
    const x = [-1, 0, 2];
    const y = [0, 0.5];
    const testData = data.take(20);
    const options: PlaneOptions = { data, testData, directions: [a, b], coefficients: { x, y } };
    const found = await plane(network, options);
    expect(Array.from(found.x)).toEqual(x);
    expect(Array.from(found.y)).toEqual(y);
    const there = network.clone();
    for (const [row, down] of y.entries()) {
      for (const [column, across] of x.entries()) {
        const origin = network.parameters();
        there.setParameters(
          origin.map((w, i) => w + across * (a[i] ?? NaN) + down * (b[i] ?? NaN)),
        );
        const index = row * x.length + column;
        expect(found.losses[index]).toBe(await there.loss(data));
        expect(found.testLosses?.[index]).toBe(await there.loss(testData));
      }
    }
    expect(sameBits(found.directions[0], a)).toBe(true);
  });

  it('has the same bits on any number of threads, and for the same seed', async () => {
    const directions = { seed: 5 };
    const one = await plane(network, { data, directions, threads: 1 });
    expect(one.losses).toHaveLength(625);
    const two = await plane(network, { data, directions, threads: 3 });
    expect(sameBits(one.losses, two.losses)).toBe(true);
    const other = await plane(network, { data, directions: { seed: 6 } });
    expect(sameBits(one.losses, other.losses)).toBe(false);
  });

  it('may lie anywhere, and leaves the network where it is', async () => {
    const before = network.parameters();
    const found = await plane(network, { data, origin: a, coefficients: [0] });
    const there = network.clone();
    there.setParameters(a);
    expect(found.losses[0]).toBe(await there.loss(data));
    expect(network.parameters()).toEqual(before);
  });
});

describe('filter normalization', () => {
  const norm = (values: ArrayLike<number>, first: number, count: number): number =>
    Math.hypot(...Array.from({ length: count }, (_, i) => values[first + i] ?? NaN));

  it('gives each row of a direction the norm of the row it moves, and stills the biases', async () => {
    const options: PlaneOptions = {
      data,
      directions: [a, b],
      normalize: 'filter',
      coefficients: [0],
    };
    const { directions } = await plane(network, options);
    const origin = network.parameters();
    for (const { shape, offset } of network.layout) {
      const [rows = 0, width = 0] = shape;
      for (const direction of directions) {
        if (shape.length === 1) {
          expect(norm(direction, offset, rows)).toBe(0);
          continue;
        }
        for (let row = 0; row < rows; row += 1) {
          const first = offset + row * width;
          const wanted = norm(origin, first, width);
          expect(Math.abs(norm(direction, first, width) - wanted)).toBeLessThan(1e-15 * wanted * 8);
          const [was = NaN, is = NaN] = [directions[0] === direction ? a : b, direction].map(
            (values) => (values[first] ?? NaN) / norm(values, first, width),
          );
          expect(Math.abs(was - is)).toBeLessThan(1e-14);
        }
      }
    }
  });

  it('makes networks that compute the same have the same plane (the point of Li et al.)', async () => {
    const unbiased = createNetwork(
      {
        input: [3],
        layers: [
          { type: 'dense', units: 5, bias: false },
          { type: 'relu' },
          { type: 'dense', units: 3, bias: false },
        ],
        loss: 'softmaxCrossEntropy',
      },
      { seed: 8 },
    );
    // ReLU(8 W₁ x) = 8 ReLU(W₁ x); powers of two, so that only signs of rounding could differ.
    const scaled = unbiased.clone();
    scaled.setParameters(unbiased.parameters().map((w, i) => (i < 15 ? 8 * w : w / 8)));
    const found = await Promise.all(
      [unbiased, scaled].map((which: Network) => plane(which, { data, directions: { seed: 2 } })),
    );
    const [one, other] = found.map(({ losses }) => losses);
    expect(distance(one ?? [], other ?? [NaN])).toBeLessThan(1e-13 * Math.max(...(one ?? [])));
    const raw = await Promise.all(
      [unbiased, scaled].map((which) =>
        plane(which, { data, directions: { seed: 2 }, normalize: 'none' }),
      ),
    );
    expect(distance(raw[0]?.losses ?? [], raw[1]?.losses ?? [])).toBeGreaterThan(0.1);
  });

  it('counts a filter of a convolution as one', async () => {
    const images = createNetwork({
      input: [2, 4, 4],
      layers: [
        { type: 'conv2d', filters: 3, kernelSize: 2 },
        { type: 'flatten' },
        { type: 'dense', units: 2 },
      ],
      loss: 'softmaxCrossEntropy',
    });
    const pictures = createDataset({
      inputs: randomVector(6 * 32, 1),
      inputShape: [2, 4, 4],
      targets: Int32Array.from([0, 1, 0, 1, 0, 1]),
    });
    const { directions } = await plane(images, { data: pictures, coefficients: [0] });
    for (const direction of directions) {
      for (let filter = 0; filter < 3; filter += 1) {
        const wanted = norm(images.parameters(), filter * 8, 8);
        expect(norm(direction, filter * 8, 8) / wanted).toBeCloseTo(1, 14);
      }
    }
  });
});

describe('refuses', () => {
  const refused = (options: object): Promise<unknown> =>
    plane(network, { data, ...options }).then(
      () => 'accepted',
      (error: unknown) => error,
    );

  it.each([
    [{ directions: [a] }, 'ERR_SPEC', /directions holds 1 of them; expected two, or \{ seed \}/],
    [{ directions: [a, [1]] }, 'ERR_SHAPE', /direction 1 has 1 entries; expected 38/],
    [{ directions: [a, b.map(() => 0)] }, 'ERR_SPEC', /direction 1 is 0 in every entry/],
    [{ directions: { seed: 0.5 } }, 'ERR_SPEC', /option 'seed' is 0\.5; expected a safe integer/],
    [{ directions: 'random' }, 'ERR_SPEC', /plane: directions: given "random"/],
    [{ normalize: 'layer' }, 'ERR_SPEC', /option 'normalize' is "layer"/],
    [{ coefficients: { x: [0], y: [] } }, 'ERR_SPEC', /coefficients\.y is empty/],
    [{ coefficients: 'all' }, 'ERR_SPEC', /coefficients is "all"; expected an array/],
    [{ origin: [1] }, 'ERR_SHAPE', /origin has 1 entries/],
  ])('%j', async (options, code, message) => {
    const error = await refused(options);
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toMatch(message);
  });
});
