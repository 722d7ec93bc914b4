// Convolution and pooling against ONNX Runtime, and the forms that are refused by name.

import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/onnx/import.js';
import { parseOnnx } from '../../src/onnx/parse.js';
import { int64Tensor, modelBytes, node, tensor, type ModelParts } from './model-builder.js';
import { runtimeOutputs } from './onnx-runtime.js';
import { refusalOf } from './refusal.js';

type Attributes = Parameters<typeof node>[3];

const numbers = (count: number) => Array.from({ length: count }, (_, i) => Math.sin(3 * i + 1));
/** Images [2, 5, 6]; all entries below zero, so that padding of 0 would win a maximum. */
const samples = numbers(2 * 60).map((value) => value - 1.5);

/** Nodes from x to h, whose entries a dense layer of two units reads. */
const withDense = (
  nodes: ModelParts['nodes'],
  features: number,
  rest: ModelParts['tensors'] = {},
) => ({
  nodes: [...nodes, node('Flatten', ['h'], 'f'), node('Gemm', ['f', 'w'], 'y')],
  inputs: { x: ['N', 2, 5, 6] },
  tensors: { ...rest, w: tensor([features, 2], numbers(2 * features)) },
  opset: 19,
});

async function expectRuntime(parts: ModelParts) {
  const bytes = modelBytes(parts);
  const network = await importOnnx(bytes, { loss: 'meanSquaredError', onNote: () => undefined });
  const rows = [samples.slice(0, 60), samples.slice(60)];
  const outputs = await network.predict(rows);
  const expected = await runtimeOutputs(bytes, samples, [2, 2, 5, 6]);
  expect(outputs).toHaveLength(expected.length);
  expected.forEach((value, index) => {
    const error = Math.abs((outputs[index] ?? NaN) - value);
    expect(error).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
  });
}

const layerOf = (parts: ModelParts) =>
  parseOnnx(modelBytes(parts), { loss: 'meanSquaredError' }).spec.layers[0];

describe('Conv', () => {
  const conv = (attributes: Attributes, features: number, { groups = 1, bias = true } = {}) =>
    withDense([node('Conv', bias ? ['x', 'k', 'b'] : ['x', 'k'], 'h', attributes, 'c')], features, {
      k: tensor([4, 2 / groups, 3, 2], numbers(48 / groups)),
      b: tensor([4], [1, -1, 0.5, 2]),
    });

  it.each<[string, Attributes, number]>([
    ['plain', {}, 60],
    ['strides', { strides: [2, 3] }, 16],
    ['pads that differ on all sides', { pads: [1, 0, 2, 3] }, 192],
    ['dilations', { dilations: [2, 1] }, 20],
    ['auto_pad VALID', { auto_pad: 'VALID' }, 60],
    ['auto_pad SAME_UPPER', { auto_pad: 'SAME_UPPER' }, 120],
    ['auto_pad SAME_LOWER', { auto_pad: 'SAME_LOWER' }, 120],
    ['auto_pad SAME_LOWER with strides', { auto_pad: 'SAME_LOWER', strides: [2, 2] }, 36],
  ])('%s, as in ONNX Runtime', async (_, attributes, features) => {
    await expectRuntime(conv(attributes, features));
  });

  it('groups, and no bias', async () => {
    const parts = conv({ group: 2 }, 60, { groups: 2, bias: false });
    expect(layerOf(parts)).toEqual({
      type: 'conv2d',
      filters: 4,
      kernelSize: [3, 2],
      groups: 2,
      bias: false,
    });
    await expectRuntime(parts);
  });

  it('takes its bias from an Add of one number per filter', async () => {
    const nodes = [node('Conv', ['x', 'k'], 'c'), node('Add', ['c', 'b'], 'h')];
    const rest = { k: tensor([4, 2, 3, 2], numbers(48)), b: tensor([4, 1, 1], [1, -1, 0.5, 2]) };
    const parts = withDense(nodes, 60, rest);
    expect(layerOf(parts)).toEqual({ type: 'conv2d', filters: 4, kernelSize: [3, 2] });
    await expectRuntime(parts);
  });

  it('of other than images is refused by name', () => {
    const nodes = [node('Conv', ['x', 'k'], 'y', {}, 'c')];
    const parts = { nodes, inputs: { x: ['N', 2, 5] }, tensors: { k: tensor([1, 2, 1], [1, 2]) } };
    expect(refusalOf(parts)).toMatch(
      /^ERR_ONNX_UNSUPPORTED: .*Conv 'c': reads a tensor of shape \[samples, 2, 5\]; only images/,
    );
  });

  it('with a weight that does not fit is ERR_ONNX_INVALID', () => {
    expect(refusalOf(conv({ group: 2 }, 60))).toMatch(
      /^ERR_ONNX_INVALID: Conv 'c' reads 2 channels/,
    );
    expect(refusalOf(conv({ dilations: [9, 9] }, 60))).toMatch(
      /^ERR_ONNX_INVALID: Conv 'c': the window reaches over 19 entries/,
    );
  });
});

describe('pooling', () => {
  const pool = (operator: string, attributes: Attributes, features: number) =>
    withDense([node(operator, ['x'], 'h', attributes, 'p')], features);
  const size = { kernel_shape: [3, 2] };

  it.each<[string, string, Attributes, number]>([
    ['without strides they are 1', 'MaxPool', size, 30],
    ['padding is −∞', 'MaxPool', { ...size, pads: [1, 1, 2, 0], strides: [2, 2] }, 18],
    ['dilations', 'MaxPool', { ...size, dilations: [2, 1] }, 10],
    ['auto_pad SAME_UPPER', 'MaxPool', { ...size, auto_pad: 'SAME_UPPER', strides: [2, 2] }, 18],
    ['auto_pad SAME_LOWER', 'MaxPool', { ...size, auto_pad: 'SAME_LOWER', strides: [2, 2] }, 18],
    ['ceil_mode that changes nothing', 'MaxPool', { ...size, ceil_mode: 1, strides: [2, 2] }, 12],
    ['ceil_mode with more entries', 'MaxPool', { ...size, ceil_mode: 1, strides: [3, 4] }, 8],
    ['storage_order, of its indices', 'MaxPool', { ...size, storage_order: 1 }, 30],
    [
      'ceil_mode with dilations and pads',
      'MaxPool',
      { ...size, pads: [1, 1, 2, 0], dilations: [2, 3], ceil_mode: 1, strides: [2, 2] },
      18,
    ],
    ['ceil_mode: means of the image', 'AveragePool', { ...size, ceil_mode: 1, strides: [3, 4] }, 8],
    [
      'ceil_mode, count_include_pad without pads',
      'AveragePool',
      { ...size, ceil_mode: 1, count_include_pad: 1, strides: [3, 4] },
      8,
    ],
    [
      'ceil_mode, pads that do not count',
      'AveragePool',
      { kernel_shape: [3, 3], pads: [1, 0, 0, 1], ceil_mode: 1, strides: [2, 2] },
      18,
    ],
    ['without strides', 'AveragePool', size, 30],
    ['padding does not count', 'AveragePool', { ...size, pads: [1, 1, 1, 1] }, 70],
    ['padding counts', 'AveragePool', { ...size, pads: [1, 1, 1, 1], count_include_pad: 1 }, 70],
    ['auto_pad SAME_UPPER', 'AveragePool', { ...size, auto_pad: 'SAME_UPPER' }, 60],
    ['of the whole image', 'GlobalAveragePool', {}, 2],
  ])('%s: %s as in ONNX Runtime', async (_, operator, attributes, features) => {
    await expectRuntime(pool(operator, attributes, features));
  });

  it.each<[string, Attributes, RegExp, number?]>([
    [
      'AveragePool',
      { ...size, pads: [1, 0, 0, 0], ceil_mode: 1, count_include_pad: 1, strides: [4, 4] },
      /count_include_pad = 1 counts its pads, but not what the last window of ceil_mode = 1 reaches/,
      8,
    ],
    ['AveragePool', { ...size, dilations: [2, 1] }, /dilations other than 1/],
    ['AveragePool', { ...size, pads: [3, 0, 0, 0] }, /a window of it lies in the padding/],
    [
      'MaxPool',
      { ...size, pads: [0, 0, 3, 0], strides: [8, 1] },
      /has padding \[0, 0, 3, 0\].*for windows that reach over \[3, 2\]; it must be smaller/,
    ],
    [
      'MaxPool',
      { ...size, dilations: [2, 1], auto_pad: 'SAME_UPPER' },
      /auto_pad = SAME_UPPER with dilations, which ONNX Runtime does not support/,
    ],
    ['MaxPool', { kernel_shape: [3] }, /has a kernel of 1 axes; only images/],
  ])('%s %j is refused by name', (operator, attributes, message, features = 4) => {
    const refusal = refusalOf(pool(operator, attributes, features));
    expect(refusal).toMatch(new RegExp(`^ERR_ONNX_UNSUPPORTED: .*${operator} 'p'`));
    expect(refusal).toMatch(message);
  });

  it.each(['MaxPool', 'AveragePool'])(
    '%s: ceil_mode has no window that begins in the padding behind the image, as in ONNX Runtime',
    async (operator) => {
      // The runtime's shape inference has three rows and columns here, its kernels two: hence the mean.
      const parts = withDense(
        [
          node(operator, ['x'], 'p', {
            kernel_shape: [3, 2],
            pads: [1, 1, 1, 1],
            ceil_mode: 1,
            strides: [3, 4],
          }),
          node('GlobalAveragePool', ['p'], 'h'),
        ],
        2,
      );
      expect(layerOf(parts)).toMatchObject({ size: [3, 2], stride: [3, 4], padding: 1 });
      await expectRuntime(parts);
    },
  );

  const padded = (...nodes: ModelParts['nodes']) => [
    node('Relu', ['x'], 'r'),
    node('Pad', ['r', 'pads'], 'p', {}, 'zeros'),
    ...nodes,
  ];
  const pads = { pads: int64Tensor([8], [0, 0, 1, 2, 0, 0, 0, 1]) };

  it('zeros around an image become padding of the convolution or mean behind, as in ONNX Runtime', async () => {
    const conv = node('Conv', ['p', 'k'], 'h', { pads: [1, 0, 0, 0], strides: [2, 2] });
    const k = tensor([3, 2, 3, 2], numbers(36));
    await expectRuntime(withDense(padded(conv), 36, { ...pads, k }));
    const mean = node('AveragePool', ['p'], 'h', { kernel_shape: [3, 3], strides: [2, 2] });
    const parts = withDense(padded(mean), 16, pads);
    expect(parseOnnx(modelBytes(parts), { loss: 'meanSquaredError' }).spec.layers[1]).toEqual({
      type: 'avgPool2d',
      size: 3,
      stride: 2,
      padding: [1, 2, 0, 1],
    });
    await expectRuntime(parts);
  });

  it('pads that a graph orders as F.pad by PyTorch’s TorchScript exporter does', async () => {
    const nodes = [
      node('ConstantOfShape', ['four'], 'none', { value: int64Tensor([1], [0]) }),
      node('Concat', ['given', 'none'], 'all', { axis: 0 }),
      node('Reshape', ['all', 'pairs'], 'rows'),
      node('Slice', ['rows', 'last', 'before', 'zero', 'last'], 'reversed'),
      node('Transpose', ['reversed'], 'columns', { perm: [1, 0] }),
      node('Reshape', ['columns', 'last'], 'flat'),
      node('Cast', ['flat'], 'pads', { to: 7 }),
      node('Pad', ['x', 'pads', ''], 'p', { mode: 'constant' }),
      node('Conv', ['p', 'k'], 'h'),
    ];
    const parts = withDense(nodes, 90, {
      given: int64Tensor([4], [1, 2, 0, 1]),
      four: int64Tensor([1], [4]),
      pairs: int64Tensor([2], [-1, 2]),
      last: int64Tensor([1], [-1]),
      before: int64Tensor([1], [Number.MIN_SAFE_INTEGER]),
      zero: int64Tensor([1], [0]),
      k: tensor([3, 2, 2, 4], numbers(48)),
    });
    expect(layerOf(parts)).toMatchObject({ type: 'conv2d', padding: [0, 1, 1, 2] });
    await expectRuntime(parts);
  });

  it('a Pad of nothing is nothing, with attributes as before opset 11', async () => {
    const none = node('Pad', ['x'], 'p', { mode: 'constant', pads: [0, 0, 0, 0, 0, 0, 0, 0] });
    const parts = withDense([none, node('MaxPool', ['p'], 'h', size)], 30);
    // Gemm without its third input is younger.
    const nodes = parts.nodes.slice(0, -1);
    await expectRuntime({ ...parts, nodes: [...nodes, node('MatMul', ['f', 'w'], 'y')], opset: 9 });
  });

  it.each<[string, ModelParts['nodes'], RegExp, number?]>([
    [
      'a maximum',
      padded(node('MaxPool', ['p'], 'h', size)),
      /Pad 'zeros': is supported only in front of/,
      64,
    ],
    [
      'a mean that leaves out its own padding',
      padded(node('AveragePool', ['p'], 'h', { ...size, pads: [1, 1, 0, 0] })),
      /AveragePool 'averagepool_of_p': counts the zeros of a Pad/,
    ],
    [
      'a mean of less than the zeros',
      padded(node('AveragePool', ['p'], 'h', { kernel_shape: [2, 2] })),
      /AveragePool 'averagepool_of_p': has padding \[1, 2, 0, 1\], with that of a Pad in front of it, for windows that reach over \[2, 2\]/,
    ],
    [
      'nothing',
      padded(node('Identity', ['p'], 'h')),
      /Pad 'zeros': is supported only in front of/,
      108,
    ],
    [
      'reflections',
      [node('Pad', ['x', 'pads'], 'h', { mode: 'reflect' }, 'mirror')],
      /Pad 'mirror': pads with other than zeros \(mode 'reflect'\)/,
    ],
  ])('a Pad in front of %s is refused', (_, nodes, message, features = 4) => {
    expect(refusalOf(withDense(nodes, features, pads))).toMatch(message);
  });

  it('the indices of a MaxPool are refused', () => {
    const nodes = [node('MaxPool', ['x'], ['p', 'y'], size, 'p')];
    expect(refusalOf({ nodes, inputs: { x: ['N', 2, 5, 6] } })).toMatch(
      /MaxPool 'p': its second output is used/,
    );
  });
});
