// Models that contradict themselves or the standard.

import { describe, expect, it } from 'vitest';
import { TensorProto_DataType as DataType } from '../../src/onnx/onnx_pb.js';
import { bytesOf } from './model-builder.js';
import { model, node, type ModelParts } from './model-builder.js';
import { refusalOf } from './refusal.js';
import { simple, square, typed64 } from './small-models.js';

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
