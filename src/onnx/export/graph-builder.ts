// An ONNX graph as it grows: names that differ, tensors, nodes.

import { create } from '@bufbuild/protobuf';

import { allocate, type DType } from '../../data/dtype.js';
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  type AttributeProto,
  type NodeProto,
  type TensorProto,
} from '../onnx_pb.js';

/** One operation, without its name and that of its result. */
export interface NodeParts {
  readonly operator: string;
  /** Names of values and tensors. */
  readonly inputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

/** A list of INTs, or one number of the type that the standard has for the attribute, or a tensor. */
export type AttributeValue =
  | readonly number[]
  | { readonly int: number }
  | { readonly float: number }
  | { readonly tensor: TensorProto };

/** A tensor, and what its raw data will be. */
export interface NamedEntries {
  readonly head: TensorProto;
  readonly values: readonly number[] | Float64Array | Float32Array;
}

/** How each dtype is stored. */
export const dataTypes: Readonly<Record<DType, DataType>> = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
};

export class GraphBuilder {
  readonly nodes: NodeProto[] = [];
  readonly tensors: NamedEntries[] = [];
  readonly #dtype: DType;
  readonly #valueNames = new Set<string>();
  readonly #nodeNames = new Set<string>();
  readonly #scalars = new Map<string, string>();

  constructor(dtype: DType) {
    this.#dtype = dtype;
  }

  /** `wanted`, with a number behind it if a value or tensor is called so already. */
  valueName(wanted: string): string {
    return claim(this.#valueNames, wanted);
  }

  /** Adds a tensor, and gives its name: `wanted`, if that is free.
   *  @param values are read when the model is encoded */
  tensor(wanted: string, shape: readonly number[], values: NamedEntries['values']): string {
    const name = this.valueName(wanted);
    const dims = shape.map(BigInt);
    const head = create(TensorProtoSchema, { name, dataType: dataTypes[this.#dtype], dims });
    this.tensors.push({ head, values });
    return name;
  }

  /** A tensor of one number, the same one each time. */
  scalar(wanted: string, value: number): string {
    const name = this.#scalars.get(wanted) ?? this.tensor(wanted, [], [value]);
    this.#scalars.set(wanted, name);
    return name;
  }

  /** Adds a Constant node of equal entries, and gives the name of its result. */
  constant(wanted: string, shape: readonly number[], entry: number): string {
    const values = allocate(
      this.#dtype,
      shape.reduce((product, size) => product * size, 1),
    ).fill(entry);
    const tensor = create(TensorProtoSchema, {
      dataType: dataTypes[this.#dtype],
      dims: shape.map(BigInt),
      rawData: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    });
    return this.node(
      { operator: 'Constant', inputs: [], attributes: { value: { tensor } } },
      wanted,
    );
  }

  /** Adds a node, and gives the name of what it computes. */
  node({ operator, inputs, attributes = {} }: NodeParts, name: string, output = name): string {
    const value = this.valueName(output);
    this.nodes.push(
      create(NodeProtoSchema, {
        name: claim(this.#nodeNames, name),
        opType: operator,
        input: [...inputs],
        output: [value],
        attribute: Object.entries(attributes).map(([key, given]) => attribute(key, given)),
      }),
    );
    return value;
  }
}

function claim(taken: Set<string>, wanted: string): string {
  let name = wanted;
  for (let count = 1; taken.has(name); count += 1) name = `${wanted}_${count}`;
  taken.add(name);
  return name;
}

function attribute(name: string, value: AttributeValue): AttributeProto {
  if ('float' in value) {
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  }
  if ('int' in value) {
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value.int) });
  }
  if ('tensor' in value) {
    return create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: value.tensor });
  }
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}
