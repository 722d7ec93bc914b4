// How many eigenvalues are negative: proven by inertia where the matrix fits, else estimated.

import * as v from 'valibot';

import { isCurvatureOperator } from '../curvature/operator.js';
import type { SymmetricOperator } from '../curvature/operator.js';
import { runJob } from '../long-call.js';
import { addon } from '../native.js';
import type { NativeCount, NativeCountRequest } from '../native.js';
import {
  longCallEntries,
  nonnegativeNumber,
  optionsOf,
  parseOptions,
  positiveInteger,
  seedOption,
} from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { denseMatrix, requireOperator } from './dense-matrix.js';
import { spectralDensity } from './spectral-density.js';
import type { ProbeMeasure } from './spectral-density.js';

/** Options of {@link negativeCount}. */
export interface NegativeCountOptions extends LongCallOptions {
  /** Eigenvalues below `shift − tolerance` are counted: below zero by default. */
  readonly shift?: number | undefined;
  /** Default: so much that an eigenvalue that is `shift` exactly is not counted, whatever rounding does. */
  readonly tolerance?: number | undefined;
  /** 'inertia' factors the dense matrix twice: the default up to size 4,000. 'density' goes by products
   *  with random vectors: the default beyond. */
  readonly method?: 'inertia' | 'density' | undefined;
  /** Of 'density', as for {@link spectralDensity}: 60 and 10 by default. */
  readonly steps?: number | undefined;
  readonly probes?: number | undefined;
  readonly seed?: number | undefined;
}

/** What {@link negativeCount} resolves to; `method` says which of the two. */
export type NegativeCount = CertifiedCount | EstimatedCount;

/** A count that is proven, but for eigenvalues within the error of zero. */
export interface CertifiedCount {
  readonly method: 'inertia';
  /** Eigenvalues that are certainly below the threshold. */
  readonly count: number;
  /** Whether no other can be. */
  readonly certified: boolean;
  /** The eigenvalues of which it is not certain: their ascending ranks (from 0, the end excluded), and the
   *  interval in which they lie. */
  readonly uncertain: {
    readonly count: number;
    readonly ranks: readonly [number, number];
    readonly interval: readonly [number, number];
  };
  /** What the eigenvalues were held against: shift − tolerance. */
  readonly threshold: number;
}

/** A count from a spectral density, with its standard error. */
export interface EstimatedCount {
  readonly method: 'density';
  /** size × the mass below the threshold, over probes. */
  readonly count: number;
  /** Over probes; it knows nothing of the quadrature. */
  readonly standardError: number;
  /** What the quadrature is off by at most, in eigenvalues: for each probe, the larger of the weights on
   *  either side of the threshold (Chebyshev, Markov and Stieltjes); 0 where its steps were exhaustive. */
  readonly quadratureBound: number;
  readonly threshold: number;
}

const schema = optionsOf({
  ...longCallEntries,
  shift: v.optional(v.pipe(v.number('a finite number'), v.finite('a finite number')), 0),
  tolerance: v.optional(nonnegativeNumber),
  method: v.optional(v.picklist(['inertia', 'density'], "'inertia' or 'density'")),
  steps: v.optional(positiveInteger, 60),
  probes: v.optional(positiveInteger, 10),
  seed: seedOption,
});

/** Up to here two factorisations take about a second. */
const largestFactored = 4000;

/** Rounding that a Ritz value of an eigenvalue at the shift may have, of the largest |λ|. */
const ritzRounding = { float64: 1e-12, float32: 1e-5 } as const;

/** The number of eigenvalues below `shift − tolerance`. What leaves a matrix exactly is taken out before it is
 *  factored, and counted at its place.
 *  @throws EigenscapeError ERR_MEMORY where the dense matrix is asked for and does not fit; ERR_NUMERIC
 *  when a product or the matrix is not finite, or a user's operator not symmetric or not repeatable
 *  @example const { count, certified } = await negativeCount(hessian(network, data), { method: 'inertia' }) */
export async function negativeCount(
  operator: SymmetricOperator,
  options: NegativeCountOptions = {},
): Promise<NegativeCount> {
  const { method, ...parsed } = parseOptions('negativeCount', schema, options);
  requireOperator(operator);
  const inertia = method ?? (operator.size <= largestFactored ? 'inertia' : 'density');
  if (inertia === 'density') return byDensity(operator, parsed);
  const { signal, onProgress, threads, shift, tolerance } = parsed;
  const long = { signal, onProgress, threads };
  const found = await byInertia(operator, { shift, tolerance }, long);
  const { lower, upper, threshold, uncertainty } = found;
  return {
    method: 'inertia',
    count: lower,
    certified: lower === upper,
    uncertain: {
      count: upper - lower,
      ranks: [lower, upper],
      interval: [threshold - 2 * uncertainty, threshold + 2 * uncertainty],
    },
    threshold,
  };
}

async function byInertia(
  operator: SymmetricOperator,
  request: NativeCountRequest,
  options: LongCallOptions,
): Promise<NativeCount> {
  const way = { via: 'auto', blockSize: 64, reduce: 'exact' } as const;
  if (isCurvatureOperator(operator)) {
    return operator.run(options, (handle, job) =>
      addon().countOperatorEigenvalues(handle, way, request, job),
    );
  }
  const matrix = await denseMatrix(operator, way.blockSize, options);
  return runJob(options, (job) =>
    addon().countMatrixEigenvalues(matrix, operator.size, request, job),
  );
}

async function byDensity(
  operator: SymmetricOperator,
  options: Omit<v.InferOutput<typeof schema>, 'method'>,
): Promise<EstimatedCount> {
  const { shift, tolerance, ...density } = options;
  const { size } = operator;
  const { probes } = await spectralDensity(operator, density);
  const norm = Math.max(...probes.flatMap(({ nodes }) => Array.from(nodes, Math.abs)));
  const unit = ritzRounding[operator.dtype ?? 'float64'];
  const threshold = shift - (tolerance ?? unit * (norm + Math.abs(shift)));
  const counts = probes.map((probe) => size * massBelow(probe, threshold));
  const count = counts.reduce((sum, each) => sum + each, 0) / counts.length;
  const squares = counts.reduce((sum, each) => sum + (each - count) ** 2, 0);
  const bounds = probes.map((probe) => size * quadratureBound(probe, threshold, density.steps));
  return {
    method: 'density',
    count,
    standardError: Math.sqrt(squares / (counts.length - 1) / counts.length),
    quadratureBound: bounds.reduce((sum, each) => sum + each, 0) / bounds.length,
    threshold,
  };
}

function massBelow({ nodes, weights }: ProbeMeasure, threshold: number): number {
  return nodes.reduce((sum, node, i) => sum + (node < threshold ? (weights[i] ?? NaN) : 0), 0);
}

/** With θ_k < τ ≤ θ_{k+1}, the exact mass below τ lies between w_1 + … + w_{k−1} and
 *  w_1 + … + w_{k+1}. */
function quadratureBound(
  { nodes, weights }: ProbeMeasure,
  threshold: number,
  steps: number,
): number {
  if (nodes.length < steps) return 0; // the Krylov space was whole
  const above = nodes.findIndex((node) => node >= threshold);
  const after = above < 0 ? nodes.length : above;
  return Math.max(weights[after - 1] ?? 0, weights[after] ?? 0);
}
