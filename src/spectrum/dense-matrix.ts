// The dense matrix of an operator that a user wrote, which is probed first, because nothing else checks it; or of one
// that is made of the library's own.

import { setImmediate } from 'node:timers/promises';

import { combinationOf } from '../curvature/combination.js';
import { entriesOf } from '../curvature/matrix.js';
import type { SymmetricOperator } from '../curvature/operator.js';
import type { DType } from '../data/dtype.js';
import { createRandom } from '../data/random.js';
import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import { runJob, throwIfAborted, untilAborted } from '../long-call.js';
import { requireMemory } from '../memory.js';
import { addon } from '../native.js';
import type { NativeMatrixFault, NativeSpectrum } from '../native.js';
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
    'extremalEigenpairs(operator, …) and spectralDensity(operator, …) need no matrix, nor do products with vectors: operator.apply(vectors, count)',
  );
}

/** Products of a user's operator, checked: as many as were asked for, all finite. */
async function applyChecked(
  operator: SymmetricOperator,
  vectors: Matrix,
  count: number,
  { signal, threads }: LongCallOptions,
): Promise<ArrayLike<number>> {
  const work = operator.apply(vectors, count, { signal, threads });
  const products: unknown = await untilAborted(work, signal);
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
async function probeRepeatability(
  operator: SymmetricOperator,
  options: LongCallOptions,
): Promise<void> {
  const random = createRandom(0);
  const vector = allocateFor(operator, operator.size).map(() => random.normal());
  const first = Float64Array.from(await applyChecked(operator, vector.slice(), 1, options));
  const second = await applyChecked(operator, vector.slice(), 1, options);
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
  options: LongCallOptions,
): Promise<Matrix> {
  const { signal, onProgress } = options;
  const { size } = operator;
  const matrix = allocateFor(operator, size * size);
  for (let first = 0; first < size; first += blockSize) {
    throwIfAborted(signal);
    const count = Math.min(blockSize, size - first);
    const units = allocateFor(operator, count * size);
    for (let k = 0; k < count; k += 1) units[k * size + first + k] = 1;
    matrix.set(await applyChecked(operator, units, count, options), first * size);
    // A product that is computed at once would keep timers waiting until the last block.
    await setImmediate();
    onProgress?.({ stage: 'assembly', done: first + count, total: size, secondsLeft: undefined });
  }
  return matrix;
}

/** Entries that are read between two turns of the event loop: about a millisecond. */
const entriesAtOnce = 2 ** 19;

/** A copy of a matrix that a user's operator returned, made while timers go on; NaN for what is no number. */
async function copyOf(
  operator: SymmetricOperator,
  given: ArrayLike<unknown>,
  signal: AbortSignal | undefined,
): Promise<Matrix> {
  const matrix = allocateFor(operator, operator.size ** 2);
  const typed = given instanceof Float64Array || given instanceof Float32Array;
  for (let first = 0; first < matrix.length; first += entriesAtOnce) {
    const end = Math.min(first + entriesAtOnce, matrix.length);
    if (typed) {
      matrix.set(given.subarray(first, end), first);
    } else {
      for (let index = first; index < end; index += 1) {
        const value = given[index];
        matrix[index] = typeof value === 'number' ? value : NaN;
      }
    }
    if (end === matrix.length) break;
    await setImmediate();
    throwIfAborted(signal);
  }
  return matrix;
}

/** Why the engine refused a matrix. `given` is what it is a copy of. */
function faultOf(
  { kind, row, column }: NativeMatrixFault,
  { matrix, given, size }: { matrix: Matrix; given: ArrayLike<unknown>; size: number },
): EigenscapeError {
  const place = row * size + column;
  if (kind === 'notFinite')
    return notFinite('the matrix of the operator', place, size, given[place]);
  const [lower, upper] = [matrix[place], matrix[column * size + row]];
  return new EigenscapeError(
    'ERR_NUMERIC',
    `the operator is not symmetric: entry (${String(row)}, ${String(column)}) is ${String(lower)}, but (${String(column)}, ${String(row)}) is ${String(upper)}; apply (A + Aᵀ)/2 if that is meant`,
    { details: { row, column, lower, upper } },
  );
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

/** A matrix that is ours to overwrite, and what a user's function returned for it. */
interface ReadMatrix {
  readonly matrix: Matrix;
  readonly given: ArrayLike<unknown>;
}

/** From the engine, by the operator's toDense, or by products with unit vectors. */
async function readMatrix(
  operator: SymmetricOperator,
  blockSize: number,
  options: LongCallOptions,
): Promise<ReadMatrix> {
  const { size } = operator;
  requireRoom(operator);
  const own = combinationOf(operator);
  if (own !== undefined) {
    const { signal, threads } = options;
    const matrix = await own.toDense(dtypeOf(operator), { signal, threads });
    return { matrix, given: matrix };
  }
  if (operator.toDense === undefined) {
    await probeRepeatability(operator, options);
    const matrix = await byUnitVectors(operator, blockSize, options);
    return { matrix, given: matrix };
  }
  const given: unknown = await untilAborted(operator.toDense(), options.signal);
  requireArray('eigenvalues', "what the operator's toDense returned", given);
  if (given.length !== size * size) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `the operator's toDense returned ${String(given.length)} entries; expected size² = ${String(size * size)}`,
      { details: { given: given.length, size } },
    );
  }
  return { matrix: await copyOf(operator, given, options.signal), given };
}

/** The matrix [size, size] of a user's operator. An entry that is not finite is refused, and an asymmetric matrix; what
 *  rounding left of asymmetry is averaged away, on the library's threads. */
export async function denseMatrix(
  operator: SymmetricOperator,
  blockSize: number,
  options: LongCallOptions,
): Promise<Matrix> {
  requireOperator(operator);
  const { size } = operator;
  const read = await readMatrix(operator, blockSize, options);
  const fault = await runJob({ signal: options.signal, threads: options.threads }, (job) =>
    addon().symmetrizeMatrix(read.matrix, size, tolerated[dtypeOf(operator)], job),
  );
  if (fault !== undefined) throw faultOf(fault, { ...read, size });
  return read.matrix;
}

/** All eigenvalues of that matrix, in one job with its checks; the matrix of a `matrixOperator` is copied there. */
export async function matrixSpectrum(
  operator: SymmetricOperator,
  blockSize: number,
  options: LongCallOptions,
): Promise<NativeSpectrum> {
  requireOperator(operator);
  const { size } = operator;
  const known = entriesOf(operator);
  const read =
    known === undefined
      ? await readMatrix(operator, blockSize, options)
      : { matrix: known, given: known };
  const way = { tolerance: tolerated[dtypeOf(operator)], keeps: known !== undefined };
  const found = await runJob(options, (job) =>
    addon().matrixEigenvalues(read.matrix, size, way, job),
  );
  if ('kind' in found) throw faultOf(found, { ...read, size });
  return found;
}
