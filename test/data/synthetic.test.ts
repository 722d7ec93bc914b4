import { describe, expect, test } from 'vitest';

import type { Dataset } from '../../src/data/dataset.js';
import {
  circles,
  gaussianClusters,
  moons,
  randomInputs,
  twoBlobs,
} from '../../src/data/synthetic.js';
import { refusal } from './refusal.js';

function rowsByClass(data: Dataset): number[][][] {
  const inputs = [...data.inputs()];
  const rows: number[][][] = Array.from({ length: data.classCount ?? 0 }, () => []);
  data.targets().forEach((label, sample) => {
    rows[label]?.push(inputs.slice(sample * data.inputSize, (sample + 1) * data.inputSize));
  });
  return rows;
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const makers = {
  gaussianClusters: (seed?: number) =>
    gaussianClusters({ classes: 3, dimensions: 4, samples: 20, seed }),
  twoBlobs: (seed?: number) => twoBlobs({ samples: 20, seed }),
  circles: (seed?: number) => circles({ samples: 20, seed }),
  moons: (seed?: number) => moons({ samples: 20, seed }),
  randomInputs: (seed?: number) =>
    randomInputs({ samples: 20, inputShape: [2, 3], classes: 3, seed }),
};

describe.each(Object.entries(makers))('%s', (_, make) => {
  test('repeats with the seed, which is 0 by default', () => {
    expect(make(5).inputs()).toEqual(make(5).inputs());
    expect(make(5).targets()).toEqual(make(5).targets());
    expect(make().inputs()).toEqual(make(0).inputs());
    expect(make(1).inputs()).not.toEqual(make(0).inputs());
  });

  test('has its labels in no order of classes', () => {
    const labels = [...make(0).targets()];
    expect(labels).not.toEqual(labels.toSorted());
  });
});

describe('laws', () => {
  test('classes are balanced, the first ones taking what is left over', () => {
    const counts = (data: Dataset) => rowsByClass(data).map((rows) => rows.length);
    expect(counts(gaussianClusters({ classes: 3, dimensions: 2, samples: 20 }))).toEqual([7, 7, 6]);
    expect(counts(twoBlobs({ samples: 5 }))).toEqual([3, 2]);
    expect(counts(moons({ samples: 5 }))).toEqual([3, 2]);
    expect(counts(gaussianClusters({ classes: 3, dimensions: 2, samples: 2 }))).toEqual([1, 1, 0]);
  });

  test('clusters have centres within the range, and covariance as standard deviation', () => {
    const data = gaussianClusters({
      classes: 4,
      dimensions: 3,
      samples: 8000,
      covariance: 2,
      range: 5,
    });
    expect(data).toMatchObject({
      sampleCount: 8000,
      inputShape: [3],
      classCount: 4,
      dtype: 'float64',
    });
    for (const rows of rowsByClass(data)) {
      for (const axis of [0, 1, 2]) {
        const values = rows.map((row) => row[axis] ?? NaN);
        const centre = mean(values);
        // Five standard errors, with 2000 samples a class: 5·2/√2000 and 5·4·√(2/2000).
        expect(Math.abs(centre)).toBeLessThan(5 + 0.23);
        expect(Math.abs(mean(values.map((value) => (value - centre) ** 2)) - 4)).toBeLessThan(0.64);
      }
    }
  });

  test('the same seed has the same centres, however many samples', () => {
    const centres = (samples: number) =>
      gaussianClusters({ classes: 3, dimensions: 2, samples, covariance: 0, seed: 2 });
    expect(rowsByClass(centres(3)).flat()).toEqual(rowsByClass(centres(30)).map((rows) => rows[0]));
  });

  test('two blobs without spread are at (1, 1) and (−1, −1)', () => {
    const [first, second] = rowsByClass(twoBlobs({ samples: 4, standardDeviation: 0 }));
    expect(first).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(second).toEqual([
      [-1, -1],
      [-1, -1],
    ]);
  });

  test('circles without noise have radius 1 and factor, evenly spaced', () => {
    const [outer, inner] = rowsByClass(circles({ samples: 80, noise: 0 }));
    const radii = (rows: number[][] = []) => rows.map(([x = 0, y = 0]) => Math.hypot(x, y));
    for (const radius of radii(outer)) expect(radius).toBeCloseTo(1, 14);
    for (const radius of radii(inner)) expect(radius).toBeCloseTo(0.7, 14);
    for (const axis of [0, 1])
      expect(mean((outer ?? []).map((row) => row[axis] ?? NaN))).toBeCloseTo(0, 14);
  });

  test('moons without noise are half circles around (0, 0) and (1, 0.5)', () => {
    const [upper = [], lower = []] = rowsByClass(moons({ samples: 40, noise: 0 }));
    for (const [x = 0, y = 0] of upper) {
      expect(Math.hypot(x, y)).toBeCloseTo(1, 14);
      expect(y).toBeGreaterThanOrEqual(0);
    }
    for (const [x = 0, y = 0] of lower) {
      expect(Math.hypot(x - 1, y - 0.5)).toBeCloseTo(1, 14);
      expect(y).toBeLessThanOrEqual(0.5);
    }
    expect(moons({ samples: 1 }).sampleCount).toBe(1);
  });

  test('noise of circles and moons is 0.1 by default', () => {
    const deviation = (noisy: Dataset, bare: Dataset) =>
      Math.sqrt(
        mean([...noisy.inputs()].map((value, index) => (value - (bare.inputs()[index] ?? 0)) ** 2)),
      );
    const samples = 500;
    expect(deviation(circles({ samples }), circles({ samples, noise: 0 }))).toBeCloseTo(0.1, 2);
    expect(deviation(moons({ samples }), moons({ samples, noise: 0 }))).toBeCloseTo(0.1, 2);
  });

  test('random inputs have their shape, and all classes even where none is drawn', () => {
    const data = randomInputs({ samples: 2, inputShape: [3, 8, 8], classes: 100 });
    expect(data).toMatchObject({ inputShape: [3, 8, 8], inputSize: 192, classCount: 100 });
    const many = randomInputs({ samples: 3000, inputShape: [4], classes: 3 });
    expect(Math.abs(mean([...many.inputs()]))).toBeLessThan(5 / Math.sqrt(12000));
    for (const rows of rowsByClass(many)) expect(Math.abs(rows.length - 1000)).toBeLessThan(5 * 26);
  });
});

test('seed 0 draws what it always drew', () => {
  const show = (data: Dataset) => [[...data.take(2).inputs()], [...data.take(6).targets()]];
  expect({
    gaussianClusters: show(makers.gaussianClusters()),
    twoBlobs: show(makers.twoBlobs()),
    circles: show(makers.circles()),
    moons: show(makers.moons()),
    randomInputs: show(makers.randomInputs()),
  }).toMatchInlineSnapshot(`
    {
      "circles": [
        [
          0.20942508326623813,
          -1.0729574906860952,
          0.21209370786541706,
          -0.566840234810154,
        ],
        [
          0,
          1,
          0,
          0,
          1,
          0,
        ],
      ],
      "gaussianClusters": [
        [
          7.828286665994986,
          3.924047124966759,
          1.4535355665177863,
          4.999242913520649,
          8.831140193560042,
          5.65043137277307,
          -0.015732699608925316,
          5.184308806245943,
        ],
        [
          1,
          1,
          1,
          0,
          2,
          0,
        ],
      ],
      "moons": [
        [
          -1.0392845318946173,
          0.22011916893472733,
          1.9354744325888624,
          0.25687918327078463,
        ],
        [
          0,
          1,
          0,
          0,
          1,
          0,
        ],
      ],
      "randomInputs": [
        [
          0.5558018206020281,
          1.437893166315746,
          -0.292034266929668,
          -1.2016970352970915,
          -0.5529087166750319,
          1.2318402817966898,
          -1.924711406579967,
          0.7041515876749962,
          0.7133796687066124,
          0.5517513393709571,
          -0.3151081235586446,
          -0.3942556640725102,
        ],
        [
          1,
          2,
          0,
          2,
          2,
          1,
        ],
      ],
      "twoBlobs": [
        [
          0.00408088891290892,
          -0.2190097439094154,
          -1.0421818819704596,
          -0.011006734035465149,
        ],
        [
          0,
          1,
          0,
          0,
          1,
          0,
        ],
      ],
    }
  `);
});

describe('refusals', () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      'no classes',
      () => gaussianClusters({ classes: 0, dimensions: 2, samples: 4 }),
      /'classes' is 0; expected an integer of at least 1/,
    ],
    ['half a sample', () => twoBlobs({ samples: 1.5 }), /'samples' is 1.5; expected an integer/],
    ['text', () => moons({ samples: '5' as never }), /'samples' is "5"; expected an integer/],
    [
      'a negative spread',
      () => twoBlobs({ samples: 4, standardDeviation: -1 }),
      /'standardDeviation' is -1; expected a finite number of at least 0/,
    ],
    ['infinite noise', () => circles({ samples: 4, noise: Infinity }), /'noise' is Infinity/],
    [
      'a factor of 0',
      () => circles({ samples: 4, factor: 0 }),
      /'factor' is 0; expected a finite number above 0/,
    ],
    [
      'an empty shape',
      () => randomInputs({ samples: 4, inputShape: [], classes: 2 }),
      /'inputShape' is an array of 0/,
    ],
    [
      'a zero in the shape',
      () => randomInputs({ samples: 4, inputShape: [2, 0], classes: 2 }),
      /'inputShape.1' is 0/,
    ],
    [
      'a bad seed',
      () => moons({ samples: 4, seed: NaN }),
      /'seed' is NaN; expected a safe integer/,
    ],
    [
      'an unknown option',
      () => twoBlobs({ samples: 4, std: 1 } as never),
      /'std' is unknown; there are samples, standardDeviation, seed/,
    ],
    ['a missing option', () => circles({} as never), /'samples' is missing/],
    [
      'no options',
      () => circles(undefined as never),
      /circles: given undefined; expected \{ samples, factor, noise, seed \}/,
    ],
  ])('%s is ERR_SPEC', (_, make, message) => {
    expect(make).toThrow(refusal('ERR_SPEC', message));
  });

  test.each<[string, () => unknown]>([
    ['twoBlobs', () => twoBlobs({ samples: 1e15 })],
    ['gaussianClusters', () => gaussianClusters({ classes: 2, dimensions: 1e9, samples: 1e6 })],
    ['gaussianClusters', () => gaussianClusters({ classes: 1e15, dimensions: 2, samples: 4 })],
    ['randomInputs', () => randomInputs({ samples: 1e6, inputShape: [1e5, 1e5], classes: 2 })],
  ])('%s refuses what no memory holds, before it is taken', (_, make) => {
    expect(make).toThrow(refusal('ERR_MEMORY', /samples of .* numbers need .* GB/));
  });
});
