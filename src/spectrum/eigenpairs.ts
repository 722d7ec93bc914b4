// Eigenvalues with their eigenvectors, from the dense matrix.

import * as v from 'valibot';

import { denseEntries, isCurvatureOperator } from '../curvature/operator.js';
import type { CurvatureOperator, DenseOptions, SymmetricOperator } from '../curvature/operator.js';
import { taken } from '../copies.js';
import { allocate } from '../data/dtype.js';
import type { ArrayOf, DType } from '../data/dtype.js';
import { optionsOf, parseOptions, positiveInteger } from '../options.js';
import { EigenscapeError } from '../errors.js';
import { runJob } from '../long-call.js';
import { addon } from '../native.js';
import type { NativeArray, NativeEigenpairs, NativeRange, NativeWay } from '../native.js';
import { denseMatrix, requireOperator } from './dense-matrix.js';
import { requireFiniteValues } from './dense-spectrum.js';
import { reduceOption } from './reduction.js';

export interface EigenpairsOptions extends DenseOptions {
  /** Only so many of the largest eigenvalues … */
  readonly largest?: number | undefined;
  /** … or only so many of the smallest. Default: all. */
  readonly smallest?: number | undefined;
  /** As for {@link denseSpectrum}: what leaves the matrix exactly is taken out before it is assembled, and the
   *  vectors are those of the whole. */
  readonly reduce?: 'exact' | false | undefined;
}

/** What {@link eigenpairs} resolves to. */
export interface Eigenpairs<D extends DType = DType> {
  /** Ascending. */
  readonly values: Float64Array;
  /** Orthonormal eigenvectors as rows [values.length, size]. */
  readonly vectors: ArrayOf[D];
  /** ‖A v − λ v‖₂ of each pair, computed with the matrix itself, or with the one that the reduction leaves, and what
   *  that changes at most on top: an eigenvalue lies that near. */
  readonly residualNorms: Float64Array;
}

const schema = optionsOf({
  ...denseEntries,
  largest: v.optional(positiveInteger),
  smallest: v.optional(positiveInteger),
  reduce: reduceOption,
});

function rangeOf(
  size: number,
  largest: number | undefined,
  smallest: number | undefined,
): NativeRange {
  if (largest !== undefined && smallest !== undefined) {
    throw new EigenscapeError(
      'ERR_SPEC',
      'eigenpairs: both largest and smallest are given; ask for one end, or for all pairs',
      { details: { call: 'eigenpairs', largest, smallest } },
    );
  }
  const count = largest ?? smallest ?? size;
  if (count > size) {
    throw new EigenscapeError(
      'ERR_SPEC',
      `eigenpairs: ${String(count)} pairs are asked for; expected at most ${String(size)}, the size of the operator`,
      { details: { call: 'eigenpairs', given: count, expected: size } },
    );
  }
  return smallest === undefined ? { first: size - count, last: size } : { first: 0, last: count };
}

/** All eigenpairs of an operator, or those at one end, from its dense matrix: from order 1,200 on (AVX2 or AVX-512)
 *  by way of a band and a tridiagonal matrix on all cores, divide and conquer, and back; below by LAPACK on one thread. Beside the matrix
 *  and the vectors, n²/2 entries of reflectors and n² or 2n² of the tridiagonal matrix's vectors are held.
 *  Vectors are orthonormal, and pairs exact for a matrix near the given one, to max(n, 10)·ε.
 *  Directions that leave the matrix exactly (`reduce`) have the eigenvalue 0 (λ under weight decay) and orthonormal vectors
 *  of their own.
 *  @throws EigenscapeError as {@link denseSpectrum} */
export function eigenpairs<D extends DType>(
  operator: CurvatureOperator<D>,
  options?: EigenpairsOptions,
): Promise<Eigenpairs<D>>;
export function eigenpairs(
  operator: SymmetricOperator,
  options?: EigenpairsOptions,
): Promise<Eigenpairs>;
export async function eigenpairs(
  operator: SymmetricOperator,
  options: EigenpairsOptions = {},
): Promise<Eigenpairs> {
  const parsed = parseOptions('eigenpairs', schema, options);
  requireOperator(operator);
  const range = rangeOf(operator.size, parsed.largest, parsed.smallest);
  const { via, blockSize, reduce } = parsed;
  const way = { via, blockSize, reduce };
  const pairs = await solve(operator, way, range, options);
  requireFiniteValues(pairs.values);
  const vectors = await vectorsOf(pairs, operator, options.signal);
  return { values: pairs.values, vectors, residualNorms: pairs.residualNorms };
}

/** The vectors [values, size] as an array: many of them are copied on another thread.
 *  @internal */
export async function vectorsOf(
  { values, vectors }: NativeEigenpairs,
  { size, dtype = 'float64' }: Pick<SymmetricOperator, 'size' | 'dtype'>,
  signal: AbortSignal | undefined,
): Promise<NativeArray> {
  if (ArrayBuffer.isView(vectors)) return vectors;
  return taken(vectors, allocate(dtype, values.length * size), signal);
}

async function solve(
  operator: SymmetricOperator,
  way: NativeWay,
  range: NativeRange,
  options: EigenpairsOptions,
): Promise<NativeEigenpairs> {
  if (isCurvatureOperator(operator)) {
    return operator.run(options, (handle, job) =>
      addon().operatorEigenpairs(handle, way, range, job),
    );
  }
  const matrix = await denseMatrix(operator, way.blockSize, options);
  return runJob(options, (job) => addon().matrixEigenpairs(matrix, operator.size, range, job));
}
