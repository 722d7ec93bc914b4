// What ONNX Runtime refuses though the outputs would be the same: axes that a folded shape does not have,
// declared types and sizes that are not the computed ones, settings that nothing reads.

import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { ModelProtoSchema, TensorProto_DataType as DataType } from '../../src/onnx/onnx_pb.js';
import type { GraphProto, TypeProto_Tensor } from '../../src/onnx/onnx_pb.js';
import { folder } from './fixtures.js';
import {
  bytesOf,
  int64Tensor,
  modelBytes,
  node,
  tensor,
  type ModelParts,
} from './model-builder.js';
import { runtimeSession } from './onnx-runtime.js';
import { refusalOf } from './refusal.js';

async function expectBothRefuse(bytes: Uint8Array, message: RegExp) {
  expect(refusalOf(bytes)).toMatch(message);
  await expect(runtimeSession(bytes)).rejects.toThrow();
}

describe('a shape that the graph computes', () => {
  const tensors: ModelParts['tensors'] = {
    w: tensor([6, 2], [1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6]),
    number: int64Tensor([], [0]),
    zero: int64Tensor([1], [0]),
    one: int64Tensor([1], [1]),
    rest: int64Tensor([1], [-1]),
    twice: int64Tensor([2], [0, 0]),
  };
  const samples = [node('Shape', ['x'], 's'), node('Gather', ['s', 'number'], 'n')];
  const vector = [...samples, node('Unsqueeze', ['n', 'zero'], 'u')];
  const joined = node('Concat', ['u', 'rest'], 'c', { axis: 0 });
  const after = (...nodes: ModelParts['nodes']): ModelParts => ({
    nodes: [...nodes, node('Reshape', ['x', 'c'], 'f'), node('MatMul', ['f', 'w'], 'y')],
    inputs: { x: ['N', 1, 2, 3] },
    tensors,
  });
  const gathered = (axis: number) =>
    after(
      node('Shape', ['x'], 's'),
      node('Gather', ['s', 'number'], 'n', { axis }, 'pick'),
      node('Unsqueeze', ['n', 'zero'], 'u'),
      joined,
    );

  it.each([0, -1])('may name the axis %i', async (axis) => {
    const parts = [gathered(axis), after(...vector, node('Concat', ['u', 'rest'], 'c', { axis }))];
    for (const each of parts) {
      expect(refusalOf(each)).toBe('no error');
      await runtimeSession(modelBytes(each));
    }
  });

  it.each<[string, ModelParts, RegExp]>([
    ['Gather along axis 1', gathered(1), /Gather 'pick' has axis 1 for a value of 1 axes; diff/],
    ['Gather along axis −2', gathered(-2), /Gather 'pick' has axis -2 for a value of 1 axes/],
    [
      'Concat along axis 2',
      after(...vector, node('Concat', ['u', 'rest'], 'c', { axis: 2 }, 'join')),
      /Concat 'join' has axis 2 for a value of 1 axes/,
    ],
    [
      'Concat of a single number',
      after(...samples, node('Concat', ['n', 'rest'], 'c', { axis: 0 }, 'join')),
      /Concat 'join' joins a single number, which has no axis/,
    ],
    [
      'Unsqueeze with axis 1 of a single number',
      after(...samples, node('Unsqueeze', ['n', 'one'], 'u', {}, 'add'), joined),
      /Unsqueeze 'add' has axis 1 for a value of 1 axes/,
    ],
    [
      'Squeeze of axis 1',
      after(
        ...vector,
        node('Squeeze', ['u', 'one'], 'q', {}, 'drop'),
        node('Unsqueeze', ['q', 'zero'], 'v'),
        node('Concat', ['v', 'rest'], 'c', { axis: 0 }),
      ),
      /Squeeze 'drop' has axis 1 for a value of 1 axes/,
    ],
    [
      'Slice that names an axis twice',
      after(
        node('Shape', ['x'], 's'),
        node('Slice', ['s', 'twice', 'twice', 'twice'], 'c', {}, 'cut'),
      ),
      /Slice 'cut' has axis 0, 0 for a value of 1 axes/,
    ],
  ])('%s is refused', async (_, parts, message) => {
    await expectBothRefuse(modelBytes(parts), message);
    expect(refusalOf(parts)).toMatch(/^ERR_ONNX_INVALID/);
  });

  it('Reshape to a single number is refused', () => {
    const parts = after(node('Identity', ['number'], 'c'));
    expect(refusalOf(parts)).toMatch(/Reshape '.*' has a single number as shape; a vector is expe/);
  });
});

describe('what a file declares', () => {
  const altered = (name: string, alter: (graph: GraphProto) => void) => {
    const proto = fromBinary(ModelProtoSchema, readFileSync(`${folder}${name}.onnx`));
    if (proto.graph === undefined) throw new Error('no graph');
    alter(proto.graph);
    return bytesOf(proto);
  };
  const typeOf = (graph: GraphProto, name: string): TypeProto_Tensor => {
    const infos = [...graph.input, ...graph.valueInfo];
    const type = infos.find((info) => info.name === name)?.type?.value;
    if (type?.case !== 'tensorType') throw new Error(`no type of ${name}`);
    return type.value;
  };

  it.each(['abs_1', 'add_6'])('the step %s of an activation as bool', async (name) => {
    const bytes = altered('dy-softsign', (graph) => {
      typeOf(graph, name).elemType = DataType.BOOL;
    });
    await expectBothRefuse(bytes, new RegExp(`'${name}': holds bool; float32 is computed`));
  });

  it.each([
    [DataType.BOOL, 'no error'],
    [DataType.FLOAT, "'c': holds float32; bool is computed"],
  ])('a comparison as type %i', async (elemType, message) => {
    const parts: ModelParts = {
      nodes: [
        node('Greater', ['x', 'zero'], 'c'),
        node('Where', ['c', 'x', 'zero'], 'r'),
        node('Gemm', ['r', 'w'], 'y'),
      ],
      tensors: { zero: tensor([], [0]), w: tensor([2, 2], [1, 2, 3, 4]) },
    };
    const proto = fromBinary(ModelProtoSchema, modelBytes(parts));
    const info = structuredClone(proto.graph?.output[0]);
    if (info?.type?.value.case !== 'tensorType') throw new Error('no type');
    info.name = 'c';
    info.type.value.value.elemType = elemType;
    proto.graph?.valueInfo.push(info);
    expect(refusalOf(bytesOf(proto))).toContain(message);
    const session = runtimeSession(bytesOf(proto));
    await (message === 'no error' ? session : expect(session).rejects.toThrow());
  });

  it('other sizes of what is concatenated than are computed', async () => {
    const bytes = altered('dy-concat', (graph) => {
      const height = typeOf(graph, 'x').shape?.dim[2];
      if (height !== undefined) height.value = { case: 'dimValue', value: 4n };
    });
    await expectBothRefuse(
      bytes,
      /Concat 'node_cat': reads 'tanh', declared as \[samples, 2, 5, 5\]; \[samples, 2, 4, 5\] is computed/,
    );
  });
});

describe('what nothing reads', () => {
  it('storage_order 2', async () => {
    const parts: ModelParts = {
      nodes: [
        node('MaxPool', ['x'], 'p', { kernel_shape: [2, 2], storage_order: 2 }, 'pool'),
        node('Flatten', ['p'], 'f'),
        node('Gemm', ['f', 'w'], 'y'),
      ],
      inputs: { x: ['N', 1, 2, 2] },
      tensors: { w: tensor([1, 1], [2]) },
    };
    await expectBothRefuse(
      modelBytes(parts),
      /^ERR_ONNX_INVALID: MaxPool 'pool' has storage_order 2; 0 or 1 is expected/,
    );
  });

  it.each([[['y', 'm2']], [['y', 'm2', 'v2']]])(
    'outputs %j of BatchNormalization',
    async (outputs) => {
      const one = tensor([2], [1, 1]);
      const parts: ModelParts = {
        nodes: [node('BatchNormalization', ['x', 's', 'b', 'm', 'v'], outputs, {}, 'bn')],
        tensors: { s: one, b: one, m: one, v: one },
      };
      await expectBothRefuse(
        modelBytes(parts),
        /^ERR_ONNX_INVALID: BatchNormalization 'bn' has . outputs; outside training it has one/,
      );
    },
  );
});
