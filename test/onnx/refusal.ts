// What a call throws, so that a test can look at its code and message at once.

import { EigenscapeError } from '../../src/errors.js';
import { parseOnnx, type ParseOptions } from '../../src/onnx/parse.js';
import { modelBytes, type ModelParts } from './model-builder.js';

/** `CODE: message` of the error that a model is refused with. */
export function refusalOf(
  parts: ModelParts | Uint8Array,
  options: ParseOptions = { loss: 'meanSquaredError' },
): string {
  const bytes = parts instanceof Uint8Array ? parts : modelBytes(parts);
  try {
    parseOnnx(bytes, options);
  } catch (error) {
    if (error instanceof EigenscapeError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no error';
}
