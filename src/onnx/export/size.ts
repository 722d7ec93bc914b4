// How large an ONNX file may be: it is one protobuf message.

import type { DType } from '../../data/dtype.js';
import { EigenscapeError } from '../../errors.js';

// Protobuf's own limit; readers refuse what is longer.
const largestMessage = 2 ** 31 - 1;
const bytesPer: Readonly<Record<DType, number>> = { float32: 4, float64: 8 };
// A node and a tensor's head are some 100 bytes; their names may be long.
const bytesPerLayer = 4096;

/** @throws EigenscapeError ERR_ONNX_UNSUPPORTED when the file would be too large */
export function requireSmallModel(
  dtype: DType,
  { parameters, layers }: { readonly parameters: number; readonly layers: number },
): void {
  const bytes = parameters * bytesPer[dtype] + layers * bytesPerLayer;
  if (bytes <= largestMessage) return;
  const helps =
    dtype === 'float64' && parameters * bytesPer.float32 + layers * bytesPerLayer <= largestMessage
      ? "; dtype: 'float32' halves it"
      : '';
  throw new EigenscapeError(
    'ERR_ONNX_UNSUPPORTED',
    `exportOnnx: ${parameters} parameters of ${dtype} make a file of ${bytes} bytes; ONNX files are ` +
      `protobuf messages of at most ${largestMessage} bytes${helps}`,
    { details: { bytes, largest: largestMessage } },
  );
}
