// Spectra of dense matrices.

import type { NativeWay } from './curvature.js';
import type {
  JobOptions,
  NativeArray,
  NativeJob,
  OperatorHandle,
  PointHandle,
  ResultHandle,
} from './handles.js';

export interface NativeSpectrum {
  readonly eigenvalues: Float64Array;
  readonly exactZeros: number;
  /** ‖A‖_F */
  readonly norm: number;
  /** Σ over samples of the sizes of their shares before anything cancels; 0 for a given matrix. */
  readonly magnitude: number;
  /** Roundings behind one entry of the matrix, at most. */
  readonly operations: number;
  readonly via: string;
  /** Of the matrix that was solved, where it is another than the operator's: a Gram matrix. */
  readonly order?: number;
  /** Norm of what the reduction changed. */
  readonly reductionError: number;
  readonly stages: readonly { readonly stage: string; readonly seconds: number }[];
  readonly reduction?: NativeReduction;
}

/** What leaves a matrix exactly. */
export interface NativeReduction {
  /** Order of the matrix that is left. */
  readonly size: number;
  /** One for each dense layer in the matrix, and each group of a convolution, in order. */
  readonly maps: readonly NativeReducedMap[];
}

export interface NativeReducedMap {
  /** One of its rows in the whole matrix. */
  readonly row: number;
  readonly units: number;
  /** Units that are not dead. */
  readonly liveUnits: number;
  /** Whether softmax takes another one. */
  readonly contracted: boolean;
  /** Inputs in the matrix, the 1 of the bias among them. */
  readonly inputs: number;
  readonly keptInputs: number;
  /** Of the inputs that nothing changes, where they span fewer dimensions. */
  readonly basis?: {
    readonly width: number;
    readonly rank: number;
    readonly tolerance: number;
    readonly smallestKept: number;
    readonly largestDropped: number;
    readonly distance: number;
  };
}

export interface NativeMatrixFault {
  readonly kind: 'notFinite' | 'asymmetric';
  readonly row: number;
  readonly column: number;
}

export interface NativeEigenpairs {
  readonly values: Float64Array;
  /** [values, n]; where they are many, a handle of them. */
  readonly vectors: NativeArray | ResultHandle;
  readonly residualNorms: Float64Array;
}

/** Ascending ranks [first, last). */
export interface NativeRange {
  readonly first: number;
  readonly last: number;
}

/** Rows of all points for one term; numbers are NaN where a point failed. */
export interface NativeTermSpectra {
  /** [count, M] */
  readonly eigenvalues: Float64Array;
  /** [count], and so on: see NativeSpectrum. */
  readonly exactZeros: Float64Array;
  readonly norms: Float64Array;
  readonly magnitudes: Float64Array;
}

export interface NativeSpectra {
  /** [count] */
  readonly losses: Float64Array;
  readonly operations: number;
  /** One for each term that was asked. */
  readonly terms: readonly NativeTermSpectra[];
  readonly failed: readonly { readonly point: number; readonly message: string }[];
}

/** The threshold is shift − tolerance; without one, the tolerance is twice the uncertainty. */
export interface NativeCountRequest {
  readonly shift: number;
  readonly tolerance: number | undefined;
}

/** Ascending ranks before `lower` are below the threshold, those from `upper` on are not, and those between
 *  lie within twice the uncertainty of it. */
export interface NativeCount {
  readonly lower: number;
  readonly upper: number;
  readonly threshold: number;
  readonly uncertainty: number;
}

export interface SpectrumCalls {
  /** Eigenvalues below a threshold, by inertia. */
  countOperatorEigenvalues(
    operator: OperatorHandle,
    way: NativeWay,
    request: NativeCountRequest,
    options: JobOptions,
  ): NativeJob<NativeCount>;
  /** matrix [n, n], copied */
  countMatrixEigenvalues(
    matrix: NativeArray,
    n: number,
    request: NativeCountRequest,
    options: JobOptions,
  ): NativeJob<NativeCount>;
  operatorReduction(
    operator: OperatorHandle,
    options: JobOptions,
  ): NativeJob<NativeReduction | undefined>;
  operatorEigenvalues(
    operator: OperatorHandle,
    way: NativeWay,
    options: JobOptions,
  ): NativeJob<NativeSpectrum>;
  /** Without what the reduction takes out, as `way.reduce` says; zeros are filled in. */
  operatorEigenpairs(
    operator: OperatorHandle,
    way: NativeWay,
    range: NativeRange,
    options: JobOptions,
  ): NativeJob<NativeEigenpairs>;
  /** matrix [n, n], copied */
  /** (A + Aᵀ)/2 in place, or the entry for which A is refused: one that is not finite, or that differs from its
   *  mirror image by more than `tolerance` times the largest. */
  symmetrizeMatrix(
    matrix: NativeArray,
    n: number,
    tolerance: number,
    options: JobOptions,
  ): NativeJob<NativeMatrixFault | undefined>;
  /** Of (A + Aᵀ)/2, or why A is refused, as symmetrizeMatrix has it. Overwrites the matrix unless `keeps`; then nobody
   *  may change it meanwhile. */
  matrixEigenvalues(
    matrix: NativeArray,
    n: number,
    way: { readonly tolerance: number; readonly keeps: boolean },
    options: JobOptions,
  ): NativeJob<NativeSpectrum | NativeMatrixFault>;
  matrixEigenpairs(
    matrix: NativeArray,
    n: number,
    range: NativeRange,
    options: JobOptions,
  ): NativeJob<NativeEigenpairs>;
  /** points [count, M]; of `place`, the parameters do not matter */
  spectra(
    place: PointHandle,
    points: NativeArray,
    terms: readonly string[],
    options: JobOptions,
  ): NativeJob<NativeSpectra>;
}
