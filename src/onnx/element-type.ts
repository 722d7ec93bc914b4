// ONNX's element types that a perceptron's file can hold: how each is stored, and how exact it is.

import { fromBfloat16, fromFloat16 } from '../data/narrow-floats.js';
import { TensorProto_DataType as DataType, type TensorProto } from './onnx_pb.js';

export interface ElementType {
  readonly name: string;
  readonly kind: 'floating' | 'integer';
  /** Bytes of one element in raw_data and in external files, little-endian. */
  readonly bytes: number;
  /** Half the relative distance of neighbouring floating values; 0 for integers. */
  readonly roundoff: number;
  readonly read: (view: DataView, offset: number) => number;
  /** The elements of a tensor that uses the typed field instead of raw bytes. */
  readonly typed: (proto: TensorProto) => Float64Array;
  /** A number as this type would hold it; absent where a cast to the type is not understood. */
  readonly round?: (value: number) => number;
}

export const float32: ElementType = {
  ...floating('float32', 4, 2 ** -24),
  read: (view, offset) => view.getFloat32(offset, true),
  typed: (proto) => Float64Array.from(proto.floatData),
  round: Math.fround,
};

const float64: ElementType = {
  ...floating('float64', 8, 2 ** -53),
  read: (view, offset) => view.getFloat64(offset, true),
  typed: (proto) => Float64Array.from(proto.doubleData),
  round: (value) => value,
};

const float16: ElementType = {
  ...floating('float16', 2, 2 ** -11),
  read: (view, offset) => fromFloat16(view.getUint16(offset, true)),
  typed: (proto) => Float64Array.from(proto.int32Data, fromFloat16),
};

const bfloat16: ElementType = {
  ...floating('bfloat16', 2, 2 ** -8),
  read: (view, offset) => fromBfloat16(view.getUint16(offset, true)),
  typed: (proto) => Float64Array.from(proto.int32Data, fromBfloat16),
};

export const int64: ElementType = {
  ...integer('int64', 8, (view, offset) => Number(view.getBigInt64(offset, true))),
  typed: (proto) => Float64Array.from(proto.int64Data, Number),
};

const elementTypes: ReadonlyMap<number, ElementType> = new Map<DataType, ElementType>([
  [DataType.FLOAT, float32],
  [DataType.DOUBLE, float64],
  [DataType.FLOAT16, float16],
  [DataType.BFLOAT16, bfloat16],
  [DataType.INT64, int64],
  [DataType.INT32, integer('int32', 4, (view, offset) => view.getInt32(offset, true))],
  [DataType.INT16, integer('int16', 2, (view, offset) => view.getInt16(offset, true))],
  [DataType.INT8, integer('int8', 1, (view, offset) => view.getInt8(offset))],
  [DataType.UINT16, integer('uint16', 2, (view, offset) => view.getUint16(offset, true))],
  [DataType.UINT8, integer('uint8', 1, (view, offset) => view.getUint8(offset))],
  [DataType.BOOL, integer('bool', 1, (view, offset) => view.getUint8(offset))],
]);

/** How a type is stored, undefined for those that no perceptron needs (strings, float8 …). */
export function elementType(dataType: number): ElementType | undefined {
  return elementTypes.get(dataType);
}

/** The name of any type for messages, also of those that {@link elementType} does not know. */
export function elementTypeName(dataType: number): string {
  const known = elementTypes.get(dataType)?.name;
  return known ?? (DataType as Record<number, string>)[dataType] ?? `type ${dataType}`;
}

function floating(name: string, bytes: number, roundoff: number) {
  return { name, kind: 'floating', bytes, roundoff } as const;
}

function integer(name: string, bytes: number, read: ElementType['read']): ElementType {
  const typed = (proto: TensorProto) => Float64Array.from(proto.int32Data);
  return { name, kind: 'integer', bytes, roundoff: 0, read, typed, round: Math.trunc };
}
