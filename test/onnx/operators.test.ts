// What each operator becomes, against ONNX Runtime; and the forms that are refused by name.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TensorProto_DataType as DataType } from '../../src/onnx/onnx_pb.js';
import { parseOnnx } from '../../src/onnx/parse.js';
import {
  int64Tensor,
  modelBytes,
  node,
  rawTensor,
  tensor,
  type ModelParts,
} from './model-builder.js';
import { naiveForward } from './naive-forward.js';
import { runtimeOutputs } from './onnx-runtime.js';
import { refusalOf } from './refusal.js';

const parse = (parts: ModelParts) => parseOnnx(modelBytes(parts), { loss: 'meanSquaredError' });
const weight = tensor([2, 3], [1, -1, 0.5, 0.25, 2, -3]);
const sample = [0.75, -0.5];
/** x·w under what follows, whose last output is y. */
const after = (nodes: ModelParts['nodes'], tensors: ModelParts['tensors'] = {}): ModelParts => ({
  nodes: [node('MatMul', ['x', 'w'], 'h'), ...nodes],
  tensors: { w: weight, ...tensors },
});
const layersOf = (parts: ModelParts) =>
  parse(parts).spec.layers.map(({ name: _, ...rest }) => rest);

async function expectRuntimeOutputs(parts: ModelParts, input = sample, shape = [1, 2]) {
  const outputs = await runtimeOutputs(modelBytes(parts), input, shape);
  naiveForward(parse(parts), input).forEach((output, index) => {
    expect(outputs[index]).toBeCloseTo(output, 5);
  });
}

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

describe('dense layers', () => {
  const bias = tensor([3], [1, 2, 3]);

  it.each([
    ['after', ['m', 'b']],
    ['before', ['b', 'm']],
  ])('MatMul + Add with the bias %s', async (_, operands) => {
    const nodes = [node('MatMul', ['x', 'w'], 'm'), node('Add', operands, 'y')];
    const parts = { nodes, tensors: { w: weight, b: bias } };
    expect(layersOf(parts)).toEqual([{ type: 'dense', units: 3 }]);
    expect([...parse(parts).parameters]).toEqual([1, 0.25, -1, 2, 0.5, -3, 1, 2, 3]);
    await expectRuntimeOutputs(parts);
  });

  it('a Gemm without C takes its bias from an Add', async () => {
    const nodes = [node('Gemm', ['x', 'w'], 'm'), node('Add', ['m', 'b'], 'y')];
    const parts = { nodes, tensors: { w: weight, b: tensor([1, 3], [1, 2, 3]) } };
    expect(layersOf(parts)).toEqual([{ type: 'dense', units: 3 }]);
    expect(parse(parts).notes).toEqual([]);
    await expectRuntimeOutputs(parts);
  });

  it('MatMul without Add has no bias', async () => {
    const parts = { nodes: [node('MatMul', ['x', 'w'], 'y')], tensors: { w: weight } };
    expect(layersOf(parts)).toEqual([{ type: 'dense', units: 3, bias: false }]);
    await expectRuntimeOutputs(parts);
  });

  it('MatMul with a vector is one unit', async () => {
    const nodes = [node('MatMul', ['x', 'v'], 'm'), node('Add', ['m', 'b'], 'y')];
    const parts = { nodes, tensors: { v: tensor([2], [3, 4]), b: tensor([], [5]) } };
    expect(layersOf(parts)).toEqual([{ type: 'dense', units: 1 }]);
    await expectRuntimeOutputs(parts);
  });

  it('weights may pass Transpose, Identity, Cast, Reshape and Unsqueeze', async () => {
    const parts: ModelParts = {
      nodes: [
        node('Transpose', ['w'], 'wt', { perm: [1, 0] }),
        node('Identity', ['wt'], 'wi'),
        node('Cast', ['wi'], 'wc', { to: 1 }),
        node('Reshape', ['wc', 'shape'], 'wr'),
        node('Unsqueeze', ['b', 'axes'], 'bu'),
        node('Gemm', ['x', 'wr', 'bu'], 'y'),
      ],
      tensors: {
        w: tensor([3, 2], [1, 2, 3, 4, 5, 6]),
        shape: int64Tensor([2], [0, -1]),
        b: bias,
        axes: int64Tensor([1], [0]),
      },
    };
    expect([...parse(parts).parameters]).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3]);
    await expectRuntimeOutputs(parts);
  });

  it('weights of any size and layout give ONNX’s outputs', () => {
    const size = fc.integer({ min: 1, max: 5 });
    const entries = fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 36, maxLength: 36 });
    fc.assert(
      fc.property(size, size, entries, fc.boolean(), fc.boolean(), (d, h, v, transB, hasC) => {
        const B = tensor(transB ? [h, d] : [d, h], v.slice(0, d * h));
        const C = tensor([h], v.slice(25, 25 + h));
        const nodes = [
          node('Gemm', hasC ? ['x', 'B', 'C'] : ['x', 'B'], 'y', { transB: Number(transB) }),
        ];
        const x = v.slice(30, 30 + d);
        const inputs = { x: ['N', d] };
        const outputs = naiveForward(parse({ nodes, inputs, tensors: { B, C } }), x);
        const entry = (i: number, j: number) => v[transB ? j * d + i : i * h + j] ?? NaN;
        const expected = Array.from({ length: h }, (_, j) =>
          x.reduce((sum, value, i) => sum + value * entry(i, j), hasC ? (v[25 + j] ?? NaN) : 0),
        );
        expect(outputs).toEqual(expected);
      }),
    );
  });

  it.each<[string, ModelParts, RegExp]>([
    [
      'a parameter that two layers read',
      {
        nodes: [node('Gemm', ['x', 's'], 'h', {}, 'one'), node('Gemm', ['h', 's'], 'y', {}, 'two')],
        tensors: { s: tensor([2, 2], [1, 2, 3, 4]) },
      },
      /^ERR_ONNX_UNSUPPORTED: .*tensor 's': is shared by Gemm 'one' and Gemm 'two'; shared weights are not supported/,
    ],
    [
      'a parameter that a second layer reads transposed',
      {
        nodes: [
          node('MatMul', ['x', 's'], 'h', {}, 'one'),
          node('Transpose', ['s'], 't'),
          node('MatMul', ['h', 't'], 'y', {}, 'two'),
        ],
        tensors: { s: tensor([2, 2], [1, 2, 3, 4]) },
      },
      /'s': is shared by MatMul 'one' and MatMul 'two'/,
    ],
    [
      'MatMul of [samples, T, d]',
      {
        nodes: [node('MatMul', ['x', 'w'], 'y', {}, 'fc')],
        inputs: { x: ['N', 5, 2] },
        tensors: { w: weight },
      },
      /^ERR_ONNX_UNSUPPORTED: .*MatMul 'fc': reads a tensor of shape \[samples, 5, 2\]; only \[samples, features\]/,
    ],
    [
      'weights computed from the input',
      { nodes: [node('MatMul', ['x', 'x'], 'y', {}, 'fc')] },
      /MatMul 'fc': its second input B must be a constant, but is computed from the network's input/,
    ],
    [
      'a constant times the input',
      { nodes: [node('MatMul', ['w', 'x'], 'y', {}, 'fc')], tensors: { w: weight } },
      /MatMul 'fc': its first input A must be computed from the network's input, but is a constant/,
    ],
    [
      'weights of integers',
      {
        nodes: [node('MatMul', ['x', 'w'], 'y', {}, 'fc')],
        tensors: { w: int64Tensor([2, 1], [1, 2]) },
      },
      /MatMul 'fc': its second input B 'w' holds int64; float32 or float64 is expected/,
    ],
    [
      'a third dimension of the weights',
      {
        nodes: [node('MatMul', ['x', 'w'], 'y', {}, 'fc')],
        tensors: { w: tensor([1, 2, 1], [1, 2]) },
      },
      /its second input B 'w' has shape \[1, 2, 1\]; a matrix is expected/,
    ],
    [
      'no weights at all',
      { nodes: [node('Relu', ['x'], 'y', {}, 'act')] },
      /^ERR_ONNX_UNSUPPORTED: .*Relu 'act': depends on no weights/,
    ],
    [
      'weights that do not fit',
      {
        nodes: [node('MatMul', ['x', 'w'], 'y', {}, 'fc')],
        tensors: { w: tensor([3, 1], [1, 2, 3]) },
      },
      /^ERR_ONNX_INVALID: MatMul 'fc' reads 2 features, but its weight 'w' takes 3/,
    ],
    [
      'weights without entries',
      { nodes: [node('MatMul', ['x', 'w'], 'y', {}, 'fc')], tensors: { w: tensor([2, 0], []) } },
      /^ERR_ONNX_INVALID: .*'w' of shape \[2, 0\] has no entries/,
    ],
  ])('%s is refused', (_, parts, message) => {
    expect(refusalOf(parts)).toMatch(message);
  });

  it.each([NaN, Infinity, -Infinity])('a weight of %s is refused with its place', (value) => {
    const parts = after([], {});
    const broken = {
      ...parts,
      outputs: ['h'],
      tensors: { w: tensor([2, 3], [1, 2, 3, 4, value, 6]) },
    };
    expect(refusalOf(broken)).toMatch(
      new RegExp(`^ERR_DATA: Tensor 'w' holds ${value} at entry 3 of \\[units, inputs\\]`),
    );
  });
});

describe('what passes values on', () => {
  const no = tensor([], [0]);

  it('Identity, Dropout at inference and casts between floats are dropped', async () => {
    const parts = after([
      node('Identity', ['h'], 'i'),
      node('Dropout', ['i'], ['d', 'mask']),
      node('Cast', ['d'], 'c', { to: 1 }),
      node('Tanh', ['c'], 'y'),
    ]);
    expect(layersOf(parts).map(({ type }) => type)).toEqual(['dense', 'tanh']);
    await expectRuntimeOutputs(parts);
  });

  it('Dropout in training mode is refused', () => {
    const parts = after([node('Dropout', ['h', 'ratio', 'yes'], 'y', {}, 'drop')], {
      ratio: tensor([], [0.5]),
      yes: int64Tensor([], [1]),
    });
    expect(refusalOf(parts)).toMatch(
      /Dropout 'drop': is in training mode, so its outputs are random/,
    );
  });

  it.each([0, 1])('Dropout with a ratio and training_mode %i of type bool', async (mode) => {
    const parts = after([node('Dropout', ['h', 'ratio', 'mode'], 'y', {}, 'drop')], {
      ratio: tensor([], [0.5]),
      mode: rawTensor(DataType.BOOL, [], Uint8Array.of(mode)),
    });
    if (mode === 0) return expectRuntimeOutputs(parts);
    expect(refusalOf(parts)).toMatch(/Dropout 'drop': is in training mode/);
  });

  it('Dropout whose mask is used is refused', () => {
    const parts = after([node('Dropout', ['h'], ['d', 'y'], {}, 'drop')]);
    expect(refusalOf(parts)).toMatch(/Dropout 'drop': its second output is used/);
  });

  it('a cast of features to integers is refused', () => {
    const parts = after([node('Cast', ['h'], 'y', { to: 7 }, 'cast')]);
    expect(refusalOf(parts)).toMatch(/Cast 'cast': casts features to int64, which rounds them/);
  });

  it('nodes that do not reach the output are left out with a note', () => {
    const parts = after([node('Selu', ['h'], 'm', {}, 'stray'), node('Tanh', ['h'], 'y')], { no });
    expect(parse(parts).notes).toEqual([
      "Not used by the output, so no parameter: 'no'.",
      "Left out, as the output does not depend on it: 'stray'.",
    ]);
  });
});
