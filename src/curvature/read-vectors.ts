// The vectors that operators of the library are applied to, copied into the engine's memory.

import { copyVector } from '../copies.js';
import type { DType } from '../data/dtype.js';
import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import type { VectorHandle } from '../native.js';
import { requireArray } from '../options.js';

/** @throws EigenscapeError ERR_SPEC for a count that is none, ERR_SHAPE unless there are count × size entries,
 *  ERR_DATA for one that is not finite in that type */
export function readVectors(
  vectors: ArrayLike<number>,
  count: number,
  { size, dtype }: { readonly size: number; readonly dtype: DType },
): VectorHandle {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new EigenscapeError(
      'ERR_SPEC',
      `apply: count is ${describeValue(count)}; expected an integer of at least 1`,
      { details: { count } },
    );
  }
  requireArray('apply', 'vectors', vectors);
  const { length } = vectors;
  if (length !== count * size) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `apply: given ${String(length)} entries; expected ${String(count)} × ${String(size)}: count vectors of the operator's size`,
      { details: { given: length, count, size } },
    );
  }
  const copy = copyVector(vectors, dtype);
  if (typeof copy !== 'number') return copy;
  const value: unknown = vectors[copy];
  throw new EigenscapeError(
    'ERR_DATA',
    `apply: entry ${String(copy % size)} of vector ${String(Math.floor(copy / size))} is ${describeValue(value)}; expected a finite number`,
    { details: { index: copy, value } },
  );
}
