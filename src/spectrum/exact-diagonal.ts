// The diagonal of an operator, exact but for rounding, without its dense matrix where that can be.

import { isCurvatureOperator } from '../curvature/operator.js';
import type { SymmetricOperator } from '../curvature/operator.js';
import { throwIfAborted } from '../long-call.js';
import { addon } from '../native.js';
import type { LongCallOptions } from '../progress.js';
import { denseMatrix } from './dense-matrix.js';
import { Products } from './products.js';

/** Up to this size the dense matrix, or as many products, is cheap: 32 MB. */
export const largestDense = 2000;

/** Unit vectors multiplied at once. */
const unitsAtOnce = 64;

/** Whether the engine knows the diagonal by a recursion, at the cost of a few gradients. */
export function hasDiagonalFormula(operator: SymmetricOperator): boolean {
  return isCurvatureOperator(operator) && addon().isChain(operator.handle);
}

/** By formula where there is one; from a user's own dense matrix; else by products with unit vectors. */
export async function exactDiagonal(
  call: string,
  operator: SymmetricOperator,
  options: LongCallOptions,
): Promise<Float64Array> {
  const { signal, onProgress, threads } = options;
  const long = { signal, onProgress, threads };
  const { size } = operator;
  if (isCurvatureOperator(operator)) {
    if (hasDiagonalFormula(operator)) {
      return operator.run(long, (handle, job) => addon().operatorDiagonal(handle, job));
    }
  } else if (operator.toDense !== undefined) {
    const matrix = await denseMatrix(operator, unitsAtOnce, long);
    return Float64Array.from({ length: size }, (_, i) => matrix[i * (size + 1)] ?? NaN);
  }
  return byUnitVectors(await Products.of(call, operator, long), long);
}

async function byUnitVectors(
  products: Products,
  { signal, onProgress }: LongCallOptions,
): Promise<Float64Array> {
  const { size } = products;
  const diagonal = new Float64Array(size);
  for (let first = 0; first < size; first += unitsAtOnce) {
    throwIfAborted(signal);
    const count = Math.min(unitsAtOnce, size - first);
    const units = new Float64Array(count * size);
    for (let k = 0; k < count; k += 1) units[k * size + first + k] = 1;
    const images = await products.apply(units);
    for (let k = 0; k < count; k += 1) diagonal[first + k] = images[k * size + first + k] ?? NaN;
    onProgress?.({ stage: 'diagonal', done: first + count, total: size, secondsLeft: undefined });
  }
  return diagonal;
}
