// All eigenvalues of one operator, with what is known of their errors.

import { isCurvatureOperator } from '../curvature/operator.js';
import type { SymmetricOperator } from '../curvature/operator.js';
import type { DType } from '../data/dtype.js';
import { EigenscapeError } from '../errors.js';
import { addon } from '../native.js';
import type { NativeSpectrum } from '../native.js';
import { parseOptions } from '../options.js';
import { matrixSpectrum } from './dense-matrix.js';
import { denseSpectrumSchema, describeReduction } from './reduction.js';
import type { DenseSpectrumOptions } from './reduction.js';
import type { DenseRoute, DenseSpectrum, DenseTermSpectrum, StageTime } from './result.js';

/** Distance from 1 to the next number of each type. */
const epsilon: Readonly<Record<DType, number>> = { float64: 2 ** -52, float32: 2 ** -23 };

function routeOf(via: string): DenseRoute {
  return via === 'closedForm' || via === 'products' || via === 'gram' ? via : 'matrix';
}

/** What is known of one dense matrix when its eigenvalues are. */
export interface MatrixScale {
  readonly dtype: DType;
  /** Order of the matrix. */
  readonly size: number;
  /** ‖A‖_F, and the rest as in NativeSpectrum. */
  readonly norm: number;
  readonly magnitude: number;
  readonly operations: number;
  readonly sampleCount: number;
}

/** Weyl: an eigenvalue moves by no more than the norm of what is added to the matrix.
 *
 *  Solver: LAPACK's are those of A + E with ‖E‖ ≤ n·ε·‖A‖_F. Assembly: with S the sum over samples of the
 *  norms that their shares are products of, and m roundings behind an entry, ‖Â − A‖ ≤ m·ε·S to first
 *  order in ε (Higham 2002, §3.1 and §3.5). The estimate takes roundings for independent: √n and √m in place
 *  of n and m, as Higham and Mary (2019) have it, and √N of the N samples' shares.
 *  @internal */
export function errorsOf(scale: MatrixScale): { errorBound: number; errorEstimate: number } {
  const { dtype, size, norm, magnitude, operations, sampleCount } = scale;
  const unit = epsilon[dtype];
  return {
    // In this order, since the other products of large numbers overflow first.
    errorBound: unit * size * norm + unit * operations * magnitude,
    errorEstimate:
      unit * Math.sqrt(size) * norm +
      unit * Math.sqrt(operations / Math.max(sampleCount, 1)) * magnitude,
  };
}

/** @throws EigenscapeError ERR_NUMERIC unless all are finite: a matrix whose entries are may have larger eigenvalues
 *  @internal */
export function requireFiniteValues(values: Float64Array): void {
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return;
  throw new EigenscapeError(
    'ERR_NUMERIC',
    `eigenvalue ${String(index)} of ${String(values.length)} is ${String(values[index])}: beyond the largest number of its type; make the operator smaller: scale(operator, c)`,
    { details: { index, value: values[index] } },
  );
}

function withErrors(
  spectrum: NativeSpectrum,
  dtype: DType,
  sampleCount: number,
  weightDecay = 0,
): DenseTermSpectrum {
  const { eigenvalues, exactZeros, norm, magnitude, operations, via, reductionError } = spectrum;
  requireFiniteValues(eigenvalues);
  const size = spectrum.order ?? spectrum.reduction?.size ?? eigenvalues.length;
  const errors = errorsOf({ dtype, size, norm, magnitude, operations, sampleCount });
  // λ is added in float64, and rounded once.
  const rounding = weightDecay === 0 ? 0 : 2 ** -53 * (norm + weightDecay);
  const beside = reductionError + rounding;
  return {
    method: 'dense',
    eigenvalues,
    exactZeros,
    errorBound: errors.errorBound + beside,
    errorEstimate: errors.errorEstimate + beside,
    via: routeOf(via),
  };
}

/** What two runs have to the last bit, and what they have not. */
interface SolvedTerm {
  readonly term: DenseTermSpectrum;
  readonly stages: readonly StageTime[];
}

/** {@link denseSpectrum} in two parts.
 *  @internal */
export async function solveDense(
  operator: SymmetricOperator,
  options: DenseSpectrumOptions,
): Promise<SolvedTerm> {
  const { via, blockSize, reduce } = parseOptions('eigenvalues', denseSpectrumSchema, options);
  if (isCurvatureOperator(operator)) {
    const spectrum = await operator.run(options, (handle, job) =>
      addon().operatorEigenvalues(handle, { via, blockSize, reduce }, job),
    );
    const { dtype, sampleCount, weightDecay } = operator;
    const reduction = describeReduction(operator, spectrum.reduction, spectrum.reductionError);
    const found = withErrors(spectrum, dtype, sampleCount, weightDecay);
    const term = reduction === undefined ? found : { ...found, reduction };
    return { term, stages: spectrum.stages };
  }
  const spectrum = await matrixSpectrum(operator, blockSize, options);
  const term = withErrors(spectrum, operator.dtype ?? 'float64', 0);
  return { term, stages: spectrum.stages };
}

/** All eigenvalues of an operator, ascending, from its dense matrix, with bounds on their errors.
 *
 *  Where G, a Fisher matrix or the covariance of the gradients is SᵀS with fewer rows in S than directions are left,
 *  the Gram matrix SSᵀ is solved in its place (`via: 'gram'`), and the other eigenvalues are 0 exactly. Else, what
 *  leaves the matrix exactly is taken out before it is assembled (`reduce`), and rows that vanish
 *  identically (dead units) before it is solved; their eigenvalues are 0 exactly and counted in `exactZeros`.
 *
 *  `stages` holds the seconds of each stage. Where the way is by a band these are 'full to band', 'band to tridiagonal'
 *  and 'tridiagonal', else 'full to tridiagonal' and 'tridiagonal', or LAPACK's whole solver.
 *  @throws EigenscapeError ERR_MEMORY before the matrix is allocated, ERR_NUMERIC when a product, the
 *  matrix or an eigenvalue is not finite, or a user's operator is not symmetric or not repeatable */
export async function denseSpectrum(
  operator: SymmetricOperator,
  options: DenseSpectrumOptions = {},
): Promise<DenseSpectrum> {
  const { term, stages } = await solveDense(operator, options);
  return { ...term, stages };
}

/** All eigenvalues of an operator [size], ascending: {@link denseSpectrum} without the errors.
 *  @example const values = await eigenvalues(hessian(network, data)) */
export async function eigenvalues(
  operator: SymmetricOperator,
  options: DenseSpectrumOptions = {},
): Promise<Float64Array> {
  return (await denseSpectrum(operator, options)).eigenvalues;
}
