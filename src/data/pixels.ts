// Pixels are bytes, and become numbers from 0 to 1.

import { inPieces } from '../in-pieces.js';
import { requireMemory } from '../memory.js';
import { addon } from '../native.js';
import { allocate } from './dtype.js';
import type { ArrayOf, DType } from './dtype.js';
import { progressOf } from './reading.js';
import type { ReadingOptions } from './reading.js';

const whitest = 255;
const scaled = Float64Array.from({ length: whitest + 1 }, (_, pixel) => pixel / whitest);

/** How the engine reads pixels from files: with the bits of {@link scaledPixels}. */
export const storedPixels = { element: 'u1', swapped: false, divisor: whitest } as const;

/** How images are wanted. */
export interface ImagesOptions extends ReadingOptions {
  readonly shape: 'flat' | 'image';
  readonly dtype: DType;
  readonly stream: boolean;
  /** As progress names it. */
  readonly stage: string;
}

export function stageOf(split: 'train' | 'test'): string {
  return split === 'train' ? 'training images' : 'test images';
}

export interface PixelFormat<D extends DType = DType> {
  /** Pixels of a row. */
  readonly width: number;
  /** Bytes from one row to the next. */
  readonly stride: number;
  readonly dtype: D;
}

/** Where some rows of pixels are. */
export interface PixelRows {
  readonly bytes: Uint8Array;
  /** Of the first row. */
  readonly offset: number;
  readonly count: number;
}

/** All rows, one after the other.
 *  @param stage as progress names it; it counts pixels
 *  @throws EigenscapeError ERR_MEMORY when they do not fit, ERR_ABORTED */
export async function scaledPixels<D extends DType>(
  { width, stride, dtype }: PixelFormat<D>,
  parts: readonly PixelRows[],
  { signal, onProgress }: ReadingOptions,
  stage: string,
): Promise<ArrayOf[D]> {
  const total = parts.reduce((sum, { count }) => sum + count * width, 0);
  requireMemory(
    total * (dtype === 'float32' ? 4 : 8),
    `${stage} of ${total} pixels`,
    "let them stay on disk: { stream: true }, or take { dtype: 'float32' }",
  );
  const values = allocate(dtype, total);
  addon().preferLargePages(values);
  const report = progressOf(onProgress, stage, total);
  let place = 0;
  for (const { bytes, offset, count } of parts) {
    await inPieces(count * width, signal, (first, last) => {
      for (let pixel = first; pixel < last;) {
        const row = Math.floor(pixel / width);
        const end = Math.min((row + 1) * width, last);
        // Of pixel k of this row, in the bytes.
        const shift = offset + row * (stride - width);
        for (; pixel < end; pixel += 1)
          values[place + pixel] = scaled[bytes[shift + pixel] ?? 0] ?? 0;
      }
      report(place + last);
    });
    place += count * width;
  }
  return values;
}
