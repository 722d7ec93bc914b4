// Graphs as tf2onnx writes Keras's networks on images, built by hand.

import { describe, expect, it } from 'vitest';
import { compareWithOnnxRuntime } from '../../src/onnx/compare.js';
import { exportOnnx } from '../../src/onnx/export.js';
import { importOnnx } from '../../src/onnx/import.js';
import { TensorProto_DataType as DataType } from '../../src/onnx/onnx_pb.js';
import { expectAgreement, numbers } from './agreement.js';
import { int64Tensor, modelBytes, node, tensor, type ModelParts } from './model-builder.js';
import { refusalOf } from './refusal.js';

describe('Keras’s networks on images, channels last', () => {
  /** [samples, height, width, channels] → conv → conv → flatten with the channels last → dense. */
  const lenet = (channels: number, flatten: readonly ReturnType<typeof node>[]): ModelParts => ({
    nodes: [
      node('Transpose', ['x'], 'nchw', { perm: [0, 3, 1, 2] }, 'to_nchw'),
      node('Conv', ['nchw', 'k1', 'b1'], 'c1', { kernel_shape: [3, 3], auto_pad: 'SAME_UPPER' }),
      node('Relu', ['c1'], 'r1'),
      node('MaxPool', ['r1'], 'p1', { kernel_shape: [2, 2], strides: [2, 2], auto_pad: 'VALID' }),
      node('Conv', ['p1', 'k2', 'b2'], 'c2', { strides: [1, 1], pads: [0, 0, 0, 0] }),
      node('Transpose', ['c2'], 'nhwc', { perm: [0, 2, 3, 1] }, 'to_nhwc'),
      node('Relu', ['nhwc'], 'r2'),
      ...flatten,
      node('MatMul', ['flat', 'w'], 'm'),
      node('Add', ['m', 'b'], 'y'),
    ],
    inputs: { x: ['N', 6, 8, channels] },
    tensors: {
      k1: tensor([2, channels, 3, 3], numbers(18 * channels)),
      b1: tensor([2], numbers(2)),
      k2: tensor([3, 2, 2, 2], numbers(24)),
      b2: tensor([3], numbers(3)),
      w: tensor([18, 2], numbers(36)),
      b: tensor([2], numbers(2)),
      flatShape: int64Tensor([2], [-1, 18]),
      zero: int64Tensor([1], [0]),
      one: int64Tensor([1], [1]),
      minusOne: int64Tensor([1], [-1]),
    },
  });
  const constantShape = [node('Reshape', ['r2', 'flatShape'], 'flat')];
  const computedShape = [
    node('Shape', ['r2'], 'shape'),
    node('Cast', ['shape'], 'shape32', { to: DataType.INT32 }),
    node('Slice', ['shape32', 'zero', 'one', 'zero'], 'samples'),
    node('Cast', ['minusOne'], 'rest', { to: DataType.INT32 }),
    node('Concat', ['samples', 'rest'], 'target', { axis: 0 }),
    node('Cast', ['target'], 'target64', { to: DataType.INT64 }),
    node('Reshape', ['r2', 'target64'], 'flat'),
  ];

  it.each([
    ['a constant shape', constantShape],
    ['a computed shape', computedShape],
  ])('flattened by %s: the dense weights follow the library’s order', async (_, flatten) => {
    const { network, notes } = await expectAgreement(lenet(1, flatten), [6, 8, 1]);
    expect(network.spec.input).toEqual([1, 6, 8]);
    expect(network.spec.layers.map(({ type }) => type)).toEqual([
      ...['conv2d', 'relu', 'maxPool2d', 'conv2d', 'relu', 'flatten', 'dense'],
    ]);
    expect(notes.join()).toMatch(
      /The network's input is an image \[1, 6, 8\] where the file has \[6, 8, 1\]/,
    );
    expect(notes.join()).toMatch(/columns of 'w' follow images with the channels first/);
  });

  it.each([2, 3])(
    '%i channels last at the input are data as the file takes them',
    async (count) => {
      const parts = lenet(count, computedShape);
      const { network, notes } = await expectAgreement(parts, [6, 8, count]);
      expect(network.spec.input).toEqual([6, 8, count]);
      expect(network.spec.layers.map(({ type }) => type)).toEqual([
        ...['channelsFirst', 'conv2d', 'relu', 'maxPool2d', 'conv2d', 'relu', 'flatten', 'dense'],
      ]);
      expect(notes.join()).not.toMatch(/input is an image/);
      const compared = await compareWithOnnxRuntime(network, { model: modelBytes(parts) });
      expect(compared.maximumScaledDifference).toBeLessThan(1e-5);
      const again = await importOnnx(await exportOnnx(network), { loss: network.spec.loss });
      expect(again.parameters()).toEqual(network.parameters());
      expect(again.spec).toEqual(network.spec);
    },
  );

  it('colour images flattened as they come keep the columns of the file', async () => {
    const { nodes, tensors } = lenet(3, []);
    const flat = [node('Reshape', ['x', 'flatShape'], 'flat'), ...nodes.slice(-2)];
    const own = { w: tensor([144, 2], numbers(288)), flatShape: int64Tensor([2], [-1, 144]) };
    const { network, notes } = await expectAgreement(
      { nodes: flat, inputs: { x: ['N', 6, 8, 3] }, tensors: { ...tensors, ...own } },
      [6, 8, 3],
    );
    expect(network.spec.input).toEqual([6, 8, 3]);
    expect(network.spec.layers.map(({ type }) => type)).toEqual(['flatten', 'dense']);
    expect(notes.join()).not.toMatch(/columns/);
  });

  it('colour images read by two branches, one of which flattens them as they come', async () => {
    const nchw = (to: string) => node('Transpose', ['x'], to, { perm: [0, 3, 1, 2] }, `to_${to}`);
    const parts: ModelParts = {
      nodes: [
        nchw('x1'),
        nchw('x2'),
        node('Conv', ['x1', 'k1'], 'c1', { auto_pad: 'SAME_UPPER' }),
        node('Pad', ['x2', 'pads'], 'padded'),
        node('Conv', ['padded', 'k2'], 'c2'),
        node('Add', ['c1', 'c2'], 'sum'),
        node('Relu', ['sum'], 'r'),
        node('Transpose', ['r'], 'last', { perm: [0, 2, 3, 1] }),
        node('Flatten', ['last'], 'f1'),
        node('MatMul', ['f1', 'v'], 'p'),
        node('Flatten', ['x'], 'f2'),
        node('Concat', ['p', 'f2'], 'both', { axis: 1 }),
        node('MatMul', ['both', 'w'], 'y'),
      ],
      inputs: { x: ['N', 4, 5, 3] },
      tensors: {
        k1: tensor([2, 3, 3, 3], numbers(54)),
        k2: tensor([2, 3, 3, 3], numbers(54, 2)),
        pads: int64Tensor([8], [0, 0, 1, 1, 0, 0, 1, 1]),
        v: tensor([40, 3], numbers(120, 3)),
        w: tensor([63, 2], numbers(126, 4)),
      },
    };
    const { network } = await expectAgreement(parts, [4, 5, 3]);
    expect(network.spec.input).toEqual([4, 5, 3]);
    expect(network.spec.layers.map(({ type }) => type)).toEqual([
      ...['channelsFirst', 'channelsFirst', 'conv2d', 'conv2d', 'add', 'relu'],
      ...['flatten', 'dense', 'flatten', 'concat', 'dense'],
    ]);
  });

  const toFirst = (from: string, to: string) =>
    node('Transpose', [from], to, { perm: [0, 3, 1, 2] }, `first_${to}`);
  const toLast = (from: string, to: string) =>
    node('Transpose', [from], to, { perm: [0, 2, 3, 1] }, `last_${to}`);
  const conv = (from: string, kernel: string, to: string) =>
    node('Conv', [from, kernel], to, {}, `conv_${to}`);

  it.each<[string, ModelParts['nodes'], number, readonly string[]]>([
    [
      'zeros around the input, before its channels are moved',
      [node('Pad', ['x', 'pads'], 'p'), toFirst('p', 'f'), conv('f', 'k', 'c')],
      3,
      ['channelsFirst', 'conv2d'],
    ],
    [
      'zeros around an image in between',
      [
        ...[toFirst('x', 'f'), conv('f', 'one', 'c1'), toLast('c1', 'l')],
        ...[node('Pad', ['l', 'pads'], 'p'), toFirst('p', 'f2'), conv('f2', 'k', 'c')],
      ],
      3,
      ['channelsFirst', 'conv2d', 'conv2d'],
    ],
    [
      'the input added to what was computed from it',
      [
        ...[toFirst('x', 'f'), conv('f', 'one', 'c1'), toLast('c1', 'l')],
        ...[node('Add', ['x', 'l'], 's'), toFirst('s', 'f2'), conv('f2', 'k', 'c')],
      ],
      3,
      ['channelsFirst', 'conv2d', 'channelsFirst', 'add', 'conv2d'],
    ],
    [
      'the input beside what was computed from it',
      [
        ...[toFirst('x', 'f'), conv('f', 'one', 'c1'), toLast('c1', 'l')],
        node('Concat', ['x', 'l'], 's', { axis: 3 }),
        ...[toFirst('s', 'f2'), conv('f2', 'k', 'c')],
      ],
      6,
      ['channelsFirst', 'conv2d', 'channelsFirst', 'concat', 'conv2d'],
    ],
  ])('channels last: %s', async (_, nodes, channels, layers) => {
    const parts: ModelParts = {
      nodes: [...nodes, node('Flatten', ['c'], 'y')],
      inputs: { x: ['N', 4, 5, 3] },
      tensors: {
        k: tensor([2, channels, 2, 3], numbers(12 * channels)),
        one: tensor([3, 3, 1, 1], numbers(9)),
        pads: int64Tensor([8], [0, 1, 2, 0, 0, 0, 1, 0]),
      },
    };
    const { network } = await expectAgreement(parts, [4, 5, 3]);
    expect(network.spec.layers.map(({ type }) => type)).toEqual([...layers, 'flatten']);
  });

  it('channels moved to the front and back again are where they were', async () => {
    const parts: ModelParts = {
      nodes: [
        node('Transpose', ['x'], 'nchw', { perm: [0, 3, 1, 2] }),
        node('Transpose', ['nchw'], 'nhwc', { perm: [0, 2, 3, 1] }),
        node('Flatten', ['nhwc'], 'f'),
        node('MatMul', ['f', 'w'], 'y'),
      ],
      inputs: { x: ['N', 2, 3, 4] },
      tensors: { w: tensor([24, 2], numbers(48)) },
    };
    const { network } = await expectAgreement(parts, [2, 3, 4]);
    expect(network.spec.layers.map(({ type }) => type)).toEqual(['flatten', 'dense']);
  });

  it('a vector that the graph makes a colour image of: the input is the image', async () => {
    const parts: ModelParts = {
      nodes: [
        node('Reshape', ['x', 'image'], 'i'),
        node('Transpose', ['i'], 'nchw', { perm: [0, 3, 1, 2] }),
        node('Conv', ['nchw', 'k'], 'c'),
        node('Flatten', ['c'], 'y'),
      ],
      inputs: { x: ['N', 24] },
      tensors: { image: int64Tensor([4], [-1, 2, 4, 3]), k: tensor([2, 3, 2, 2], numbers(24)) },
    };
    const { network, notes } = await expectAgreement(parts, [24]);
    expect(network.spec.input).toEqual([2, 4, 3]);
    expect(notes.join()).toMatch(/input is an image \[2, 4, 3\] where the file has \[24\]/);
  });

  it.each([0, 1])(
    'global average pooling of the transposed image, keepdims %i',
    async (keepdims) => {
      const nodes = [
        node('ReduceMean', ['r2'], 'g', { axes: [1, 2], keepdims }),
        node('Reshape', ['g', 'shape3'], 'flat'),
      ];
      const parts = lenet(1, nodes);
      const tensors = {
        ...parts.tensors,
        w: tensor([3, 2], numbers(6)),
        shape3: int64Tensor([2], [-1, 3]),
      };
      const { network } = await expectAgreement({ ...parts, tensors }, [6, 8, 1]);
      expect(network.spec.layers.map(({ type }) => type)).toContain('globalAvgPool2d');
    },
  );

  it('a bias and a folded batch normalisation with the channels last, residual and concatenated', async () => {
    const nhwc = (from: string, to: string) =>
      node('Transpose', [from], to, { perm: [0, 2, 3, 1] });
    const parts: ModelParts = {
      nodes: [
        node('Conv', ['x', 'k1'], 'c1', { pads: [1, 1, 1, 1] }),
        nhwc('c1', 'h1'),
        node('Add', ['h1', 'b1'], 'i1'),
        node('Mul', ['scale', 'i1'], 'm1', {}, 'bn/mul'),
        node('Add', ['m1', 'shift'], 'n1', {}, 'bn/add'),
        node('Relu', ['n1'], 'r1'),
        node('Conv', ['x', 'k2'], 'c2', { pads: [1, 1, 1, 1] }, 'second'),
        nhwc('c2', 'h2'),
        node('Add', ['r1', 'h2'], 'sum'),
        node('Concat', ['sum', 'r1'], 'both', { axis: -1 }),
        node('Reshape', ['both', 'flatShape'], 'flat'),
        node('MatMul', ['flat', 'w'], 'y'),
      ],
      inputs: { x: ['N', 2, 4, 3] },
      tensors: {
        k1: tensor([3, 2, 3, 3], numbers(54)),
        k2: tensor([3, 2, 3, 3], numbers(54, 2)),
        b1: tensor([3], numbers(3)),
        scale: tensor([1, 1, 1, 3], numbers(3, 4)),
        shift: tensor([3], numbers(3, 5)),
        w: tensor([72, 2], numbers(144)),
        flatShape: int64Tensor([2], [-1, 72]),
      },
    };
    const { network } = await expectAgreement(parts, [2, 4, 3]);
    expect(network.spec.layers.map(({ type }) => type)).toEqual([
      ...['conv2d', 'batchNorm', 'relu', 'conv2d', 'add', 'concat', 'flatten', 'dense'],
    ]);
    const names = network.layout.map(({ name }) => name);
    expect(names).toEqual(['k1', 'b1', 'scale', 'shift', 'k2', 'w']);
  });

  it('a folded batch normalisation behind a dense layer', async () => {
    const parts: ModelParts = {
      nodes: [
        node('MatMul', ['x', 'w1'], 'd1'),
        node('Add', ['d1', 'b1'], 'a1'),
        node('Mul', ['a1', 'scale'], 'm1', {}, 'bn/mul'),
        node('Add', ['m1', 'shift'], 'n1', {}, 'bn/add'),
        node('Tanh', ['n1'], 't1'),
        node('Mul', ['t1', 'scale2'], 'm2', {}, 'second'),
        node('MatMul', ['m2', 'w2'], 'y'),
      ],
      tensors: {
        w1: tensor([2, 4], numbers(8)),
        b1: tensor([4], numbers(4)),
        scale: tensor([4], numbers(4, 2)),
        shift: tensor([1, 4], numbers(4, 3)),
        scale2: tensor([4], numbers(4, 4)),
        w2: tensor([4, 2], numbers(8, 5)),
      },
    };
    const { network } = await expectAgreement(parts, [2]);
    expect(network.spec.layers.map(({ type }) => type)).toEqual([
      ...['dense', 'batchNorm', 'tanh', 'batchNorm', 'dense'],
    ]);
    expect(network.layout.map(({ name }) => name)).toEqual([
      ...['w1', 'b1', 'scale', 'shift', 'scale2', 'w2'],
    ]);
  });

  it.each([
    ['one number per column', [3], /multiplies values that form no known activation/],
    ['one number per pixel', [1, 3, 3], /multiplies/],
  ])('a factor of %s is refused', (_, dims, message) => {
    const size = dims.reduce((product, length) => product * length, 1);
    const parts: ModelParts = {
      nodes: [
        node('Conv', ['x', 'k'], 'c'),
        node('Mul', ['c', 's'], 'm'),
        node('Flatten', ['m'], 'y'),
      ],
      inputs: { x: ['N', 1, 3, 3] },
      tensors: { k: tensor([3, 1, 1, 1], numbers(3)), s: tensor(dims, numbers(size)) },
    };
    expect(refusalOf(parts)).toMatch(message);
  });

  it('kernels stored as Keras has them are transposed', async () => {
    const parts: ModelParts = {
      nodes: [
        node('Transpose', ['hwio'], 'k', { perm: [3, 2, 0, 1] }),
        node('Conv', ['x', 'k'], 'c'),
        node('Flatten', ['c'], 'y'),
      ],
      inputs: { x: ['N', 2, 3, 3] },
      tensors: { hwio: tensor([2, 3, 2, 4], numbers(48)) },
    };
    await expectAgreement(parts, [2, 3, 3]);
  });

  it('a vector that the graph makes an image of: the input is the image', async () => {
    const parts: ModelParts = {
      nodes: [
        node('Reshape', ['x', 'image'], 'i'),
        node('Conv', ['i', 'k'], 'c'),
        node('Add', ['c', 'c'], 'd'),
        node('Conv', ['i', 'k2'], 'e', {}, 'second'),
        node('Add', ['d', 'e'], 's'),
        node('Flatten', ['s'], 'y'),
      ],
      inputs: { x: ['N', 16] },
      tensors: {
        image: int64Tensor([4], [-1, 1, 4, 4]),
        k: tensor([1, 1, 2, 2], numbers(4)),
        k2: tensor([1, 1, 2, 2], numbers(4, 2)),
      },
    };
    const { network } = await expectAgreement(parts, [16]);
    expect(network.spec.input).toEqual([1, 4, 4]);
    const both = {
      ...parts,
      nodes: [
        node('Reshape', ['x', 'image'], 'i'),
        node('Conv', ['i', 'k'], 'c'),
        node('Flatten', ['c'], 'f'),
        node('Concat', ['x', 'f'], 'y', { axis: 1 }),
      ],
    };
    const { network: branched } = await expectAgreement(both, [16]);
    expect(branched.spec.input).toEqual([1, 4, 4]);
    expect(branched.spec.layers.map(({ type }) => type)).toContain('flatten');
  });

  it('both predictions and an auxiliary output are refused with their names', () => {
    const parts = lenet(1, constantShape);
    expect(refusalOf(modelBytes({ ...parts, outputs: ['y', 'flat'] }))).toMatch(
      /output 'y', 'flat': the graph has 2 outputs/,
    );
  });
});
