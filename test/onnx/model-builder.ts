// ONNX models from a few lines, for tests: nodes, tensors and the input as a test writes them down.

import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  FunctionProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type FunctionProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../../src/onnx/onnx_pb.js';

type AttributeValue = number | string | readonly number[] | TensorProto;

const floatAttributes = new Set([
  'alpha',
  'beta',
  'value_float',
  'ratio',
  'epsilon',
  'momentum',
  'min',
  'max',
]);

/** One node; numbers become FLOAT or INT as the standard has it for their name. */
export function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[] | string,
  attributes: Readonly<Record<string, AttributeValue>> = {},
  name = `${operator.toLowerCase()}_of_${inputs[0] ?? String(outputs)}`,
): NodeProto {
  const [opType = '', domain = ''] = operator.split(':').reverse();
  return create(NodeProtoSchema, {
    opType,
    domain,
    name,
    input: [...inputs],
    output: typeof outputs === 'string' ? [outputs] : [...outputs],
    attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
  });
}

/** An attribute inside a function that takes the value of the function's own. */
export function attributeReference(name: string, refAttrName: string): AttributeProto {
  return create(AttributeProtoSchema, { name, refAttrName, type: AttributeType.FLOAT });
}

export function attribute(name: string, value: AttributeValue): AttributeProto {
  const field = () => {
    if (typeof value === 'string') {
      return { type: AttributeType.STRING, s: new TextEncoder().encode(value) };
    }
    if (typeof value === 'number') {
      return floatAttributes.has(name)
        ? { type: AttributeType.FLOAT, f: value }
        : { type: AttributeType.INT, i: BigInt(value) };
    }
    if ('$typeName' in value) return { type: AttributeType.TENSOR, t: value };
    return name === 'value_floats'
      ? { type: AttributeType.FLOATS, floats: [...value] }
      : { type: AttributeType.INTS, ints: value.map(BigInt) };
  };
  return create(AttributeProtoSchema, { name, ...field() });
}

/** A float32 tensor in raw bytes, as exporters write it. */
export function tensor(dims: readonly number[], values: readonly number[]): TensorProto {
  const bytes = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, index) => {
    bytes.setFloat32(4 * index, value, true);
  });
  return rawTensor(DataType.FLOAT, dims, new Uint8Array(bytes.buffer));
}

export function rawTensor(dataType: DataType, dims: readonly number[], rawData: Uint8Array) {
  return create(TensorProtoSchema, { dataType, dims: dims.map(BigInt), rawData });
}

export function int64Tensor(dims: readonly number[], values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    dataType: DataType.INT64,
    dims: dims.map(BigInt),
    int64Data: values.map(BigInt),
  });
}

type Shape = readonly (number | string)[];

export interface ModelParts {
  readonly nodes: readonly NodeProto[];
  readonly inputs?: Readonly<Record<string, Shape>>;
  readonly outputs?: readonly string[];
  /** Initializers by name. */
  readonly tensors?: Readonly<Record<string, TensorProto>>;
  readonly functions?: readonly FunctionProto[];
  readonly opset?: number;
  readonly ir?: number;
  readonly inputType?: DataType;
}

/** By default x [N, 2] → y, at opset 17 and IR version 8. */
export function model(parts: ModelParts): ModelProto {
  const { nodes, inputs = { x: ['N', 2] }, outputs = ['y'], tensors = {}, opset = 17 } = parts;
  const domains = new Set([...(parts.functions ?? []), ...nodes].map(({ domain }) => domain));
  domains.delete('');
  return create(ModelProtoSchema, {
    irVersion: BigInt(parts.ir ?? 8),
    producerName: 'eigenscape tests',
    opsetImport: [
      { domain: '', version: BigInt(opset) },
      ...[...domains].map((domain) => ({ domain, version: 1n })),
    ],
    functions: [...(parts.functions ?? [])],
    graph: {
      name: 'graph',
      node: [...nodes],
      input: Object.entries(inputs).map(([name, shape]) => info(name, shape, parts.inputType)),
      output: outputs.map((name) => info(name, undefined, outputType(parts.inputType))),
      initializer: Object.entries(tensors).map(([name, proto]) => ({ ...proto, name })),
    },
  });
}

export function modelBytes(parts: ModelParts): Uint8Array {
  return bytesOf(model(parts));
}

export function bytesOf(proto: ModelProto): Uint8Array {
  return toBinary(ModelProtoSchema, proto);
}

export function localFunction(parts: {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeProto[];
  readonly attributes?: readonly string[];
  readonly defaults?: readonly AttributeProto[];
}): FunctionProto {
  return create(FunctionProtoSchema, {
    name: parts.name,
    domain: parts.domain,
    input: [...parts.inputs],
    output: [...parts.outputs],
    node: [...parts.nodes],
    attribute: [...(parts.attributes ?? [])],
    attributeProto: [...(parts.defaults ?? [])],
    opsetImport: [
      { domain: '', version: 17n },
      { domain: parts.domain, version: 1n },
    ],
  });
}

/** What a network computes of an input of this type, where it takes one. */
function outputType(inputType: DataType | undefined): DataType | undefined {
  const floating = [DataType.DOUBLE, DataType.FLOAT16, DataType.BFLOAT16];
  return floating.find((type) => type === inputType);
}

function info(name: string, shape: Shape | undefined, elemType = DataType.FLOAT): ValueInfoProto {
  const dim = shape?.map((size) =>
    typeof size === 'number'
      ? ({ value: { case: 'dimValue', value: BigInt(size) } } as const)
      : ({ value: { case: 'dimParam', value: size } } as const),
  );
  const tensorType = { elemType, ...(dim === undefined ? {} : { shape: { dim } }) };
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: tensorType } },
  });
}
