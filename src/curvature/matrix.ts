// A symmetric matrix that is already there, as an operator.

import type { DType } from '../data/dtype.js';
import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import type { SymmetricOperator } from './operator.js';

export interface MatrixOperator extends SymmetricOperator {
  readonly dtype: DType;
  toDense(): Float64Array | Float32Array;
}

/** The operator of a dense symmetric matrix [size, size] row-major, copied; a Float32Array stays
 *  float32.
 *  @throws EigenscapeError ERR_SHAPE unless there are size² entries */
export function matrixOperator(data: ArrayLike<number>, size: number): MatrixOperator {
  if (!Number.isSafeInteger(size) || size < 1 || data.length !== size * size) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `matrixOperator: given ${String(data.length)} entries and size ${describeValue(size)}; expected size² entries and a size of at least 1`,
      { details: { entries: data.length, size } },
    );
  }
  const matrix = data instanceof Float32Array ? data.slice() : Float64Array.from(data);
  const make = data instanceof Float32Array ? Float32Array : Float64Array;
  return {
    size,
    dtype: data instanceof Float32Array ? 'float32' : 'float64',
    apply(vectors, count) {
      const products = new make(count * size);
      for (let k = 0; k < count; k += 1) {
        for (let i = 0; i < size; i += 1) {
          let sum = 0;
          for (let j = 0; j < size; j += 1) {
            sum += (matrix[i * size + j] ?? 0) * (vectors[k * size + j] ?? 0);
          }
          products[k * size + i] = sum;
        }
      }
      return products;
    },
    toDense: () => matrix.slice(),
  };
}
