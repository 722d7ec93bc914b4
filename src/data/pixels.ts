// Pixels are bytes, and become numbers from 0 to 1.

import { allocate } from './dtype.js';
import type { ArrayOf, DType } from './dtype.js';

const whitest = 255;

/** How the engine reads pixels from files: with the bits of {@link scaledPixels}. */
export const storedPixels = { element: 'u1', swapped: false, divisor: whitest } as const;

export function scaledPixels<D extends DType>(pixels: Uint8Array, dtype: D): ArrayOf[D] {
  const values = allocate(dtype, pixels.length);
  pixels.forEach((pixel, index) => {
    values[index] = pixel / whitest;
  });
  return values;
}
