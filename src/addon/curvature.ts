// Curvature matrices as operators: products, matrices, and the losses that users write.

import type {
  JobOptions,
  LossTableHandle,
  NativeArray,
  NativeJob,
  NetworkHandle,
  OperatorHandle,
  SamplesHandle,
  VectorHandle,
} from './handles.js';

/** How a dense matrix is assembled; blockSize counts the unit vectors of the way by products. */
export interface NativeWay {
  readonly via: 'auto' | 'closedForm' | 'products' | 'gram';
  readonly blockSize: number;
  /** Of eigenvalues, eigenpairs and counts: takes out what leaves the matrix exactly. */
  readonly reduce?: 'exact' | false;
}

export interface NativeOperatorOptions {
  /** Parameters of a diagonal block: first, last (exclusive), first, last …, ascending. */
  readonly ranges?: Float64Array | undefined;
  readonly weightDecay: number;
  /** What stands for ∇²ℓ in the terms that factor it. */
  readonly root?: NativeLossRoot | undefined;
}

/** Roots of ∇²ℓ: exact, of labels drawn from the model, or of the data's labels. */
export interface NativeLossRoot {
  readonly kind: 'exact' | 'monteCarlo' | 'empirical';
  /** Labels for each sample. */
  readonly draws: number;
  readonly seed: number;
  /** Of a convolution, for Kronecker factors. */
  readonly positions?: 'expand' | 'reduce';
}

/** Σ c_i A_i + c·I, of operators of one size. */
export interface NativeCombination {
  readonly operators: readonly OperatorHandle[];
  /** c_i */
  readonly factors: Float64Array;
  /** c */
  readonly shift: number;
}

/** Of a_icc' = δ_icc'ᵀv, δ_icc' = J_iᵀ(p_i − e_c'), by weight. */
export interface NativeClassPairMoments {
  /** w_cc' [C, C] */
  readonly weights: Float64Array;
  /** δ_cc'ᵀv [count, C, C] */
  readonly means: Float64Array;
  /** Σ_i w_icc' (a_icc' − δ_cc'ᵀv)² [count, C, C] */
  readonly spreads: Float64Array;
}

/** Bytes at the peak of what an operator may be asked for, beside the operator and its data. */
export interface NativeMemory {
  /** Of `assembleOperator`. */
  readonly matrix: number;
  /** Of `operatorEigenvalues`, for a matrix that the reduction leaves of that order. */
  readonly eigenvalues: number;
  /** Of `applyOperator` with so many vectors, these and their products included. */
  readonly products: number;
  /** Of the point, which the first product leaves behind for the next ones; 0 where it is too much for that. */
  readonly kept: number;
  /** Where `operatorEigenvalues` takes a Gram matrix in place of that: its order, what it costs, and the peak. */
  readonly gram?: { readonly rows: number; readonly flops: number; readonly bytes: number };
}

export interface CurvatureCalls {
  createLossTable(operator: OperatorHandle, withHessians: boolean): LossTableHandle;
  /** ∇ℓ [count, C] and ∇²ℓ [count, C, C] of the samples from `first` on, for C outputs. */
  setLossRows(
    table: LossTableHandle,
    first: number,
    gradients: Float64Array,
    hessians: Float64Array | undefined,
    outputs: number,
  ): void;
  /** Gives the table to the operator, and releases the handle; true if all ∇²ℓ are positive semidefinite. */
  attachLossTable(
    operator: OperatorHandle,
    table: LossTableHandle,
    options: JobOptions,
  ): NativeJob<boolean>;
  createOperator(
    network: NetworkHandle,
    samples: SamplesHandle,
    term: string,
    options: NativeOperatorOptions,
  ): OperatorHandle;
  operatorSize(operator: OperatorHandle): number;
  /** Products [count, M] with vectors [count, M], of their dtype. */
  applyOperator(
    combination: NativeCombination,
    vectors: VectorHandle,
    count: number,
    options: JobOptions,
  ): NativeJob<NativeArray>;
  /** Moments along vectors [count, M] by pairs of classes (c of the sample, c'), for C classes. */
  classPairMoments(
    operator: OperatorHandle,
    vectors: NativeArray,
    count: number,
    options: JobOptions,
  ): NativeJob<NativeClassPairMoments>;
  /** What those calls hold against free memory before they begin. */
  plannedMemory(
    operator: OperatorHandle,
    way: NativeWay,
    sizes: { readonly order: number; readonly count: number },
  ): NativeMemory;
  /** [M, M] row-major */
  assembleOperator(
    operator: OperatorHandle,
    way: NativeWay,
    options: JobOptions,
  ): NativeJob<NativeArray>;
  /** [M, M] row-major, of that dtype */
  assembleCombination(
    combination: NativeCombination,
    dtype: string,
    options: JobOptions,
  ): NativeJob<NativeArray>;
  /** Whether closed forms hold for it: a chain of dense layers and pointwise functions. */
  isChain(operator: OperatorHandle): boolean;
  /** [M], of a chain */
  operatorDiagonal(operator: OperatorHandle, options: JobOptions): NativeJob<Float64Array>;
}
