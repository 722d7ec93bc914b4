import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';

import { createDataset } from '../../src/data/create-dataset.js';
import type { DatasetOptions } from '../../src/data/create-dataset.js';
import type { Dataset } from '../../src/data/dataset.js';
import type { NpyArray } from '../../src/data/npy.js';
import type { SampleRows } from '../../src/data/sample-rows.js';
import { inMemory } from './in-memory.js';
import { refusal } from './refusal.js';

const inputs = [
  [1, 2],
  [3, 4],
  [5, 6],
];
const targets = [0, 1, 2];
const refuse = (options: unknown) => expect(() => createDataset(options as DatasetOptions));

const typedArrays = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
] as const;

describe('how samples are given', () => {
  test('rows, flat arrays with inputShape, flat arrays counted by targets, and shaped ones agree', () => {
    const flat = [1, 2, 3, 4, 5, 6];
    for (const given of [
      { inputs },
      { inputs: inputs.map((row) => Int16Array.from(row)) },
      { inputs: flat },
      { inputs: flat, inputShape: [2] },
      { inputs: Float64Array.from(flat) },
      { inputs: { data: flat, shape: [3, 2] } },
      { inputs: { data: BigInt64Array.from(flat, BigInt), shape: [3, 2] } },
    ]) {
      const data = createDataset<SampleRows>({ ...given, targets });
      expect(data).toMatchObject({ sampleCount: 3, inputShape: [2], inputSize: 2, classCount: 3 });
      expect([...data.inputs()]).toEqual(flat);
      expect([...data.targets()]).toEqual(targets);
    }
  });

  test('inputShape counts the samples of flat inputs, and shapes rows', () => {
    const image = createDataset({
      inputs: [1, 2, 3, 4, 5, 6, 7, 8],
      targets: [0, 1],
      inputShape: [1, 2, 2],
    });
    expect(image).toMatchObject({ sampleCount: 2, inputShape: [1, 2, 2], inputSize: 4 });
    const rows = createDataset({ inputs: [[1, 2, 3, 4]], targets: [0], inputShape: [1, 2, 2] });
    expect(rows).toMatchObject({ sampleCount: 1, inputShape: [1, 2, 2] });
  });

  test('a shape keeps its extents as inputShape; one extent alone is one input a sample', () => {
    const data = Float64Array.from({ length: 12 }, (_, index) => index);
    expect(
      createDataset({ inputs: { data, shape: [2, 1, 2, 3] }, targets: [0, 1] }).inputShape,
    ).toEqual([1, 2, 3]);
    expect(createDataset({ inputs: { data, shape: [12] }, targets: data }).inputShape).toEqual([1]);
  });

  test('every kind of typed array is read, bit for bit', () => {
    for (const ArrayType of typedArrays) {
      const data = createDataset({ inputs: ArrayType.of(1, 2, 3), targets: ArrayType.of(0, 1, 2) });
      expect([...data.inputs()]).toEqual([1, 2, 3]);
      expect(data.classCount).toBe(3);
    }
    const tiny = Math.fround(0.1);
    const kept = createDataset({ inputs: Float32Array.of(0.1, -0), targets: [0, 1] });
    expect([...kept.inputs()]).toEqual([tiny, -0]);
  });

  test('inputs stay float32 only if they came as a Float32Array, and the type says so', () => {
    const narrow = createDataset({ inputs: Float32Array.of(1, 2), targets: [0, 1] });
    expectTypeOf(narrow).toEqualTypeOf<Dataset<'float32'>>();
    expect(narrow.dtype).toBe('float32');
    expect(narrow.inputs()).toBeInstanceOf(Float32Array);
    const shaped = { data: Float32Array.of(1, 2), shape: [2, 1] };
    expect(createDataset({ inputs: shaped, targets: [0, 1] }).dtype).toBe('float32');

    const wide = createDataset({ inputs, targets });
    expectTypeOf(wide).toEqualTypeOf<Dataset<'float64'>>();
    expect(wide.dtype).toBe('float64');
    expect(wide.inputs()).toBeInstanceOf(Float64Array);
    expectTypeOf<ReturnType<typeof createDataset<NpyArray>>>().toEqualTypeOf<Dataset>();
  });

  test('everything is copied, also out of shared memory', () => {
    const shared = new Float64Array(new SharedArrayBuffer(16));
    shared.set([1, 2]);
    const labels = new Int32Array(new SharedArrayBuffer(8));
    const weights = Float32Array.of(1, 3);
    const inputShape = [1];
    const data = createDataset({ inputs: shared, targets: labels, weights, inputShape });
    shared.fill(9);
    labels.fill(9);
    weights.fill(9);
    inputShape[0] = 9;
    data.inputs().fill(9);
    data.targets().fill(9);
    data.weights()?.fill(9);
    expect([...data.inputs()]).toEqual([1, 2]);
    expect([...data.targets()]).toEqual([0, 0]);
    expect([...(data.weights() ?? [])]).toEqual([1, 3]);
    expect(data.inputShape).toEqual([1]);
    expect(inMemory(data).buffer).toBeInstanceOf(ArrayBuffer);
  });

  test('a spec kept in a const fits, undefined options too', () => {
    const options = { inputs, targets, weights: undefined, inputShape: undefined } as const;
    expect(createDataset(options).weights()).toBeUndefined();
  });

  test('what a dataset gives out makes the same dataset again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.nat(9)), {
          minLength: 1,
        }),
        (samples) => {
          const first = createDataset({
            inputs: samples.map(([x]) => [x, -x]),
            targets: samples.map(([, label]) => [label, 1]),
          });
          const again = createDataset({
            inputs: first.inputs(),
            targets: first.targets(),
            inputShape: first.inputShape,
          });
          expect(again.inputs()).toEqual(first.inputs());
          expect(again.targets()).toEqual(first.targets());
          expect(again.targetWidth).toBe(2);
        },
      ),
    );
  });
});

describe('targets', () => {
  const labels = [2, 0, 1];

  test('labels of every integer type are the same targets (case 8)', () => {
    const integerArrays = [
      labels,
      ...typedArrays.slice(0, 7).map((ArrayType) => ArrayType.from(labels)),
      BigInt64Array.from(labels, BigInt),
      BigUint64Array.from(labels, BigInt),
      labels.map((label) => [label]),
      { data: BigInt64Array.from(labels, BigInt), shape: [3] },
    ];
    for (const given of integerArrays) {
      const data = createDataset({ inputs, targets: given });
      expect(data.values).toMatchObject({ targetWidth: 1, integerTargets: true });
      expect(data.targets()).toEqual(Float64Array.from(labels));
      expect(data.classCount).toBe(3);
    }
    const floats = createDataset({ inputs, targets: Float64Array.from(labels) });
    expect(floats.targets()).toEqual(Float64Array.from(labels));
    expect(floats.classCount).toBe(3);
    expect(floats.values.integerTargets).toBe(false);
  });

  test('rows of probabilities make as many classes as they have entries', () => {
    const oneHot = [
      [0, 0, 1, 0],
      [1, 0, 0, 0],
      [0, 0.25, 0.75 + 5e-7, 0],
    ];
    const data = createDataset({ inputs, targets: oneHot });
    expect(data).toMatchObject({ classCount: 4, targetWidth: 4 });
    expect([...data.targets()]).toEqual(oneHot.flat());
    expect(createDataset({ inputs, targets: Float32Array.from(oneHot.flat()) }).classCount).toBe(4);
  });

  test.each([
    ['a negative target', [0, -1, 2]],
    ['a target between integers', [0, 1.5, 2]],
    [
      'a row that does not sum to 1',
      [
        [0, 1],
        [1, 0],
        [0.5, 0.9],
      ],
    ],
    [
      'a row with a negative entry',
      [
        [0, 1],
        [1, 0],
        [-1, 2],
      ],
    ],
  ])('with %s there is no class count', (_, given) => {
    expect(createDataset({ inputs, targets: given }).classCount).toBeUndefined();
  });
});

describe('refusals', () => {
  test.each([
    ['NaN', NaN, 'NaN'],
    ['Infinity', -Infinity, '-Infinity'],
    ['text', '5', '"5"'],
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a boolean', true, 'true'],
    ['a bigint', 5n, '5n'],
    ['an array', [5, 6], 'an array of 2'],
  ])('%s among inputs is ERR_DATA with sample, feature and value', (_, value, shown) => {
    refuse({
      inputs: [
        [1, 2],
        [3, value],
        [5, 6],
      ],
      targets,
    }).toThrow(
      refusal(
        'ERR_DATA',
        new RegExp(`^inputs: sample 1, feature 1 is ${shown.replace('[', '\\[')}; expected a`),
        {
          sample: 1,
          feature: 1,
          value,
        },
      ),
    );
    refuse({ inputs: [1, 2, 3, value, 5, 6], targets, inputShape: [2] }).toThrow(
      refusal('ERR_DATA', /^inputs: sample 1, feature 1/),
    );
  });

  test('NaN is found in typed arrays and shaped ones, and never passed over', () => {
    refuse({ inputs: Float32Array.of(1, 2, 3, 4, NaN, 6), targets }).toThrow(
      refusal('ERR_DATA', /sample 2, feature 0 is NaN; expected a finite number/),
    );
    refuse({ inputs: { data: [1, 2, Infinity, 4, 5, 6], shape: [3, 1, 2] }, targets }).toThrow(
      refusal('ERR_DATA', /sample 1, feature 0 is Infinity/),
    );
    const holes = [1, 2];
    holes.length = 3;
    refuse({ inputs: holes, targets }).toThrow(
      refusal('ERR_DATA', /sample 2, feature 0 is undefined/),
    );
  });

  test('a target that is NaN is ERR_DATA with sample and value (case 8)', () => {
    refuse({ inputs, targets: [0, NaN, 1] }).toThrow(
      refusal('ERR_DATA', /^targets: sample 1 is NaN; expected a finite number/, { sample: 1 }),
    );
    refuse({
      inputs,
      targets: [
        [0, 1],
        [1, 0],
        [1, NaN],
      ],
    }).toThrow(refusal('ERR_DATA', /^targets: sample 2, feature 1 is NaN/));
    refuse({ inputs, targets: ['0', '1', '2'] }).toThrow(
      refusal('ERR_DATA', /^targets: sample 0 is "0"; expected a number/),
    );
  });

  test('an integer beyond 2⁵³ is ERR_DATA, since it would be rounded', () => {
    refuse({ inputs, targets: BigInt64Array.of(0n, 1n, 2n ** 53n + 1n) }).toThrow(
      refusal('ERR_DATA', /^targets: sample 2 is 9007199254740993n; expected an integer between/),
    );
    refuse({ inputs: BigUint64Array.of(0n, 2n ** 64n - 1n, 0n), targets }).toThrow(
      refusal('ERR_DATA', /^inputs: sample 1, feature 0 is 18446744073709551615n/),
    );
  });

  test.each<[string, unknown, RegExp]>([
    [
      'ragged rows',
      { inputs: [[1, 2], [3], [5, 6]], targets },
      /sample 1 has 1 entries; expected 2/,
    ],
    ['too few targets', { inputs, targets: [0, 1] }, /targets have 2 entries; expected 3/],
    [
      'two labels a sample',
      { inputs, targets: [0, 1, 2, 0, 1, 2] },
      /targets have 6 entries; expected 3/,
    ],
    ['too few target rows', { inputs, targets: [[0, 1]] }, /targets have 1 rows; expected 3/],
    ['a wrong inputShape', { inputs, targets, inputShape: [3] }, /2 entries a sample; expected 3/],
    [
      'inputs that inputShape does not divide',
      { inputs: [1, 2, 3], targets, inputShape: [2] },
      /multiple of 2/,
    ],
    [
      'inputs that targets do not divide',
      { inputs: [1, 2, 3, 4], targets },
      /4 entries, which 3 targets/,
    ],
    ['an empty inputShape', { inputs, targets, inputShape: [] }, /inputShape is \[\]/],
    ['a zero in inputShape', { inputs, targets, inputShape: [2, 0] }, /inputShape is \[2,0\]/],
    ['no samples', { inputs: [], targets: [] }, /inputs are empty/],
    ['samples without entries', { inputs: [[], []], targets: [0, 1] }, /inputs are empty/],
    ['an empty shape', { inputs: { data: [], shape: [0, 2] }, targets }, /inputs are empty/],
    [
      'data unlike its shape',
      { inputs: { data: [1], shape: [3, 2] }, targets },
      /1 entries; expected 6/,
    ],
    [
      'a shape without samples',
      { inputs: { data: [1], shape: [] }, targets },
      /inputs.shape is \[\]/,
    ],
    [
      'too many weights',
      { inputs, targets, weights: [1, 1, 1, 1] },
      /weights have 4 entries; expected 3/,
    ],
  ])('%s: ERR_SHAPE with given and expected', (_, options, message) => {
    refuse(options).toThrow(refusal('ERR_SHAPE', message));
  });

  test('memory that was transferred away is empty, not zeros', () => {
    const gone = Float64Array.of(1, 2, 3);
    structuredClone(gone, { transfer: [gone.buffer] });
    refuse({ inputs: gone, targets }).toThrow(refusal('ERR_SHAPE', /inputs are empty/));
  });

  test.each<[string, readonly unknown[], RegExp]>([
    ['negative', [1, -0.5, 1], /weights: sample 1 is -0.5; expected at least 0/],
    ['NaN', [1, 1, NaN], /weights: sample 2 is NaN/],
    ['text', [1, '1', 1], /weights: sample 1 is "1"/],
    ['all 0', [0, 0, 0], /weights are 0 for all 3 samples/],
    ['too large together', [1e308, 1e308, 1], /weights sum to more/],
  ])('weights that are %s: ERR_DATA', (_, weights, message) => {
    refuse({ inputs, targets, weights }).toThrow(refusal('ERR_DATA', message));
  });

  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /given undefined; expected \{ inputs, targets, inputShape, weights \}/],
    ['no inputs', { targets }, /createDataset: option 'inputs' is missing/],
    ['text as inputs', { inputs: '1,2', targets }, /inputs: given "1,2"/],
    [
      'a DataView',
      { inputs: new DataView(new ArrayBuffer(8)), targets },
      /inputs: given an object/,
    ],
    ['text as data', { inputs: { data: 'x', shape: [3, 2] }, targets }, /inputs.data is "x"/],
    [
      'an unknown option',
      { inputs, targets, weight: [1, 1, 1] },
      /option 'weight' is unknown; there are inputs, targets/,
    ],
  ])('%s: ERR_SPEC', (_, options, message) => {
    refuse(options).toThrow(refusal('ERR_SPEC', message));
  });

  test('among rows a number is ERR_DATA, and among numbers a row', () => {
    refuse({ inputs: [[1, 2], 3, [5, 6]], targets }).toThrow(
      refusal('ERR_DATA', /sample 1 is 3; expected an array/),
    );
    refuse({ inputs: [1, [2], 3], targets }).toThrow(
      refusal('ERR_DATA', /sample 1, feature 0 is an array of 1; expected a number; flatten/),
    );
  });
});
