// Activations written with comparisons and bounds, and the arithmetic of shapes, against ONNX Runtime.

import { describe, expect, it } from 'vitest';
import { parseOnnx } from '../../src/onnx/parse.js';
import { expectAgreement, numbers } from './agreement.js';
import { int64Tensor, modelBytes, node, tensor, type ModelParts } from './model-builder.js';
import { refusalOf } from './refusal.js';

const after = (nodes: ModelParts['nodes'], opset = 17): ModelParts => ({
  nodes: [node('MatMul', ['x', 'w'], 'h'), ...nodes],
  tensors: {
    w: tensor([2, 3], numbers(6)),
    zero: tensor([], [0]),
    one: tensor([], [1]),
    alpha: tensor([1], [0.3]),
    six: tensor([], [6]),
    large: tensor([], [3.4028234663852886e38]),
  },
  opset,
});
const above = node('Greater', ['h', 'zero'], 'c');
const leaky = node('Mul', ['h', 'alpha'], 'a');
const exponential = [
  node('Exp', ['h'], 'e'),
  node('Sub', ['e', 'one'], 'm'),
  node('Mul', ['m', 'alpha'], 'a'),
];

describe('an activation spelled out', () => {
  it.each<[string, ModelParts['nodes'], object]>([
    ['relu as Clip', [node('Clip', ['h', 'zero'], 'y')], { type: 'relu' }],
    [
      'relu as Clip with an open bound',
      [node('Clip', ['h', 'zero', 'large'], 'y')],
      { type: 'relu' },
    ],
    ['relu as Max', [node('Max', ['zero', 'h'], 'y')], { type: 'relu' }],
    ['relu as Where', [above, node('Where', ['c', 'h', 'zero'], 'y')], { type: 'relu' }],
    [
      'relu as Where of Less',
      [node('Less', ['h', 'zero'], 'c'), node('Where', ['c', 'zero', 'h'], 'y')],
      { type: 'relu' },
    ],
    ['leakyRelu as Max', [leaky, node('Max', ['h', 'a'], 'y')], { type: 'leakyRelu', alpha: 0.3 }],
    [
      'leakyRelu as Where',
      [above, leaky, node('Where', ['c', 'h', 'a'], 'y')],
      { type: 'leakyRelu', alpha: 0.3 },
    ],
    [
      'leakyRelu as Where of 0 ≥ x',
      [node('GreaterOrEqual', ['zero', 'h'], 'c'), leaky, node('Where', ['c', 'a', 'h'], 'y')],
      { type: 'leakyRelu', alpha: 0.3 },
    ],
    [
      'elu as Where',
      [above, ...exponential, node('Where', ['c', 'h', 'a'], 'y')],
      { type: 'elu', alpha: 0.3 },
    ],
  ])('%s', async (_, nodes, layer) => {
    const { network } = await expectAgreement(after(nodes), [2]);
    expect(network.spec.layers[1]).toEqual(layer);
  });

  it('relu as Clip before opset 11 has attributes', async () => {
    const { network } = await expectAgreement(
      after([node('Clip', ['h'], 'y', { min: 0 })], 9),
      [2],
    );
    expect(network.spec.layers[1]).toEqual({ type: 'relu' });
  });

  it.each<[string, ModelParts['nodes'], RegExp]>([
    ['relu6', [node('Clip', ['h', 'zero', 'six'], 'y')], /clips to \[0, 6\]; only \[0, ∞\)/],
    ['max(x, 1)', [node('Max', ['h', 'one'], 'y')], /Max 'max_of_h': takes the largest/],
    [
      'a branch at 6',
      [node('Greater', ['h', 'six'], 'c'), leaky, node('Where', ['c', 'h', 'a'], 'y')],
      /Where 'where_of_c': chooses/,
    ],
    ['eˣ − 1 without x', [...exponential, node('Relu', ['a'], 'y')], /Exp 'exp_of_h': is part of/],
    ['hard swish', [node('HardSwish', ['h'], 'y')], /HardSwish 'hardswish_of_h': no layer/],
  ])('%s is refused by name', (_, nodes, message) => {
    expect(refusalOf(after(nodes))).toMatch(/^ERR_ONNX_UNSUPPORTED/);
    expect(refusalOf(after(nodes))).toMatch(message);
  });
});

describe('the arithmetic of shapes', () => {
  const shapes: ModelParts['tensors'] = {
    w: tensor([12, 2], numbers(24)),
    two: int64Tensor([], [2]),
    three: int64Tensor([1], [3]),
    four: int64Tensor([1], [4]),
    zero: int64Tensor([1], [0]),
    one: int64Tensor([1], [1]),
    minusOne: int64Tensor([1], [-1]),
  };
  const image = (nodes: ModelParts['nodes']): ModelParts => ({
    nodes: [
      node('Shape', ['x'], 'shape'),
      ...nodes,
      node('Reshape', ['x', 'target'], 'flat'),
      node('Gemm', ['flat', 'w'], 'y'),
    ],
    inputs: { x: ['N', 3, 4] },
    tensors: shapes,
  });
  const join = (first: string, second: string) =>
    node('Concat', [first, second], 'target', { axis: 0 }, 'join');
  const samples = node('Slice', ['shape', 'zero', 'one'], 'samples', {}, 'samples');
  const last = [
    node('Mod', ['minusOne', 'three'], 'at'),
    node('Gather', ['shape', 'at'], 'width', { axis: 0 }),
  ];

  it.each<[string, ModelParts['nodes']]>([
    [
      'Mod of a negative axis',
      [samples, ...last, node('Mul', ['width', 'three'], 'f'), join('samples', 'f')],
    ],
    [
      'Div, Sub, Min and Max',
      [
        samples,
        node('Div', ['four', 'two'], 'd'),
        node('Max', ['d', 'three'], 'three2'),
        node('Mul', ['three2', 'four'], 'f'),
        node('Min', ['f', 'f'], 'g'),
        node('Sub', ['g', 'zero'], 'k'),
        join('samples', 'k'),
      ],
    ],
    [
      'Where of Equal to −1',
      [
        samples,
        node('Equal', ['samples', 'minusOne'], 'isOpen'),
        node('Where', ['isOpen', 'one', 'samples'], 'kept'),
        join('kept', 'minusOne'),
      ],
    ],
    [
      'Expand and ConstantOfShape',
      [
        samples,
        node('ConstantOfShape', ['one'], 'ones', { value: int64Tensor([1], [-1]) }),
        node('Expand', ['ones', 'one'], 'rest'),
        join('samples', 'rest'),
      ],
    ],
    [
      'Range',
      [
        samples,
        node('Constant', [], 'r0', { value: int64Tensor([], [12]) }, 'r0'),
        node('Constant', [], 'r1', { value: int64Tensor([], [13]) }, 'r1'),
        node('Constant', [], 'r2', { value: int64Tensor([], [1]) }, 'r2'),
        node('Range', ['r0', 'r1', 'r2'], 'f'),
        join('samples', 'f'),
      ],
    ],
    [
      'a product with 1 leaves the number of samples',
      [samples, node('Mul', ['samples', 'one'], 's'), join('s', 'minusOne')],
    ],
  ])('%s', async (_, nodes) => {
    await expectAgreement(image(nodes), [3, 4]);
  });

  it.each<[string, ModelParts['nodes'], RegExp]>([
    [
      'twice the samples',
      [samples, node('Mul', ['samples', 'three'], 's', {}, 'm'), join('s', 'minusOne')],
      /Mul 'm': computes with the number of samples/,
    ],
    [
      'samples compared',
      [samples, node('Equal', ['samples', 'three'], 's', {}, 'e'), join('s', 'minusOne')],
      /Equal 'e': compares the number of samples/,
    ],
    [
      'a division by 0',
      [samples, node('Div', ['three', 'zero'], 's', {}, 'd'), join('samples', 's')],
      /Div 'd': computes/,
    ],
    [
      'a long Range',
      [samples, node('Range', ['zero', 'w', 'one'], 's', {}, 'r'), join('samples', 's')],
      /Range 'r': counts other than/,
    ],
  ])('%s is refused by name', (_, nodes, message) => {
    expect(refusalOf(image(nodes))).toMatch(message);
  });

  it('an Identity of an identity, a Dropout whose mask nobody reads, a dead branch', () => {
    const nodes = [
      node('Identity', ['x'], 'i'),
      node('Identity', ['i'], 'j'),
      node('Dropout', ['j'], ['d', 'mask']),
      node('Gemm', ['d', 'w'], 'y'),
      node('NonZero', ['d'], 'dead', {}, 'dead'),
    ];
    const bytes = modelBytes({ nodes, tensors: { w: tensor([2, 2], numbers(4)) } });
    const { spec, notes } = parseOnnx(bytes, { loss: 'meanSquaredError' });
    expect(spec.layers.map(({ type }) => type)).toEqual(['dense']);
    expect(notes).toEqual(["Left out, as the output does not depend on it: 'dead'."]);
  });

  it('a cycle, and nodes in the wrong order, are ERR_ONNX_INVALID', () => {
    const nodes = [
      node('Add', ['x', 'b'], 'a', {}, 'first'),
      node('Relu', ['a'], 'b'),
      node('Relu', ['b'], 'y'),
    ];
    expect(refusalOf({ nodes })).toMatch(
      /^ERR_ONNX_INVALID: Add 'first' reads 'b', which no input, tensor or earlier node gives/,
    );
  });
});
