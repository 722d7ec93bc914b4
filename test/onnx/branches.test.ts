// Normalisation, and values that part and come together, against ONNX Runtime.

import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/onnx/import.js';
import { parseOnnx } from '../../src/onnx/parse.js';
import { expectAgreement, numbers } from './agreement.js';
import { int64Tensor, modelBytes, node, tensor, type ModelParts } from './model-builder.js';
import { refusalOf } from './refusal.js';

const image = [2, 4, 5];
/** Nodes from x to h, whose features a dense layer of two units reads. */
const headed = (
  nodes: ModelParts['nodes'],
  features: number,
  rest: ModelParts['tensors'] = {},
  opset = 17,
): ModelParts => ({
  nodes: [...nodes, node('Flatten', ['h'], 'flat'), node('Gemm', ['flat', 'w'], 'y')],
  inputs: { x: ['N', ...image] },
  tensors: { ...rest, w: tensor([features, 2], numbers(2 * features)) },
  opset,
});
const layersOf = (parts: ModelParts) =>
  parseOnnx(modelBytes(parts), { loss: 'meanSquaredError' }).spec.layers.map(
    ({ name: _, ...layer }) => layer,
  );

const statistics = (channels: number) => ({
  scale: tensor([channels], numbers(channels, 2)),
  shift: tensor([channels], numbers(channels, 3)),
  mean: tensor([channels], numbers(channels, 4)),
  variance: tensor(
    [channels],
    numbers(channels, 5).map((value) => 1.5 + value),
  ),
});
const normalization = ['scale', 'shift', 'mean', 'variance'];

describe('BatchNormalization', () => {
  // tvm#18703, onnxruntime#26584, backpack#160
  const one = (attributes: Parameters<typeof node>[3], outputs: string[] = ['y'], opset = 17) => ({
    nodes: [node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], outputs, attributes, 'bn')],
    inputs: { x: ['N', 1] },
    tensors: {
      s: tensor([1], [2]),
      b: tensor([1], [1]),
      m: tensor([1], [1]),
      v: tensor([1], [4]),
    },
    opset,
  });

  it.each([7, 9, 14, 15, 17, 22])(
    'uses the stored statistics at opset %i, in a batch as for one sample alone',
    async (opset) => {
      const bytes = modelBytes(one({ epsilon: 1e-5 }, ['y'], opset));
      const network = await importOnnx(bytes, { loss: 'meanSquaredError' });
      const together = await network.predict([[1], [3]]);
      expect(together[0]).toBeCloseTo(1, 12);
      expect(together[1]).toBeCloseTo(2.9999975, 7);
      expect((await network.predict([[3]]))[0]).toBe(together[1]);
      expect(network.spec.layers).toEqual([
        { type: 'batchNorm', mean: [1], variance: [4], epsilon: 1e-5 },
      ]);
      await expectAgreement(one({ epsilon: 1e-5 }, ['y'], opset), [1]);
    },
  );

  it.each<[string, ModelParts, RegExp]>([
    [
      'training_mode = 1',
      one({ training_mode: 1 }),
      /training_mode = 1, so it normalises by the stat/,
    ],
    [
      'training_mode = 1 with the running statistics',
      one({ training_mode: 1 }, ['y', 'rm', 'rv']),
      /training_mode = 1, .* samples/,
    ],
    [
      'more outputs before opset 14',
      one({}, ['y', 'rm', 'rv', 'sm', 'sv'], 9),
      /has 5 outputs, which before opset 14 is training mode, .*depend on the other samples/,
    ],
    [
      'a statistic that is used',
      {
        ...one({}, ['z', 'rm', 'rv']),
        nodes: [...one({}, ['z', 'rm', 'rv']).nodes, node('Add', ['z', 'rm'], 'y')],
      },
      /its statistics 'rm', 'rv' are used/,
    ],
  ])('%s is refused because samples mix', (_, parts, message) => {
    const refusal = refusalOf(parts);
    expect(refusal).toMatch(/^ERR_ONNX_UNSUPPORTED: .*BatchNormalization 'bn': /);
    expect(refusal).toMatch(message);
  });

  it('of images, behind a convolution, has its parameters in PyTorch’s order', async () => {
    const parts = headed(
      [
        node('Conv', ['x', 'k', 'kb'], 'c', { pads: [1, 1, 1, 1] }),
        node('BatchNormalization', ['c', ...normalization], 'h', { epsilon: 1e-3, momentum: 0.9 }),
      ],
      60,
      { k: tensor([3, 2, 3, 3], numbers(54)), kb: tensor([3], [1, 2, 3]), ...statistics(3) },
    );
    const { network } = await expectAgreement(parts, image);
    expect(network.layout.map(({ name }) => name)).toEqual(['k', 'kb', 'scale', 'shift', 'w']);
  });

  it('of vectors, behind a dense layer', async () => {
    await expectAgreement(
      {
        nodes: [
          node('Gemm', ['x', 'w', 'b'], 'h', { transB: 1 }),
          node('BatchNormalization', ['h', ...normalization], 'n'),
          node('Relu', ['n'], 'y'),
        ],
        tensors: { w: tensor([3, 2], numbers(6)), b: tensor([3], [1, 2, 3]), ...statistics(3) },
      },
      [2],
    );
  });

  it('with a variance and an epsilon of 0 is refused by name', () => {
    const parts = { ...one({ epsilon: 0 }), tensors: { ...one({}).tensors, v: tensor([1], [0]) } };
    expect(refusalOf(parts)).toMatch(
      /^ERR_ONNX_UNSUPPORTED: .*BatchNormalization 'bn': divides by the root of variance \+ epsilon, which is 0 in channel 0/,
    );
  });

  it('with statistics that no training gives is ERR_DATA', () => {
    const parts = { ...one({}), tensors: { ...one({}).tensors, v: tensor([1], [-1]) } };
    expect(refusalOf(parts)).toMatch(/^ERR_DATA: Tensor 'v' holds -1 .*finite and at least 0/);
  });

  it('with tensors that do not fit the channels is ERR_ONNX_INVALID', () => {
    const parts = { ...one({}), tensors: { ...one({}).tensors, m: tensor([2], [1, 2]) } };
    expect(refusalOf(parts)).toMatch(
      /^ERR_ONNX_INVALID: BatchNormalization 'bn': its mean 'm' of shape \[2\]/,
    );
  });
});

describe('sums of branches', () => {
  const kernels = {
    k: tensor([2, 2, 3, 3], numbers(36)),
    k2: tensor([2, 2, 1, 1], numbers(4, 7)),
    b: tensor([1, 2, 1, 1], [0.5, -1]),
  };

  it('a residual block: the layers name what they read', async () => {
    const parts = headed(
      [
        node('Conv', ['x', 'k'], 'c', { pads: [1, 1, 1, 1] }, 'conv'),
        node('Add', ['c', 'b'], 'cb', {}, 'bias'),
        node('Relu', ['cb'], 'r', {}, 'act'),
        node('Add', ['r', 'x'], 'h', {}, 'sum'),
      ],
      40,
      kernels,
    );
    await expectAgreement(parts, image);
    expect(layersOf(parts)).toEqual([
      { type: 'conv2d', filters: 2, kernelSize: 3, padding: 1 },
      { type: 'relu' },
      { type: 'add', inputs: ['relu1', 'input'] },
      { type: 'flatten' },
      { type: 'dense', units: 2, bias: false },
    ]);
  });

  it('a projection beside the block, and a sum of three', async () => {
    const parts = headed(
      [
        node('Conv', ['x', 'k'], 'a', { pads: [1, 1, 1, 1] }),
        node('Conv', ['x', 'k2'], 'p', {}, 'projection'),
        node('Sum', ['a', 'p', 'x'], 'h'),
      ],
      40,
      kernels,
    );
    await expectAgreement(parts, image);
  });

  it('a value added to itself counts twice', async () => {
    await expectAgreement(headed([node('Add', ['x', 'x'], 'h')], 40), image);
  });

  it('of other shapes is refused by name', () => {
    const parts = headed(
      [node('Conv', ['x', 'k'], 'c'), node('Add', ['c', 'x'], 'h', {}, 's')],
      40,
      kernels,
    );
    expect(refusalOf(parts)).toMatch(
      /Add 's': adds \[samples, 2, 2, 3\] and \[samples, 2, 4, 5\]; only values of one shape/,
    );
  });

  it('weights that two layers share are refused', () => {
    const nodes = [
      node('Conv', ['x', 'k'], 'c', { pads: [1, 1, 1, 1] }, 'c1'),
      node('Conv', ['c', 'k'], 'h', { pads: [1, 1, 1, 1] }, 'c2'),
    ];
    expect(refusalOf(headed(nodes, 40, kernels))).toMatch(
      /tensor 'k': is shared by Conv 'c1' and Conv 'c2'/,
    );
  });
});

describe('Concat', () => {
  it.each([1, -3])('of channels, axis %i', async (axis) => {
    const parts = headed(
      [
        node('Conv', ['x', 'k'], 'c', { pads: [1, 1, 1, 1] }),
        node('Tanh', ['c'], 't'),
        node('Concat', ['x', 't', 'c'], 'h', { axis }),
      ],
      160,
      { k: tensor([3, 2, 3, 3], numbers(54)) },
    );
    await expectAgreement(parts, image);
  });

  it('of features, axis -1', async () => {
    const parts: ModelParts = {
      nodes: [
        node('Gemm', ['x', 'a'], 'g'),
        node('Relu', ['g'], 'r'),
        node('Concat', ['r', 'x'], 'j', { axis: -1 }),
        node('Gemm', ['j', 'b'], 'y'),
      ],
      tensors: { a: tensor([2, 3], numbers(6)), b: tensor([5, 2], numbers(10)) },
    };
    await expectAgreement(parts, [2]);
  });

  it.each([0, 2])('along axis %i is refused by name', (axis) => {
    const nodes = [node('Tanh', ['x'], 't'), node('Concat', ['x', 't'], 'h', { axis }, 'cat')];
    expect(refusalOf(headed(nodes, 80))).toMatch(
      new RegExp(`Concat 'cat': joins along axis ${axis} of .*only axis 1`),
    );
  });
});

describe('ReduceMean over height and width', () => {
  it.each<[string, Parameters<typeof node>[3], number, string[]]>([
    ['an attribute', { axes: [2, 3] }, 13, ['x']],
    ['negative axes', { axes: [-1, -2] }, 13, ['x']],
    ['an input', {}, 18, ['x', 'axes']],
    ['keepdims = 0', { keepdims: 0 }, 18, ['x', 'axes']],
    ['keepdims = 0 as an attribute', { axes: [2, 3], keepdims: 0 }, 11, ['x']],
  ])('%s: is global average pooling', async (_, attributes, opset, inputs) => {
    const parts = headed([node('ReduceMean', inputs, 'h', attributes)], 2, {}, opset);
    const tensors = { ...parts.tensors, axes: int64Tensor([2], [-2, 3]) };
    const { network } = await expectAgreement({ ...parts, tensors }, image);
    expect(network.spec.layers.map(({ type }) => type)).toEqual([
      'globalAvgPool2d',
      'flatten',
      'dense',
    ]);
  });

  it.each([
    [
      { axes: [1] },
      /takes the mean over axes 1 of \[samples, 2, 4, 5\]; only that over the height/,
    ],
    [{}, /over all axes, that of the samples included/],
    [{ axes: [0, 2] }, /over axes 0, 2/],
  ])('%j is refused by name', (attributes, message) => {
    const parts = headed([node('ReduceMean', ['x'], 'h', attributes, 'mean')], 40);
    expect(refusalOf(parts)).toMatch(/^ERR_ONNX_UNSUPPORTED: .*ReduceMean 'mean': /);
    expect(refusalOf(parts)).toMatch(message);
  });
});

describe('layer normalisation', () => {
  const affine = { g: tensor([4], numbers(4, 2)), d: tensor([4], numbers(4, 3)) };
  const around = (
    nodes: ModelParts['nodes'],
    rest: ModelParts['tensors'] = affine,
  ): ModelParts => ({
    nodes: [node('Gemm', ['x', 'w'], 'h'), ...nodes],
    tensors: { w: tensor([2, 4], numbers(8)), ...rest },
  });
  const constants = {
    ...affine,
    two: tensor([], [2]),
    half: tensor([], [0.5]),
    eps: tensor([], [1e-3]),
    one: tensor([], [1]),
  };
  const start = [
    node('ReduceMean', ['h'], 'mean', { axes: [-1] }),
    node('Sub', ['h', 'mean'], 'c'),
  ];
  const end = [node('Mul', ['n', 'g'], 's'), node('Add', ['s', 'd'], 'y')];
  const spelled: Record<string, ModelParts['nodes']> = {
    'PyTorch below opset 17': [
      node('Pow', ['c', 'two'], 'q'),
      node('ReduceMean', ['q'], 'var', { axes: [-1] }),
      node('Add', ['var', 'eps'], 've'),
      node('Sqrt', ['ve'], 'dev'),
      node('Div', ['c', 'dev'], 'n'),
    ],
    'a product instead of the square, a reciprocal': [
      node('Mul', ['c', 'c'], 'q'),
      node('ReduceMean', ['q'], 'var', { axes: [1] }),
      node('Add', ['eps', 'var'], 've'),
      node('Sqrt', ['ve'], 'dev'),
      node('Reciprocal', ['dev'], 'inv'),
      node('Mul', ['inv', 'c'], 'n'),
    ],
    'powers, and 1 over the root': [
      node('Pow', ['c', 'two'], 'q'),
      node('ReduceMean', ['q'], 'var', { axes: [1] }),
      node('Add', ['var', 'eps'], 've'),
      node('Pow', ['ve', 'half'], 'dev'),
      node('Div', ['one', 'dev'], 'inv'),
      node('Mul', ['c', 'inv'], 'n'),
    ],
  };

  it.each([1, -1])('the operator, axis %i', async (axis) => {
    const operator = node('LayerNormalization', ['h', 'g', 'd'], 'y', { axis, epsilon: 1e-3 });
    const { network } = await expectAgreement(around([operator]), [2]);
    expect(network.spec.layers[1]).toMatchObject({ type: 'layerNorm', epsilon: 1e-3 });
    expect(network.layout.map(({ name }) => name)).toEqual(['w', 'g', 'd']);
  });

  it.each(Object.entries(spelled))('spelled out: %s', async (_, nodes) => {
    const parts = around([...start, ...nodes, ...end], constants);
    const { network, notes } = await expectAgreement(parts, [2]);
    expect(network.spec.layers[1]).toMatchObject({ type: 'layerNorm', epsilon: 1e-3 });
    expect(network.layout.map(({ name }) => name)).toEqual(['w', 'g', 'd']);
    expect(notes.filter((note) => !note.startsWith('Not used'))).toEqual([]);
  });

  it('of a whole image', async () => {
    const parts = headed([node('LayerNormalization', ['x', 'g', 'd'], 'h', { axis: 1 })], 40, {
      g: tensor(image, numbers(40, 2)),
      d: tensor(image, numbers(40, 3)),
    });
    await expectAgreement(parts, image);
  });

  it('without a bias has none', async () => {
    const operator = node('LayerNormalization', ['h', 'g'], 'y', {}, 'ln');
    const { network, notes } = await expectAgreement(around([operator], { g: affine.g }), [2]);
    expect(notes).toEqual([]);
    expect(network.spec.layers[1]).toEqual({
      type: 'layerNorm',
      epsilon: 1e-5,
      bias: false,
    });
    expect(network.layout.map(({ name }) => name)).toEqual(['w', 'g']);
  });

  it('of a part of a sample is refused by name', () => {
    const operator = node('LayerNormalization', ['x', 'g'], 'h', {}, 'ln');
    expect(refusalOf(headed([operator], 40, { g: tensor([5], numbers(5)) }))).toMatch(
      /LayerNormalization 'ln': normalises from axis -1 of \[samples, 2, 4, 5\] on; only a whole/,
    );
  });

  it('that stops half-way names all its nodes', () => {
    const [q, variance] = spelled['PyTorch below opset 17'] ?? [];
    if (q === undefined || variance === undefined) throw new Error('no nodes');
    const parts = around([...start, q, variance, node('Relu', ['var'], 'y')], constants);
    expect(refusalOf(parts)).toMatch(
      /ReduceMean 'reducemean_of_h': is part of .*Sub .*Pow .*ReduceMean/,
    );
  });
});
