// TensorProto → numbers: from raw bytes, typed fields or an external file, widened to float64.

import { elementType, elementTypeName, type ElementType } from './element-type.js';
import { externalBytes, isExternal, type ExternalDataReader } from './external-data.js';
import { invalid, Refusal } from './failures.js';
import { Numbers } from './numbers.js';
import type { TensorProto } from './onnx_pb.js';

export interface Tensor {
  readonly dims: readonly number[];
  readonly numbers: Numbers;
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
  const numbers = bytes.byteLength > 0 ? stored(bytes, type) : Numbers.of(type.typed(proto));
  if (numbers.length !== count || bytes.byteLength % type.bytes !== 0) {
    const held =
      bytes.byteLength > 0
        ? `${bytes.byteLength} bytes`
        : `${numbers.length} elements of ${type.name}`;
    throw invalid(
      `Tensor '${name}' of shape [${dims.join(', ')}] takes ${count} elements of ${type.name}, ` +
        `${count * type.bytes} bytes; the file holds ${held}.`,
    );
  }
  return { dims, numbers, type };
}

function stored(bytes: Uint8Array, { bytes: width, read }: ElementType): Numbers {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.floor(bytes.byteLength / width);
  return Numbers.from(count, (index) => read(view, index * width));
}
