// Flattening as exporters write it: which shapes keep every sample's own features, and which do not.

import { describe, expect, it } from 'vitest';
import { parseOnnx } from '../../src/onnx/parse.js';
import { int64Tensor, modelBytes, node, tensor, type ModelParts } from './model-builder.js';
import { naiveForward } from './naive-forward.js';
import { runtimeOutputs } from './onnx-runtime.js';
import { refusalOf } from './refusal.js';

const weights = { w: tensor([6, 2], [1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6]) };
const dense = node('MatMul', ['f', 'w'], 'y');

/** x of this shape → nodes that write f → dense. */
const flattened = (
  nodes: ModelParts['nodes'],
  shape: readonly (number | string)[] = ['N', 1, 2, 3],
  tensors: ModelParts['tensors'] = {},
): ModelParts => ({
  nodes: [...nodes, dense],
  inputs: { x: shape },
  tensors: { ...weights, ...tensors },
});
const reshaped = (target: number[], shape?: readonly (number | string)[], allowzero?: number) =>
  flattened(
    [node('Reshape', ['x', 'shape'], 'f', allowzero === undefined ? {} : { allowzero }, 'view')],
    shape,
    { shape: int64Tensor([target.length], target) },
  );

async function expectFlatten(parts: ModelParts, samples = 1) {
  const parsed = parseOnnx(modelBytes(parts), { loss: 'meanSquaredError' });
  expect(parsed.spec.input).toEqual([1, 2, 3]);
  expect(parsed.spec.layers).toEqual([
    { type: 'flatten' },
    { type: 'dense', units: 2, bias: false },
  ]);
  const rows = Array.from({ length: samples }, (_, n) => [1, 2, 3, 5, 8, 13].map((v) => v + n));
  const outputs = await runtimeOutputs(modelBytes(parts), rows.flat(), [samples, 1, 2, 3]);
  expect(rows.flatMap((row) => naiveForward(parsed, row))).toEqual(outputs);
}

describe('becomes one flatten layer', () => {
  it.each([
    ['Flatten', [node('Flatten', ['x'], 'f')]],
    ['Flatten with axis 1', [node('Flatten', ['x'], 'f', { axis: 1 })]],
    ['Flatten with axis −3', [node('Flatten', ['x'], 'f', { axis: -3 })]],
    ['Flatten with axis 2 behind one channel', [node('Flatten', ['x'], 'f', { axis: 2 })]],
    ['Flatten twice', [node('Flatten', ['x'], 'g'), node('Flatten', ['g'], 'f')]],
  ])('%s', async (_, nodes) => {
    await expectFlatten(flattened(nodes), 3);
  });

  it.each([[[-1, 6]], [[0, -1]], [[0, 6]]])('Reshape to %j', async (target) => {
    await expectFlatten(reshaped(target), 3);
  });

  it.each([[[2, -1]], [[2, 6]], [[-1, 6]]])(
    'Reshape to %j where the file fixes 2 samples',
    async (t) => {
      await expectFlatten(reshaped(t, [2, 1, 2, 3]), 2);
    },
  );

  it('Flatten with axis 0 where the file fixes one sample', async () => {
    await expectFlatten(flattened([node('Flatten', ['x'], 'f', { axis: 0 })], [1, 1, 2, 3]));
  });

  it('Reshape to [1, −1] where the file fixes one sample', async () => {
    await expectFlatten(reshaped([1, -1], [1, 1, 2, 3]));
  });

  it('Reshape with allowzero, which the dynamo exporter writes', async () => {
    await expectFlatten(reshaped([-1, 6], undefined, 1), 3);
  });

  const axes = int64Tensor([1], [0]);
  const rest = int64Tensor([1], [-1]);
  it.each<[string, ModelParts['nodes']]>([
    [
      'Shape, Gather, Unsqueeze and Concat',
      [
        node('Shape', ['x'], 's'),
        node('Gather', ['s', 'zero'], 'n', { axis: 0 }),
        node('Unsqueeze', ['n', 'axes'], 'u'),
        node('Concat', ['u', 'rest'], 'c', { axis: 0 }),
        node('Reshape', ['x', 'c'], 'f'),
      ],
    ],
    [
      'Shape with start and end, Squeeze, Reshape and Concat',
      [
        node('Shape', ['x'], 's', { start: 0, end: 1 }),
        node('Squeeze', ['s'], 'n'),
        node('Reshape', ['n', 'rest'], 'u'),
        node('Concat', ['u', 'rest'], 'c', { axis: 0 }),
        node('Reshape', ['x', 'c'], 'f'),
      ],
    ],
    [
      'Shape and Slice',
      [
        node('Shape', ['x'], 's'),
        node('Slice', ['s', 'axes', 'end'], 'u'),
        node('Concat', ['u', 'rest'], 'c', { axis: 0 }),
        node('Reshape', ['x', 'c'], 'f'),
      ],
    ],
    [
      'sizes multiplied',
      [
        node('Shape', ['x'], 's'),
        node('Gather', ['s', 'zero'], 'n'),
        node('Gather', ['s', 'two'], 'h', {}, 'height'),
        node('Gather', ['s', 'last'], 'v', {}, 'width'),
        node('Mul', ['h', 'v'], 'd'),
        node('Unsqueeze', ['n', 'axes'], 'u'),
        node('Unsqueeze', ['d', 'axes'], 'e'),
        node('Concat', ['u', 'e'], 'c', { axis: 0 }),
        node('Reshape', ['x', 'c'], 'f'),
      ],
    ],
  ])('a shape from %s', async (_, nodes) => {
    const scalars = {
      zero: int64Tensor([], [0]),
      two: int64Tensor([], [2]),
      last: int64Tensor([], [-1]),
    };
    const parts = flattened(nodes, undefined, {
      ...scalars,
      axes,
      rest,
      end: int64Tensor([1], [1]),
    });
    await expectFlatten(parts, 3);
  });

  it('Squeeze and Reshape through shapes in between', async () => {
    const nodes = [
      node('Squeeze', ['x', 'one'], 'a'),
      node('Reshape', ['a', 'columns'], 'b'),
      node('Unsqueeze', ['b', 'one'], 'c'),
      node('Flatten', ['c'], 'f'),
    ];
    const tensors = { one: int64Tensor([1], [1]), columns: int64Tensor([3], [0, 3, 2]) };
    await expectFlatten(flattened(nodes, undefined, tensors), 3);
  });
});

describe('is no layer', () => {
  const typesOf = (parts: ModelParts) =>
    parseOnnx(modelBytes(parts), { loss: 'meanSquaredError' }).spec.layers.map(({ type }) => type);

  it('flattening what is flat', () => {
    expect(typesOf(flattened([node('Flatten', ['x'], 'f')], ['N', 6]))).toEqual(['dense']);
  });

  it('a detour from [samples, 6] through [samples, 2, 3]', () => {
    const nodes = [
      node('Reshape', ['x', 's'], 'g'),
      node('Relu', ['g'], 'h'),
      node('Flatten', ['h'], 'f'),
    ];
    const parts = flattened(nodes, ['N', 6], { s: int64Tensor([3], [0, 2, 3]) });
    expect(typesOf(parts)).toEqual(['relu', 'dense']);
  });

  it('taking the axis from a single output', () => {
    const nodes = [node('MatMul', ['x', 'w'], 'h'), node('Squeeze', ['h', 'last'], 'y')];
    const tensors = { w: tensor([2, 1], [1, 2]), last: int64Tensor([1], [-1]) };
    expect(typesOf({ nodes, tensors })).toEqual(['dense']);
    const flat = { ...tensors, last: int64Tensor([1], [-1]) };
    const view = [node('MatMul', ['x', 'w'], 'h'), node('Reshape', ['h', 'last'], 'y')];
    expect(typesOf({ nodes: view, tensors: flat })).toEqual(['dense']);
  });
});

describe('is refused', () => {
  it.each([
    [[0, 2, 3], /MatMul 'matmul_of_f': reads a tensor of shape \[samples, 2, 3\]/],
    [
      [6, -1],
      /Reshape 'view': makes \[6, -1\] of \[samples, 1, 2, 3\]; every sample must keep its own/,
    ],
    [[-1, 3], /Reshape 'view': makes \[-1, 3\]/],
    [[1, -1], /Reshape 'view': makes \[1, -1\]/],
    [[-1], /Reshape 'view': makes \[-1\]/],
    [[0, 5], /Reshape 'view': makes \[0, 5\]/],
  ])('Reshape to %j', (target, message) => {
    const refusal = refusalOf(reshaped(target));
    expect(refusal).toMatch(/^ERR_ONNX_UNSUPPORTED/);
    expect(refusal).toMatch(message);
  });

  it.each([-1, -2, -4])('Flatten with axis %i of four', (axis) => {
    const parts = flattened([node('Flatten', ['x'], 'f', { axis }, 'flat')], ['N', 2, 3, 2]);
    expect(refusalOf(parts)).toContain(
      `Flatten 'flat': axis = ${axis} of [samples, 2, 3, 2] joins samples with features`,
    );
  });

  it('Flatten with axis 0 or 2', () => {
    for (const axis of [0, 2]) {
      const shape = axis === 0 ? ['N', 1, 2, 3] : ['N', 2, 1, 3];
      const parts = flattened([node('Flatten', ['x'], 'f', { axis }, 'flat')], shape);
      expect(refusalOf(parts)).toMatch(
        `Flatten 'flat': axis = ${axis} of [samples, ${axis === 0 ? '1, 2, 3' : '2, 1, 3'}] joins samples with features; only what means the same as axis = 1`,
      );
    }
  });

  it('a matrix product of an image that was not flattened', () => {
    const parts: ModelParts = {
      nodes: [node('MatMul', ['x', 'w'], 'y', {}, 'fc')],
      inputs: { x: ['N', 2, 6] },
      tensors: weights,
    };
    expect(refusalOf(parts)).toMatch(/MatMul 'fc': reads a tensor of shape \[samples, 2, 6\]/);
  });

  it('features transposed with the samples, and an output in another order', () => {
    expect(
      refusalOf(flattened([node('Transpose', ['x'], 'f', { perm: [1, 0, 2, 3] }, 't')])),
    ).toMatch(/Transpose 't': moves the axis of samples/);
    const nodes = [
      node('Transpose', ['x'], 't', { perm: [0, 3, 2, 1] }),
      node('Relu', ['t'], 'r'),
      node('Flatten', ['r'], 'y'),
    ];
    expect(refusalOf({ nodes, inputs: { x: ['N', 2, 3, 2] } })).toMatch(
      /the outputs are in the order of an image with exchanged axes/,
    );
  });

  it.each([
    [['N'], /input 'x': has shape \[N\]; \[samples, features\] is expected/],
    [[], /input 'x': has shape \[\]/],
    [['N', 'd'], /input 'x': has shape \[N, d\]; .* only the first axis may be open/],
    [['N', 0], /input 'x': has shape \[N, 0\]/],
  ])('an input of shape %j', (shape, message) => {
    expect(refusalOf(flattened([node('Flatten', ['x'], 'f')], shape))).toMatch(message);
  });

  it('an output of three axes', () => {
    const parts: ModelParts = {
      nodes: [node('MatMul', ['x', 'w'], 'h', {}, 'fc'), node('Reshape', ['h', 's'], 'y')],
      tensors: { w: tensor([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]), s: int64Tensor([3], [0, 2, 2]) },
    };
    expect(refusalOf(parts)).toMatch(
      /the output has shape \[samples, 2, 2\]; \[samples, outputs\]/,
    );
  });

  it('a constant whose shape has other entries', () => {
    const parts: ModelParts = {
      nodes: [node('Reshape', ['w', 's'], 'v', {}, 'view'), node('MatMul', ['x', 'v'], 'y')],
      tensors: { w: tensor([2, 2], [1, 2, 3, 4]), s: int64Tensor([2], [3, -1]) },
    };
    expect(refusalOf(parts)).toMatch(
      /^ERR_ONNX_INVALID: Reshape 'view' makes \[3, -1\] of a tensor of shape \[2, 2\]/,
    );
  });
});
