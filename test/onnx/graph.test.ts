// Whole graphs: several problems at once, functions and opsets.

import { describe, expect, it } from 'vitest';
import { EigenscapeError } from '../../src/errors.js';
import { TensorProto_DataType as DataType } from '../../src/onnx/onnx_pb.js';
import { parseOnnx } from '../../src/onnx/parse.js';
import { attribute, attributeReference, bytesOf, localFunction } from './model-builder.js';
import { model, modelBytes, node, tensor, type ModelParts } from './model-builder.js';
import { naiveForward } from './naive-forward.js';
import { runtimeOutputs } from './onnx-runtime.js';
import { refusalOf } from './refusal.js';
import { simple, square } from './small-models.js';

describe('all problems are listed at once', () => {
  const chain: ModelParts = {
    nodes: [
      node('Gemm', ['x', 'a'], 'h1', {}, 'fc1'),
      node('Selu', ['h1'], 'h2', {}, 'act1'),
      node('Gemm', ['h2', 'b'], 'h3', { transA: 1 }, 'fc2'),
      node('PRelu', ['h3', 'slope'], 'h4', {}, 'act2'),
      node('Gelu', ['h4'], 'h5', { approximate: 'tanh' }, 'act3'),
      node('com.microsoft:FusedGemm', ['h5', 'c'], 'y', {}, 'fc3'),
    ],
    tensors: { a: square, b: square, c: square, slope: tensor([1], [0.1]) },
    opset: 20,
  };

  it('each with its operator, its name and the reason', () => {
    const message = refusalOf(chain);
    expect(message).toMatch(
      /^ERR_ONNX_UNSUPPORTED: The ONNX graph has 4 parts that eigenscape cannot/,
    );
    for (const part of [
      "Selu 'act1': no layer of this library computes it",
      "Gemm 'fc2': transA = 1",
      "PRelu 'act2': no layer",
      "com.microsoft:FusedGemm 'fc3': no layer",
    ]) {
      expect(message).toContain(part);
    }
    expect(message).toMatch(
      /Supported are networks .* of these operators .*: Conv, Gemm, MatMul, BatchNormalization, /,
    );
  });

  it('also in details, as data', () => {
    try {
      parseOnnx(modelBytes(chain), { loss: 'meanSquaredError' });
      expect.unreachable();
    } catch (error) {
      const details = error instanceof EigenscapeError ? error.details : {};
      expect(details.unsupported).toMatchObject([
        { operator: 'Selu', name: 'act1' },
        { operator: 'Gemm', name: 'fc2' },
        { operator: 'PRelu', name: 'act2' },
        { operator: 'com.microsoft:FusedGemm', name: 'fc3' },
      ]);
    }
  });

  it('two of the same kind are two, with what follows a pointwise one', () => {
    const twice: ModelParts = {
      nodes: [
        node('Gelu', ['x'], 'h1', { approximate: 'tanh' }, 'act1'),
        node('Gemm', ['h1', 'w'], 'h2', {}, 'fc'),
        node('Gelu', ['h2'], 'h3', { approximate: 'tanh' }, 'act2'),
        node('Softmax', ['h3'], 'y', {}, 'end'),
      ],
      tensors: { w: square },
      opset: 20,
    };
    const message = refusalOf(twice);
    for (const name of ['act1', 'act2', 'end']) expect(message).toContain(`'${name}'`);
  });

  it('a node without a name is called by what it writes', () => {
    const parts = { ...simple, nodes: [node('Selu', ['x'], 'y', {}, '')] };
    expect(refusalOf(parts)).toContain("Selu 'y': no layer of this library computes it");
  });

  it('a convolution and a pool are named', () => {
    const parts: ModelParts = {
      nodes: [
        node('ConvTranspose', ['x', 'k'], 'h', {}, '/conv1/Conv'),
        node('LpPool', ['h'], 'p', {}, '/pool/LpPool'),
        node('Flatten', ['p'], 'f'),
        node('Gemm', ['f', 'w'], 'y'),
      ],
      inputs: { x: ['N', 1, 4, 4] },
      tensors: { k: tensor([1, 1, 1, 1], [1]), w: square },
    };
    expect(refusalOf(parts)).toMatch(
      /2 parts.*ConvTranspose '\/conv1\/Conv': .*LpPool '\/pool\/LpPool': /,
    );
  });
});

describe('inputs and outputs', () => {
  it('two inputs are refused with their names', () => {
    const parts = { ...simple, inputs: { x: ['N', 2], z: ['N', 2] } };
    expect(refusalOf(parts)).toMatch(
      /^ERR_ONNX_UNSUPPORTED: .*input 'x', 'z': the graph has 2 inputs; exactly one is supported/,
    );
  });

  it('two outputs are refused with their names', () => {
    const nodes = [...simple.nodes, node('Relu', ['y'], 'z')];
    expect(refusalOf({ ...simple, nodes, outputs: ['y', 'z'] })).toMatch(
      /output 'y', 'z': the graph has 2 outputs; exactly one is supported/,
    );
  });

  it('no input and a constant output are refused', () => {
    const parts = { nodes: [node('Identity', ['w'], 'y')], tensors: { w: square }, inputs: {} };
    expect(refusalOf(parts)).toMatch(
      /the graph has 0 inputs.*does not depend on the network's input/,
    );
  });

  it.each([
    [DataType.INT64, 'int64'],
    [DataType.UINT8, 'uint8'],
    [DataType.STRING, 'STRING'],
    [DataType.UNDEFINED, 'UNDEFINED'],
  ])('an input of element type %i is refused', (inputType, name) => {
    expect(refusalOf({ ...simple, inputType })).toContain(
      `input 'x': holds ${name}; float32 or float64 is expected`,
    );
  });

  it.each([DataType.FLOAT, DataType.DOUBLE, DataType.FLOAT16, DataType.BFLOAT16])(
    'an input of floating type %i is taken',
    (inputType) => {
      expect(refusalOf({ ...simple, inputType })).toBe('no error');
    },
  );
});

describe('model-local functions', () => {
  const linear = localFunction({
    name: 'Linear',
    domain: 'pkg.torch',
    inputs: ['input', 'weight', 'bias'],
    outputs: ['result'],
    attributes: ['scale'],
    nodes: [
      {
        ...node('Gemm', ['input', 'weight', 'bias'], 'product', { transB: 1 }),
        attribute: [attribute('transB', 1), attributeReference('alpha', 'scale')],
      },
      node('Identity', ['product'], 'result'),
    ],
  });
  const block = localFunction({
    name: 'Block',
    domain: 'pkg.torch',
    inputs: ['input', 'weight', 'bias'],
    outputs: ['result'],
    nodes: [
      node('pkg.torch:Linear', ['input', 'weight', 'bias'], 'product', {}, 'inner'),
      node('LeakyRelu', ['product'], 'result'),
    ],
    defaults: [],
  });
  const weights = {
    'fc1.weight': tensor([2, 2], [1, -2, 3, 4]),
    'fc1.bias': tensor([2], [1, 2]),
    'fc2.weight': tensor([2, 2], [1, 2, -3, 4]),
    'fc2.bias': tensor([2], [3, 4]),
  };
  const called: ModelParts = {
    nodes: [
      node('pkg.torch:Block', ['x', 'fc1.weight', 'fc1.bias'], 'h', {}, 'fc1'),
      {
        ...node('pkg.torch:Linear', ['h', 'fc2.weight', 'fc2.bias'], 'y', {}, 'fc2'),
        attribute: [{ ...attribute('alpha', 2), name: 'scale' }],
      },
    ],
    tensors: weights,
    functions: [linear, block],
  };

  it('are written out, with their attributes, also when one calls another', async () => {
    const parsed = parseOnnx(modelBytes(called), { loss: 'meanSquaredError' });
    expect(parsed.spec.layers).toEqual([
      { type: 'dense', units: 2, name: 'fc1' },
      { type: 'leakyRelu' },
      { type: 'dense', units: 2, name: 'fc2' },
    ]);
    const outputs = await runtimeOutputs(modelBytes(called), [0.5, 1], [1, 2]);
    naiveForward(parsed, [0.5, 1]).forEach((output, index) => {
      expect(outputs[index]).toBeCloseTo(output, 5);
    });
  });

  it('a node inside that is not supported is named with its caller', () => {
    const bad = { ...block, node: [node('Selu', ['input'], 'result', {}, 'act')] };
    expect(refusalOf({ ...called, functions: [linear, bad] })).toContain("Selu 'fc1/act'");
  });

  it('that call themselves, or multiply without end, are refused', () => {
    const recursive = localFunction({
      name: 'Loop',
      domain: 'pkg.torch',
      inputs: ['a'],
      outputs: ['b'],
      nodes: [node('pkg.torch:Loop', ['a'], 'b')],
    });
    const twins = Array.from({ length: 31 }, (_, level) =>
      localFunction({
        name: `Level${level}`,
        domain: 'pkg.torch',
        inputs: ['a'],
        outputs: ['b'],
        nodes: [
          node(`pkg.torch:Level${level + 1}`, ['a'], 'c'),
          node(`pkg.torch:Level${level + 1}`, ['c'], 'b'),
        ],
      }),
    );
    for (const [operator, functions] of [
      ['Loop', [recursive]],
      ['Level0', twins],
    ] as const) {
      const nodes = [node(`pkg.torch:${operator}`, ['x'], 'y')];
      expect(refusalOf({ nodes, functions })).toMatch(
        /^ERR_ONNX_INVALID: The model's function '\w+' expands to over 100000 nodes or calls/,
      );
    }
  });
});

describe('operator sets', () => {
  it.each([7, 13, 22, 26])('opset %i is read', (opset) => {
    expect(refusalOf({ ...simple, opset })).toBe('no error');
  });

  it.each([6, 29])('opset %i is refused', (opset) => {
    expect(refusalOf({ ...simple, opset })).toMatch(
      `ERR_ONNX_UNSUPPORTED: The ONNX graph has a part that eigenscape cannot take over: graph 'graph': uses version ${opset} of ONNX's operator sets; 7 to 26 are known`,
    );
  });

  it("the domain 'ai.onnx' is ONNX's own", () => {
    const proto = model({ ...simple, nodes: [node('ai.onnx:Gemm', ['x', 'w'], 'y')] });
    for (const entry of proto.opsetImport) entry.domain = 'ai.onnx';
    expect(refusalOf(bytesOf(proto))).toBe('no error');
  });
});
