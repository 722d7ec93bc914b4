// The dense matrix of an operator that a user wrote: probed first, because nothing else checks it.

import { setImmediate } from 'node:timers/promises';

import type { SymmetricOperator } from '../curvature/operator.js';
import type { DType } from '../data/dtype.js';
import { createRandom } from '../data/random.js';
import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import { throwIfAborted } from '../long-call.js';
import { requireMemory } from '../memory.js';
import { requireArray } from '../options.js';
import type { LongCallOptions } from '../progress.js';

/** Largest |a_ij − a_ji| against the largest |a_ij| that passes for symmetric: rounding of products is
 *  far below, a wrong entry far above. */
const tolerated: Readonly<Record<DType, number>> = { float64: 1e-9, float32: 1e-4 };

type Matrix = Float64Array | Float32Array;

function dtypeOf(operator: SymmetricOperator): DType {
  return operator.dtype ?? 'float64';
}

function allocateFor(operator: SymmetricOperator, length: number): Matrix {
  return dtypeOf(operator) === 'float32' ? new Float32Array(length) : new Float64Array(length);
}

function requireRoom(operator: SymmetricOperator): void {
  requireMemory(
    2 * operator.size ** 2 * (dtypeOf(operator) === 'float32' ? 4 : 8),
    `the dense matrix of an operator of size ${String(operator.size)}, and a copy to work on,`,
    'products with vectors need no matrix: operator.apply(vectors, count)',
  );
}

/** Products of a user's operator, checked: as many as were asked for, all finite. */
async function applyChecked(
  operator: SymmetricOperator,
  vectors: Matrix,
  count: number,
): Promise<ArrayLike<number>> {
  const products: unknown = await operator.apply(vectors, count);
  requireArray('eigenvalues', "what the operator's apply returned", products);
  if (products.length !== vectors.length) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `the operator's apply returned ${String(products.length)} entries; expected ${String(vectors.length)}: count × size`,
      { details: { given: products.length, expected: vectors.length } },
    );
  }
  return requireFinite(products, operator.size, 'a product of the operator');
}

function notFinite(what: string, index: number, size: number, value: unknown): EigenscapeError {
  return new EigenscapeError(
    'ERR_NUMERIC',
    `${what} is not finite: entry ${String(index % size)} of row ${String(Math.floor(index / size))} is ${describeValue(value)}`,
    { details: { index, value } },
  );
}

function requireFinite(values: ArrayLike<unknown>, size: number, what: string): ArrayLike<number> {
  for (let index = 0; index < values.length; index += 1) {
    if (!Number.isFinite(values[index])) throw notFinite(what, index, size, values[index]);
  }
  return values as ArrayLike<number>;
}

/** Two products of one random vector must be the same. */
async function probeRepeatability(operator: SymmetricOperator): Promise<void> {
  const random = createRandom(0);
  const vector = allocateFor(operator, operator.size).map(() => random.normal());
  const first = Float64Array.from(await applyChecked(operator, vector.slice(), 1));
  const second = await applyChecked(operator, vector.slice(), 1);
  const scale = first.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const limit = tolerated[dtypeOf(operator)] * scale;
  const moved = first.findIndex((value, index) => Math.abs(value - (second[index] ?? NaN)) > limit);
  if (moved < 0) return;
  throw new EigenscapeError(
    'ERR_NUMERIC',
    `the operator is not repeatable: two products of one vector differ in entry ${String(moved)} (${String(first[moved])}, then ${String(second[moved])}); apply must be a pure function of its vectors`,
    { details: { entry: moved, first: first[moved], second: second[moved] } },
  );
}

async function byUnitVectors(
  operator: SymmetricOperator,
  blockSize: number,
  { signal, onProgress }: LongCallOptions,
): Promise<Matrix> {
  const { size } = operator;
  const matrix = allocateFor(operator, size * size);
  for (let first = 0; first < size; first += blockSize) {
    throwIfAborted(signal);
    const count = Math.min(blockSize, size - first);
    const units = allocateFor(operator, count * size);
    for (let k = 0; k < count; k += 1) units[k * size + first + k] = 1;
    matrix.set(await applyChecked(operator, units, count), first * size);
    // A product that is computed at once would keep timers waiting until the last block.
    await setImmediate();
    onProgress?.({ stage: 'assembly', done: first + count, total: size, secondsLeft: undefined });
  }
  return matrix;
}

/** Entries that are read between two turns of the event loop: about a millisecond. */
const entriesAtOnce = 2 ** 19;

/** A checked copy of a matrix that a user's operator returned, made while timers go on. */
async function copyChecked(
  operator: SymmetricOperator,
  given: ArrayLike<unknown>,
  signal: AbortSignal | undefined,
): Promise<Matrix> {
  const { size } = operator;
  const matrix = allocateFor(operator, size * size);
  const rows = Math.max(1, Math.floor(entriesAtOnce / size));
  for (let first = 0; first < size; first += rows) {
    const end = Math.min(size, first + rows) * size;
    for (let index = first * size; index < end; index += 1) {
      const value = given[index];
      matrix[index] = typeof value === 'number' ? value : NaN;
      if (!Number.isFinite(matrix[index])) {
        throw notFinite('the matrix of the operator', index, size, value);
      }
    }
    await setImmediate();
    throwIfAborted(signal);
  }
  return matrix;
}

/** Rows and columns of a square of entries; it and its mirror image fit the first cache. */
const side = 32;

/** Refuses an asymmetric matrix; what rounding left of asymmetry is averaged away. Goes by squares, since a
 *  column of a large matrix misses the cache at every step, and lets timers run between rows of them. */
async function symmetrize(
  matrix: Matrix,
  size: number,
  dtype: DType,
  signal: AbortSignal | undefined,
): Promise<void> {
  let scale = 0;
  for (let first = 0; first < matrix.length; first += entriesAtOnce) {
    for (const value of matrix.subarray(first, first + entriesAtOnce)) {
      scale = Math.max(scale, Math.abs(value));
    }
    await setImmediate();
  }
  const limit = tolerated[dtype] * scale;
  for (let top = 0; top < size; top += side) {
    for (let left = 0; left <= top; left += side) {
      symmetrizeSquare(matrix, size, top, left, limit);
    }
    await setImmediate();
    throwIfAborted(signal);
  }
}

/** The square at (top, left), as far as it is below the diagonal, and its mirror image. */
function symmetrizeSquare(
  matrix: Matrix,
  size: number,
  top: number,
  left: number,
  limit: number,
): void {
  for (let i = top; i < Math.min(top + side, size); i += 1) {
    for (let j = left; j < Math.min(left + side, i); j += 1) {
      const lower = matrix[i * size + j] ?? NaN;
      const upper = matrix[j * size + i] ?? NaN;
      if (Math.abs(lower - upper) > limit) {
        throw new EigenscapeError(
          'ERR_NUMERIC',
          `the operator is not symmetric: entry (${String(i)}, ${String(j)}) is ${String(lower)}, but (${String(j)}, ${String(i)}) is ${String(upper)}; apply (A + Aᵀ)/2 if that is meant`,
          { details: { row: i, column: j, lower, upper } },
        );
      }
      matrix[i * size + j] = (lower + upper) / 2;
      matrix[j * size + i] = matrix[i * size + j] ?? NaN;
    }
  }
}

/** @throws EigenscapeError ERR_SPEC unless it has what a {@link SymmetricOperator} has */
export function requireOperator(operator: unknown): asserts operator is SymmetricOperator {
  const given = (
    typeof operator === 'object' ? operator : null
  ) as Partial<SymmetricOperator> | null;
  const complain = (what: string, value: unknown, expected: string): EigenscapeError =>
    new EigenscapeError('ERR_SPEC', `${what} is ${describeValue(value)}; expected ${expected}`, {
      details: { name: what, value },
    });
  if (given === null) {
    throw complain('the operator', operator, 'an operator: { size, apply(vectors, count) }');
  }
  const { size, dtype, apply, toDense } = given;
  if (!Number.isSafeInteger(size) || (size ?? 0) < 1) {
    throw complain("the operator's size", size, 'an integer of at least 1');
  }
  if (typeof apply !== 'function') {
    throw complain("the operator's apply", apply, 'a function of (vectors, count)');
  }
  if (toDense !== undefined && typeof toDense !== 'function') {
    throw complain("the operator's toDense", toDense, 'a function, or nothing');
  }
  if (dtype !== undefined && !['float64', 'float32'].includes(dtype)) {
    throw complain("the operator's dtype", dtype, "'float64', 'float32' or nothing");
  }
}

/** The matrix [size, size] of a user's operator, by its toDense or by products with unit vectors. */
export async function denseMatrix(
  operator: SymmetricOperator,
  blockSize: number,
  options: LongCallOptions,
): Promise<Matrix> {
  requireOperator(operator);
  const { size } = operator;
  requireRoom(operator);
  let matrix: Matrix;
  if (operator.toDense === undefined) {
    await probeRepeatability(operator);
    matrix = await byUnitVectors(operator, blockSize, options);
  } else {
    const given: unknown = await operator.toDense();
    requireArray('eigenvalues', "what the operator's toDense returned", given);
    if (given.length !== size * size) {
      throw new EigenscapeError(
        'ERR_SHAPE',
        `the operator's toDense returned ${String(given.length)} entries; expected size² = ${String(size * size)}`,
        { details: { given: given.length, size } },
      );
    }
    matrix = await copyChecked(operator, given, options.signal);
  }
  await symmetrize(matrix, size, dtypeOf(operator), options.signal);
  return matrix;
}
