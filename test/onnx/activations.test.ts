// Activations of one node and spelled out in several, against ONNX Runtime; and the forms that are refused by name.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { TensorProto_DataType as DataType } from '../../src/onnx/onnx_pb.js';
import { after, layersOf, expectRuntimeOutputs } from './after-product.js';
import { node, tensor, type ModelParts } from './model-builder.js';
import { refusalOf } from './refusal.js';

describe('activations of one node', () => {
  it.each([
    ['Relu', {}, { type: 'relu' }],
    ['Tanh', {}, { type: 'tanh' }],
    ['Sigmoid', {}, { type: 'sigmoid' }],
    ['Softplus', {}, { type: 'softplus' }],
    ['Softsign', {}, { type: 'softsign' }],
    ['Elu', {}, { type: 'elu' }],
    ['Elu', { alpha: 0.3 }, { type: 'elu', alpha: 0.3 }],
    ['LeakyRelu', {}, { type: 'leakyRelu' }],
    ['LeakyRelu', { alpha: 0.2 }, { type: 'leakyRelu', alpha: 0.2 }],
    ['Gelu', {}, { type: 'gelu' }],
    ['Mish', {}, { type: 'mish' }],
  ])('%s %j is %j', async (operator, attributes, layer) => {
    const parts = { ...after([node(operator, ['h'], 'y', attributes)]), opset: 20 };
    expect(layersOf(parts)[1]).toEqual(layer);
    await expectRuntimeOutputs(parts);
  });

  it('a float32 attribute comes back as the decimal that was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99_999 }), (digits) => {
        const alpha = digits / 100_000;
        const [, layer] = layersOf(after([node('Elu', ['h'], 'y', { alpha: Math.fround(alpha) })]));
        expect(layer).toEqual({ type: 'elu', alpha });
      }),
    );
  });

  it('gelu’s tanh approximation is refused by name', () => {
    const parts = after([node('Gelu', ['h'], 'y', { approximate: 'tanh' }, 'act')]);
    expect(refusalOf({ ...parts, opset: 20 })).toMatch(
      /^ERR_ONNX_UNSUPPORTED: .*Gelu 'act': approximate = 'tanh' is not supported; the library's gelu is exact/,
    );
  });
});

describe('activations spelled out', () => {
  const constants = {
    root: tensor([], [Math.SQRT2]),
    inverse: tensor([], [Math.SQRT1_2]),
    one: tensor([], [1]),
    half: tensor([1], [0.5]),
    twenty: tensor([], [20]),
  };
  const spelled: Record<string, [string, ModelParts['nodes']]> = {
    'x·(1 + erf(x/√2))·½': [
      'gelu',
      [
        node('Div', ['h', 'root'], 'a'),
        node('Erf', ['a'], 'b'),
        node('Add', ['b', 'one'], 'c'),
        node('Mul', ['h', 'c'], 'd'),
        node('Mul', ['d', 'half'], 'y'),
      ],
    ],
    '(½·(erf(x·1/√2) + 1))·x': [
      'gelu',
      [
        node('Mul', ['inverse', 'h'], 'a'),
        node('Erf', ['a'], 'b'),
        node('Add', ['one', 'b'], 'c'),
        node('Mul', ['half', 'c'], 'd'),
        node('Mul', ['d', 'h'], 'y'),
      ],
    ],
    '(½·x)·(1 + erf(x/√2))': [
      'gelu',
      [
        node('Mul', ['h', 'half'], 'd'),
        node('Div', ['h', 'root'], 'a'),
        node('Erf', ['a'], 'b'),
        node('Add', ['b', 'one'], 'c'),
        node('Mul', ['d', 'c'], 'y'),
      ],
    ],
    'x·cast(1 + erf(x/√2))·½': [
      'gelu',
      [
        node('Div', ['h', 'root'], 'a'),
        node('Erf', ['a'], 'b'),
        node('Add', ['b', 'one'], 'c'),
        node('Cast', ['c'], 'same', { to: DataType.FLOAT }),
        node('Mul', ['h', 'same'], 'd'),
        node('Mul', ['d', 'half'], 'y'),
      ],
    ],
    'x·sigmoid(x)': ['silu', [node('Sigmoid', ['h'], 's'), node('Mul', ['h', 's'], 'y')]],
    'sigmoid(x)·x': ['silu', [node('Sigmoid', ['h'], 's'), node('Mul', ['s', 'h'], 'y')]],
    'where(x > 20, x, softplus(x))': [
      'softplus',
      [
        node('Softplus', ['h'], 's'),
        node('Greater', ['h', 'twenty'], 'c'),
        node('Where', ['c', 'h', 's'], 'y'),
      ],
    ],
    'x/(1 + |x|)': [
      'softsign',
      [node('Abs', ['h'], 'a'), node('Add', ['one', 'a'], 'b'), node('Div', ['h', 'b'], 'y')],
    ],
    'x·tanh(softplus(x))': [
      'mish',
      [node('Softplus', ['h'], 's'), node('Tanh', ['s'], 't'), node('Mul', ['h', 't'], 'y')],
    ],
    'tanh(where(x > 20, x, softplus(x)))·x': [
      'mish',
      [
        node('Softplus', ['h'], 's'),
        node('Greater', ['h', 'twenty'], 'c'),
        node('Where', ['c', 'h', 's'], 'above'),
        node('Tanh', ['above'], 't'),
        node('Mul', ['t', 'h'], 'y'),
      ],
    ],
    '1·elu(1·x)': [
      'elu',
      [node('Mul', ['h', 'one'], 'a'), node('Elu', ['a'], 'b'), node('Mul', ['b', 'one'], 'y')],
    ],
  };

  it.each(Object.entries(spelled))('%s', async (_, [type, nodes]) => {
    const parts = after(nodes, constants);
    expect(layersOf(parts).map((layer) => layer.type)).toEqual(['dense', type]);
    await expectRuntimeOutputs(parts);
  });

  it.each([
    ['½ is 0.4', { half: tensor([], [0.4]) }],
    ['1 is 1.5', { one: tensor([], [1.5]) }],
    ['√2 is 1.4', { root: tensor([], [1.4]) }],
  ])('a gelu whose %s is none, and every node of it is named', (_, changed) => {
    const [, nodes] = spelled['x·(1 + erf(x/√2))·½'] ?? ['', []];
    const message = refusalOf(after(nodes, { ...constants, ...changed }));
    expect(message).toMatch(/^ERR_ONNX_UNSUPPORTED: The ONNX graph has 5 parts/);
    expect(message).toMatch(/Erf 'erf_of_a': is part of a computation that is no activation/);
  });

  it.each([
    [
      'softplus with beta 2',
      [node('Mul', ['h', 'two'], 'a'), node('Softplus', ['a'], 'y')],
      /Mul 'mul_of_h'/,
    ],
    [
      'a scaled output',
      [node('Mul', ['h', 'two'], 'y')],
      /Mul 'mul_of_h': is part of a computation/,
    ],
    ['x²', [node('Mul', ['h', 'h'], 'y')], /Mul 'mul_of_h': multiplies values that form no known/],
    [
      'a constant added behind an activation',
      [node('Tanh', ['h'], 't'), node('Add', ['t', 'one'], 'y')],
      /Add 'add_of_t': adds neither/,
    ],
    [
      'tanh(x)·sigmoid(x)',
      [node('Tanh', ['h'], 't'), node('Sigmoid', ['h'], 's'), node('Mul', ['t', 's'], 'y')],
      /Mul 'mul_of_t': multiplies values/,
    ],
    [
      'a switch at 1',
      [
        node('Softplus', ['h'], 's'),
        node('Greater', ['h', 'one'], 'c'),
        node('Where', ['c', 'h', 's'], 'y'),
      ],
      /Where 'where_of_c': chooses between values/,
    ],
    ['log', [node('Log', ['h'], 'y')], /Log 'log_of_h': no layer of this library computes it/],
  ])('%s is refused', (_, nodes, message) => {
    const refusal = refusalOf(after(nodes, { ...constants, two: tensor([], [2]) }));
    expect(refusal).toMatch(/^ERR_ONNX_UNSUPPORTED/);
    expect(refusal).toMatch(message);
  });
});
