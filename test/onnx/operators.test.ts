// What dense layers and nodes that pass values on become, against ONNX Runtime; and the forms that are refused by name.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { TensorProto_DataType as DataType } from '../../src/onnx/onnx_pb.js';
import { parse, weight, after, layersOf, expectRuntimeOutputs } from './after-product.js';
import { int64Tensor, node, rawTensor, tensor, type ModelParts } from './model-builder.js';
import { naiveForward } from './naive-forward.js';
import { refusalOf } from './refusal.js';

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
