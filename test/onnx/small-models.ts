// The smallest whole model, of which tests change one thing.

import { TensorProto_DataType as DataType } from '../../src/onnx/onnx_pb.js';
import { node, rawTensor, tensor, type ModelParts } from './model-builder.js';

export const square = tensor([2, 2], [1, 2, 3, 4]);
export const simple: ModelParts = {
  nodes: [node('Gemm', ['x', 'w'], 'y', {}, 'fc')],
  tensors: { w: square },
};

export const typed64 = (...values: number[]) =>
  rawTensor(
    DataType.INT64,
    [values.length],
    new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
  );
