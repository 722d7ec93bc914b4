// TensorProto → numbers: from raw bytes, typed fields or an external file, widened to float64.

import { elementType, elementTypeName, type ElementType } from './element-type.js';
import { externalBytes, isExternal, type ExternalDataReader } from './external-data.js';
import { invalid, Refusal } from './failures.js';
import type { TensorProto } from './onnx_pb.js';

/** Values in row-major order; float32 and narrower widened without change. */
export interface Tensor {
  readonly dims: readonly number[];
  readonly values: Float64Array;
  readonly type: ElementType;
}

/** @param name what messages call the tensor (a Constant's has no name of its own)
 *  @throws Refusal for element types that no perceptron needs
 *  @throws EigenscapeError ERR_ONNX_INVALID when shape and data disagree */
export function decodeTensor(
  proto: TensorProto,
  name: string,
  externalData: ExternalDataReader | undefined,
): Tensor {
  const type = elementType(proto.dataType);
  if (type === undefined) {
    const reason = `holds ${elementTypeName(proto.dataType)}; float32 or float64 is expected`;
    throw new Refusal([{ operator: 'tensor', name, reason }]);
  }
  if (proto.segment !== undefined) {
    throw new Refusal([{ operator: 'tensor', name, reason: 'is stored in segments' }]);
  }
  const dims = proto.dims.map(Number);
  const count = dims.reduce((product, size) => product * size, 1);
  if (dims.some((size) => size < 0) || !Number.isSafeInteger(count * type.bytes)) {
    throw invalid(`Tensor '${name}' has the impossible shape [${dims.join(', ')}].`);
  }
  const bytes = isExternal(proto)
    ? externalBytes(proto, count * type.bytes, externalData)
    : proto.rawData;
  const values = bytes.byteLength > 0 ? fromBytes(bytes, type) : type.typed(proto);
  if (values.length !== count || bytes.byteLength % type.bytes !== 0) {
    const held =
      bytes.byteLength > 0
        ? `${bytes.byteLength} bytes`
        : `${values.length} elements of ${type.name}`;
    throw invalid(
      `Tensor '${name}' of shape [${dims.join(', ')}] takes ${count} elements of ${type.name}, ` +
        `${count * type.bytes} bytes; the file holds ${held}.`,
    );
  }
  return { dims, values, type };
}

function fromBytes(bytes: Uint8Array, type: ElementType): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float64Array(Math.floor(bytes.byteLength / type.bytes));
  for (let index = 0; index < values.length; index++) {
    values[index] = type.read(view, index * type.bytes);
  }
  return values;
}

/** The values of a matrix with rows and columns exchanged. */
export function transposed(values: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = values[row * columns + column] ?? NaN;
    }
  }
  return result;
}
