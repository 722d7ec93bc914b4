// Whole graphs: several problems at once, functions, contradictions, opsets, and damaged bytes.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EigenscapeError } from '../../src/errors.js';
import { TensorProto_DataType as DataType } from '../../src/onnx/onnx_pb.js';
import { parseOnnx } from '../../src/onnx/parse.js';
import { fixtures, folder } from './fixtures.js';
import { attribute, attributeReference, bytesOf, localFunction } from './model-builder.js';
import { model, modelBytes, node, rawTensor, tensor, type ModelParts } from './model-builder.js';
import { naiveForward } from './naive-forward.js';
import { runtimeOutputs } from './onnx-runtime.js';
import { refusalOf } from './refusal.js';

const square = tensor([2, 2], [1, 2, 3, 4]);
const typed64 = (...values: number[]) =>
  rawTensor(
    DataType.INT64,
    [values.length],
    new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
  );
const simple: ModelParts = {
  nodes: [node('Gemm', ['x', 'w'], 'y', {}, 'fc')],
  tensors: { w: square },
};

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

describe('contradictions are ERR_ONNX_INVALID', () => {
  it.each<[string, ModelParts, RegExp]>([
    [
      'a value that nothing gives',
      { ...simple, nodes: [node('Gemm', ['x', 'nowhere'], 'y', {}, 'fc')] },
      /Gemm 'fc' reads 'nowhere', which no input, tensor or earlier node gives/,
    ],
    [
      'an output that nothing computes',
      { ...simple, outputs: ['nowhere'] },
      /computes its output 'nowhere'/,
    ],
    [
      'a value that is written twice',
      { ...simple, nodes: [node('Relu', ['x'], 'y'), node('Gemm', ['x', 'w'], 'y', {}, 'fc')] },
      /Gemm 'fc' writes 'y', which exists already/,
    ],
    [
      'an attribute of another type',
      { ...simple, nodes: [node('Gemm', ['x', 'w'], 'y', { transB: 'yes' }, 'fc')] },
      /Attribute 'transB' of Gemm 'fc' is of type STRING; INT is expected/,
    ],
  ])('%s', (_, parts, message) => {
    const refusal = refusalOf(parts);
    expect(refusal).toMatch(/^ERR_ONNX_INVALID/);
    expect(refusal).toMatch(message);
  });
});

describe('what the standard does not have, as damage makes it, is refused', () => {
  const gemm = (attributes: Parameters<typeof node>[3], inputs = ['x', 'w']) => ({
    ...simple,
    nodes: [node('Gemm', inputs, 'y', attributes, 'fc')],
  });

  it.each<[string, ModelParts, string]>([
    [
      'an attribute of another name',
      gemm({ alphb: 2 }),
      "Gemm 'fc': has an attribute 'alphb', which the operator does not have in set 17",
    ],
    [
      'an attribute that came later',
      {
        ...simple,
        opset: 9,
        nodes: [node('MaxPool', ['x'], 'y', { kernel_shape: [1, 1], ceil_mode: 1 }, 'p')],
      },
      "MaxPool 'p': has an attribute 'ceil_mode', which the operator does not have in set 9",
    ],
    [
      'no attribute where one is required',
      { ...simple, nodes: [node('Concat', ['x', 'x'], 'y', {}, 'c')] },
      "Concat 'c': has no attribute axis, which is required",
    ],
    [
      'an input too many',
      gemm({}, ['x', 'w', 'w', 'w']),
      "Gemm 'fc': has 4 inputs; 2-3 are expected",
    ],
    [
      'two outputs',
      { ...simple, nodes: [node('Relu', ['x'], ['y', 'z'], {}, 'r')] },
      "Relu 'r': has 2 outputs; 1 are expected",
    ],
    [
      'an operator before its time',
      { ...simple, opset: 17, nodes: [node('Mish', ['x'], 'y', {}, 'm')] },
      "Mish 'm': exists since operator set 18; the file uses 17",
    ],
    [
      'a wrong node that the output does not depend on',
      { ...simple, nodes: [...simple.nodes, node('Relu', ['x'], 'z', { slope: 1 }, 'dead')] },
      "Relu 'dead': has an attribute 'slope'",
    ],
  ])('%s', (_, parts, message) => {
    expect(refusalOf(parts)).toContain(message);
  });

  it('an output of another type than is computed', () => {
    const proto = model({ ...simple, inputType: DataType.DOUBLE });
    const [output] = proto.graph?.output ?? [];
    if (output?.type?.value.case === 'tensorType')
      output.type.value.value.elemType = DataType.FLOAT;
    expect(refusalOf(bytesOf(proto))).toContain("output 'y': holds float32; float64 is computed");
  });

  it('a value in between of another type than is computed, and a shape with −2', () => {
    const nodes = [node('Relu', ['x'], 'r', {}, 'r'), node('Gemm', ['r', 'w'], 'y', {}, 'fc')];
    const proto = model({ ...simple, nodes });
    const info = structuredClone(proto.graph?.output[0]);
    if (info?.type?.value.case !== 'tensorType') throw new Error('no type');
    info.name = 'r';
    info.type.value.value.elemType = DataType.INT8;
    proto.graph?.valueInfo.push(info);
    expect(refusalOf(bytesOf(proto))).toContain("'r': holds int8; float32 is computed");
    const shape = typed64(-2, 2);
    const reshaped = [node('Reshape', ['x', 's'], 'r'), node('Gemm', ['r', 'w'], 'y', {}, 'fc')];
    expect(refusalOf({ nodes: reshaped, tensors: { w: square, s: shape } })).toMatch(
      /makes \[-2, 2\] of \[samples, 2\]/,
    );
  });

  it('two nodes of one name, and a newer file format', () => {
    const twice = [node('Relu', ['x'], 'r', {}, 'a'), node('Gemm', ['r', 'w'], 'y', {}, 'a')];
    expect(refusalOf({ ...simple, nodes: twice })).toMatch(
      /^ERR_ONNX_INVALID: Two nodes of the graph are named 'a'\./,
    );
    expect(refusalOf({ ...simple, ir: 14 })).toMatch(/has IR version 14; 3 to 13 are known/);
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

describe('damaged bytes', () => {
  const read = (name: string) => readFileSync(`${folder}${name}.onnx`);
  const outcome = (bytes: Uint8Array) =>
    refusalOf(bytes, { loss: 'softmaxCrossEntropy' }).split(':')[0] ?? '';

  it.each(['ts-gelu-opset9', 'dy-silu-elu-unoptimized', 'ts-tanh-opset7-ir3'])(
    '%s cut at any byte is refused, or whole in all that counts',
    (name) => {
      const bytes = read(name);
      const whole = parseOnnx(bytes, { loss: 'softmaxCrossEntropy' });
      const survivors: number[] = [];
      for (let length = 0; length < bytes.length; length++) {
        const result = outcome(bytes.subarray(0, length));
        if (result === 'no error') survivors.push(length);
        else expect(result, `cut at ${length}`).toMatch(/^ERR_/);
      }
      // What follows graph and opset in the file is metadata; without it the network is the same.
      for (const length of survivors) {
        const cut = parseOnnx(bytes.subarray(0, length), { loss: 'softmaxCrossEntropy' });
        expect(cut).toEqual(whole);
      }
      expect(survivors.length).toBeLessThan(10);
    },
  );

  it.each<[string, Uint8Array]>([
    ['no bytes', new Uint8Array(0)],
    ['text', new TextEncoder().encode('this is not an ONNX model')],
    ['zeros', new Uint8Array(100)],
    ['a gzip header', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0)],
    ['a Git LFS pointer', new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\n')],
    ['a zip file', new TextEncoder().encode('PK\u0003\u0004')],
  ])('%s: ERR_ONNX_INVALID', (_, bytes) => {
    expect(refusalOf(bytes)).toMatch(
      /^ERR_ONNX_INVALID: The bytes \(\d+\) (are no ONNX model|hold no)/,
    );
  });

  it('a field of another wire type, and one that reaches past the message that holds it', () => {
    const bytes = modelBytes(simple);
    const at = new TextDecoder('latin1').decode(bytes).indexOf('Gemm');
    // The tag and the length of op_type stand before it.
    for (const [place, value] of [
      [at - 2, ((bytes[at - 2] ?? 0) & ~7) | 5],
      [at - 1, 100],
    ] as const) {
      const damaged = bytes.slice();
      damaged[place] = value;
      expect(refusalOf(damaged)).toMatch(/^ERR_ONNX_INVALID: The bytes \(\d+\) are no ONNX model/);
    }
  });

  it('a second name of a node, as an altered tag makes of its last input', () => {
    const nodes = [node('Gemm', ['x', 'w', 'bias'], 'y', {}, 'fc')];
    const bytes = modelBytes({ ...simple, nodes });
    const at = new TextDecoder('latin1').decode(bytes).indexOf('bias');
    bytes[at - 2] = (3 << 3) | 2;
    expect(refusalOf(bytes)).toMatch(/^ERR_ONNX_INVALID: The bytes \(\d+\) are no ONNX model/);
  });

  it('any change of bytes gives a network or an error of this library', () => {
    const whole = fixtures.slice(0, 12).map(({ name }) => read(name));
    const place = fc.record({ file: fc.nat(11), at: fc.nat(), value: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 4 }), ([first, ...rest]) => {
        const bytes = Uint8Array.from(whole[first?.file ?? 0] ?? []);
        for (const { at, value } of [...(first === undefined ? [] : [first]), ...rest]) {
          bytes[at % bytes.length] = value;
        }
        expect(outcome(bytes)).toMatch(/^(ERR_[A-Z_]+|no error)$/);
      }),
      { numRuns: 3000 },
    );
  });
});
