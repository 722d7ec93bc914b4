// A symmetric matrix that is already there, as an operator.

import type { DType } from '../data/dtype.js';
import { describeValue } from '../describe-value.js';
import { requireArray } from '../options.js';
import { EigenscapeError } from '../errors.js';
import type { SymmetricOperator } from './operator.js';

export interface MatrixOperator extends SymmetricOperator {
  readonly dtype: DType;
  toDense(): Float64Array | Float32Array;
}

/** The operator of a dense symmetric matrix [size, size] row-major, copied; a Float32Array stays
 *  float32.
 *  @throws EigenscapeError ERR_SHAPE unless there are size² entries, ERR_DATA for one that is not finite */
export function matrixOperator(data: ArrayLike<number>, size: number): MatrixOperator {
  requireArray('matrixOperator', 'the matrix', data);
  if (!Number.isSafeInteger(size) || size < 1 || data.length !== size * size) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `matrixOperator: given ${String(data.length)} entries and size ${describeValue(size)}; expected size² entries and a size of at least 1`,
      { details: { entries: data.length, size } },
    );
  }
  const matrix = readMatrix(data, size);
  const make = data instanceof Float32Array ? Float32Array : Float64Array;
  const operator: MatrixOperator = {
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
  entries.set(operator, matrix);
  return operator;
}

/** What the operators above are made of. */
const entries = new WeakMap<SymmetricOperator, Float64Array | Float32Array>();

/** The matrix of an operator that {@link matrixOperator} made, itself: nobody may change it.
 *  @internal */
export function entriesOf(operator: SymmetricOperator): Float64Array | Float32Array | undefined {
  return entries.get(operator);
}

/** A copy of the entries, each a finite number. */
function readMatrix(data: ArrayLike<unknown>, size: number): Float64Array | Float32Array {
  const matrix = new (data instanceof Float32Array ? Float32Array : Float64Array)(size * size);
  for (let index = 0; index < matrix.length; index += 1) {
    const value = data[index];
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      const [row, column] = [Math.floor(index / size), index % size];
      throw new EigenscapeError(
        'ERR_DATA',
        `matrixOperator: entry (${String(row)}, ${String(column)}) is ${describeValue(value)}; expected a finite number`,
        { details: { row, column, value } },
      );
    }
    matrix[index] = value;
  }
  return matrix;
}
