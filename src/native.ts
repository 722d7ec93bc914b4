// The only file that loads the addon, and the types of what it exports.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { EigenscapeError } from './errors.js';

declare const networkBrand: unique symbol;
declare const samplesBrand: unique symbol;
declare const operatorBrand: unique symbol;
declare const trainerBrand: unique symbol;
declare const pointBrand: unique symbol;
declare const lossTableBrand: unique symbol;
declare const basisBrand: unique symbol;
declare const rowsBrand: unique symbol;

/** Opaque native objects, freed by the garbage collector. */
export interface NetworkHandle {
  readonly [networkBrand]: true;
}
export interface SamplesHandle {
  readonly [samplesBrand]: true;
}
export interface OperatorHandle {
  readonly [operatorBrand]: true;
}
/** Rows of inputs in files that are held open. */
export interface RowsHandle {
  readonly [rowsBrand]: true;
}
/** A network's parameters, copied, with data. */
export interface PointHandle {
  readonly [pointBrand]: true;
}
export interface LossTableHandle {
  readonly [lossTableBrand]: true;
}

/** Orthonormal rows of Lanczos iterations. */
export interface BasisHandle {
  readonly [basisBrand]: true;
}

export interface TrainerHandle {
  readonly [trainerBrand]: true;
}

export type NativeArray = Float64Array | Float32Array;
/** Inputs [count, width], in memory or in files. */
export type NativeInputs = NativeArray | RowsHandle;

/** Rows of `width` elements in files, laid end to end: `stride` bytes from one to the next, each element
 *  divided by `divisor`. */
export interface NativeStoredRows {
  /** Kind and bytes, as numpy writes them: 'u1', 'f4' … */
  readonly element: string;
  /** Whether the bytes are in the other order than this machine's. */
  readonly swapped: boolean;
  readonly divisor: number;
  readonly width: number;
  readonly stride: number;
  readonly dtype: string;
  readonly parts: readonly {
    readonly path: string;
    /** Bytes of the file, and its time of modification in nanoseconds: another file is refused. */
    readonly size: number;
    readonly modified: bigint;
    /** Of the first row. */
    readonly offset: number;
    readonly count: number;
  }[];
}

/** μ and σ of every column, or the rows that they are taken over when they are first needed. */
export type NativeScales =
  | { readonly means: Float64Array; readonly deviations: Float64Array }
  | readonly { readonly rows: RowsHandle; readonly weights?: Float64Array | undefined }[];

/** A layer: which values it reads (0 is the network's input, i + 1 layer i), numbers as attributes. */
export interface NativeLayer {
  readonly type: string;
  readonly name: string;
  readonly inputs: readonly number[];
  readonly attributes: Readonly<Record<string, number | readonly number[]>>;
}

export interface NativeSpec {
  readonly input: readonly number[];
  readonly layers: readonly NativeLayer[];
  readonly loss: {
    readonly type: string;
    readonly classWeights?: readonly number[] | undefined;
    readonly labelSmoothing?: number | undefined;
  };
}

export interface NativeSamples {
  readonly count: number;
  readonly inputSize: number;
  /** [count, inputSize] */
  readonly inputs: NativeInputs;
  /** [count], −1 where ignored; or rows instead. */
  readonly classes?: Int32Array;
  /** [count, outputs] */
  readonly rows?: Float64Array;
  /** [count] */
  readonly weights?: Float64Array | undefined;
}

export interface NativeLayout {
  readonly parameterCount: number;
  readonly outputSize: number;
  readonly tensors: readonly {
    readonly layer: number;
    readonly tensor: string;
    readonly shape: readonly number[];
    readonly offset: number;
  }[];
}

/** What a job is given beside its arguments; threads 0 means the default. */
export interface JobOptions {
  readonly threads: number;
  readonly onProgress?: ((stage: string, done: number, total: number) => void) | undefined;
}

/** A running job: `cancel` asks it to stop, which rejects `promise` with ERR_ABORTED. */
export interface NativeJob<Result> {
  readonly promise: Promise<Result>;
  readonly cancel: () => void;
}

/** How a dense matrix is assembled; blockSize counts the unit vectors of the way by products. */
export interface NativeWay {
  readonly via: 'auto' | 'closedForm' | 'products';
  readonly blockSize: number;
}

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
}

export interface NativeEigenpairs {
  readonly values: Float64Array;
  /** [values, n] */
  readonly vectors: NativeArray;
  readonly residualNorms: Float64Array;
}

/** Some samples of the data: a run, or a list. */
export type NativeChosen = { readonly first: number; readonly count: number } | Uint32Array;

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

/** Ascending ranks [first, last). */
export interface NativeRange {
  readonly first: number;
  readonly last: number;
}

/** The numbers of an optimizer, but for its learning rate. */
export type NativeRule =
  | {
      readonly kind: 'sgd';
      readonly weightDecay: number;
      readonly momentum: number;
      readonly dampening: number;
      readonly nesterov: boolean;
    }
  | {
      readonly kind: 'adam';
      readonly weightDecay: number;
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      readonly decoupled: boolean;
      readonly amsgrad: boolean;
    };

/** Which samples each step takes. */
export interface NativeBatchOrder {
  readonly kind: 'sequential' | 'shuffled' | 'withReplacement';
  readonly samples: number;
  /** Samples per batch. */
  readonly size: number;
  readonly seed: number;
  readonly phase: number;
}

/** A stretch of steps. */
export interface NativeStepPlan {
  readonly rule: NativeRule;
  readonly order: NativeBatchOrder;
  /** The step at which the phase began: batches count from it. */
  readonly phaseStart: number;
  readonly firstStep: number;
  readonly steps: number;
  /** One for each of the steps, or one for all. */
  readonly learningRates: Float64Array;
  /** Negative: never stop. */
  readonly stopAtGradientNorm: number;
}

export interface NativeStepOutcome {
  readonly steps: number;
  readonly stopped: boolean;
  readonly loss: number;
  readonly gradientNorm: number;
}

/** v of sgd; m, v and the largest v of adam; each [M]. `updates` were made on them. */
export interface NativeTrainerState {
  readonly updates: number;
  readonly moments: readonly NativeArray[];
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

/** How runs from many points ended. */
export interface NativeRuns {
  /** [count, M] */
  readonly parameters: NativeArray;
  /** [count], and so on */
  readonly losses: Float64Array;
  readonly gradientNorms: Float64Array;
  readonly steps: Float64Array;
  readonly stoppedBy: readonly ('steps' | 'gradientNorm' | 'diverged')[];
  readonly failed: readonly { readonly point: number; readonly message: string }[];
}

/** Points Σ_j coefficients[i, j] · basis[j], and the direction of the derivatives, if any. */
export interface NativePoints {
  readonly count: number;
  /** [count, terms] */
  readonly coefficients: Float64Array;
  /** [terms, M] */
  readonly basis: NativeArray;
  /** [M] */
  readonly direction?: NativeArray | undefined;
}

/** [count] each; where outputs are not finite, the loss is Infinity and the rest NaN. */
export interface NativePointValues {
  readonly losses: Float64Array;
  readonly accuracies: Float64Array;
  readonly firstDerivatives?: Float64Array;
  readonly secondDerivatives?: Float64Array;
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

export interface Machine {
  readonly version: string;
  readonly blas: string;
  readonly kernel: string;
  readonly threads: number;
  /** Bytes. */
  readonly freeMemory: number;
}

export interface Addon {
  createNetwork(spec: NativeSpec, dtype: string): NetworkHandle;
  networkLayout(network: NetworkHandle): NativeLayout;
  networkParameters(network: NetworkHandle): NativeArray;
  setNetworkParameters(network: NetworkHandle, values: NativeArray): void;
  createSamples(samples: NativeSamples, dtype: string): SamplesHandle;
  predict(
    network: NetworkHandle,
    inputs: NativeInputs,
    count: number,
    options: JobOptions,
  ): NativeJob<NativeArray>;
  openRows(rows: NativeStoredRows): RowsHandle;
  /** The rows with these indices; without, the same rows by a handle of its own. */
  selectRows(rows: RowsHandle, indices?: Uint32Array): RowsHandle;
  standardizeRows(rows: RowsHandle, scales: NativeScales): RowsHandle;
  /** All of them [count, width] */
  readRows(rows: RowsHandle, options: JobOptions): NativeJob<NativeArray>;
  evaluate(
    network: NetworkHandle,
    samples: SamplesHandle,
    options: JobOptions,
  ): NativeJob<{ readonly loss: number; readonly accuracy: number }>;
  gradient(
    network: NetworkHandle,
    samples: SamplesHandle,
    options: JobOptions,
  ): NativeJob<{ readonly loss: number; readonly gradient: NativeArray }>;
  /** Goes on from the network's parameters; the network must be written by nobody else. */
  createTrainer(
    network: NetworkHandle,
    samples: SamplesHandle,
    start: NativeTrainerState,
  ): TrainerHandle;
  runTrainer(
    trainer: TrainerHandle,
    plan: NativeStepPlan,
    options: JobOptions,
  ): NativeJob<NativeStepOutcome>;
  /** One step, whose loss and gradient come from elsewhere. */
  takeStep(
    trainer: TrainerHandle,
    plan: NativeStepPlan,
    given: { readonly loss: number; readonly gradient: NativeArray },
    options: JobOptions,
  ): NativeJob<NativeStepOutcome>;
  trainerState(trainer: TrainerHandle): NativeTrainerState;
  releaseTrainer(trainer: TrainerHandle): void;
  /** The samples of the batch of a step, counted within the phase. */
  batchSamples(order: NativeBatchOrder, step: number): Uint32Array;
  createPoint(network: NetworkHandle, samples: SamplesHandle): PointHandle;
  /** Outputs [count, C] of the chosen samples. */
  outputsAt(
    place: PointHandle | OperatorHandle,
    chosen: NativeChosen,
    options: JobOptions,
  ): NativeJob<NativeArray>;
  /** Σ_n J_nᵀ f̄_n [M] for f̄ [count, C] at the chosen samples. */
  pullBack(
    place: PointHandle | OperatorHandle,
    chosen: NativeChosen,
    fBar: NativeArray,
    options: JobOptions,
  ): NativeJob<NativeArray>;
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
  /** Products [count, M]. Vectors [count, M] of the operator's dtype, read where they are: they must not change
   *  before the job has settled. */
  applyOperator(
    operator: OperatorHandle,
    vectors: NativeArray,
    count: number,
    options: JobOptions,
  ): NativeJob<NativeArray>;
  /** Index of the first entry that is infinite or NaN; the length if none is. */
  firstNotFinite(array: NativeArray): number;
  /** [M, M] row-major */
  assembleOperator(
    operator: OperatorHandle,
    way: NativeWay,
    options: JobOptions,
  ): NativeJob<NativeArray>;
  /** Whether closed forms hold for it: a chain of dense layers and pointwise functions. */
  isChain(operator: OperatorHandle): boolean;
  /** [M], of a chain */
  operatorDiagonal(operator: OperatorHandle, options: JobOptions): NativeJob<Float64Array>;
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
  operatorEigenvalues(
    operator: OperatorHandle,
    way: NativeWay,
    options: JobOptions,
  ): NativeJob<NativeSpectrum>;
  operatorEigenpairs(
    operator: OperatorHandle,
    way: NativeWay,
    range: NativeRange,
    options: JobOptions,
  ): NativeJob<NativeEigenpairs>;
  /** matrix [n, n], copied */
  matrixEigenvalues(matrix: NativeArray, n: number, options: JobOptions): NativeJob<NativeSpectrum>;
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
  /** starting points [count, M]; of `place`, the parameters do not matter. Run i takes the plan's seed + i. */
  trainMany(
    place: PointHandle,
    points: NativeArray,
    plan: NativeStepPlan,
    options: JobOptions,
  ): NativeJob<NativeRuns>;
  /** Of `place`, the parameters do not matter. */
  evaluatePoints(
    place: PointHandle,
    points: NativePoints,
    options: JobOptions,
  ): NativeJob<NativePointValues>;
  /** Lets go of what a handle holds; later calls with it are ERR_DISPOSED. */
  release(
    handle:
      NetworkHandle | OperatorHandle | SamplesHandle | PointHandle | LossTableHandle | RowsHandle,
  ): void;
  /** Room for `capacity` rows of n entries. */
  createBasis(n: number, capacity: number, dtype: string): BasisHandle;
  /** [count, n] */
  basisRows(basis: BasisHandle, first: number, count: number): NativeArray;
  setBasisRows(basis: BasisHandle, first: number, rows: NativeArray): void;
  /** Rows from `to` on become the operator's products with `count` rows from `from` on. */
  multiplyBasis(
    basis: BasisHandle,
    operator: OperatorHandle,
    from: number,
    count: number,
    to: number,
    options: JobOptions,
  ): NativeJob<undefined>;
  randomizeBasis(
    basis: BasisHandle,
    first: number,
    count: number,
    seed: number,
    entries: 'normal' | 'rademacher',
    options: JobOptions,
  ): NativeJob<undefined>;
  /** Rows W from `first` on become orthonormal, and orthogonal to V, the rows before them from `base` on;
   *  gives C [count, first − base + count] with W = C·(V, W'), where a row of which less than `least`
   *  remains is a random one instead, with 0 on C's diagonal. */
  orthonormalizeBasis(
    basis: BasisHandle,
    rows: {
      readonly base: number;
      readonly first: number;
      readonly count: number;
      /** Rows before W against which it is taken first, those that hold nearly all of it: 0 by default. */
      readonly near?: number;
      readonly least: number;
      readonly seed: number;
    },
    options: JobOptions,
  ): NativeJob<Float64Array>;
  /** The first `from` rows become s [to, from] times them; `moved` rows after them follow. */
  rotateBasis(
    basis: BasisHandle,
    from: number,
    to: number,
    s: Float64Array,
    moved: number,
    options: JobOptions,
  ): NativeJob<undefined>;
  /** Rows w from `first` on become w_i − θ_i v_i, v the rows from 0 on; gives their norms. */
  basisResiduals(
    basis: BasisHandle,
    first: number,
    theta: Float64Array,
    options: JobOptions,
  ): NativeJob<Float64Array>;
  /** Inner products [count, others] of rows. */
  basisProducts(
    basis: BasisHandle,
    first: number,
    count: number,
    base: number,
    others: number,
    options: JobOptions,
  ): NativeJob<Float64Array>;
  /** `probes` runs of `stride` rows: row step + 1 of each holds Av and becomes the next Lanczos vector.
   *  [probes, 3]: α, β (0 where less than its entry of `leasts` remained) and ‖Av‖². */
  advanceProbes(
    basis: BasisHandle,
    probes: number,
    stride: number,
    step: number,
    leasts: Float64Array,
    options: JobOptions,
  ): NativeJob<Float64Array>;
  releaseBasis(basis: BasisHandle): void;
  machine(): Machine;
  /** Flops per second of a product of two n × n matrices. */
  measureGemm(n: number, dtype: string, options: JobOptions): NativeJob<number>;
}

let loaded: Addon | undefined;

/** The addon, loaded at the first call: what is built here (build/Release), else what is prebuilt.
 *  @throws EigenscapeError ERR_ADDON with what was looked for and what helps */
export function addon(): Addon {
  loaded ??= load();
  return loaded;
}

function load(): Addon {
  const root = fileURLToPath(new URL('..', import.meta.url));
  try {
    const require = createRequire(import.meta.url);
    const find = require('node-gyp-build') as (directory: string) => Addon;
    return find(root);
  } catch (cause) {
    throw new EigenscapeError(
      'ERR_ADDON',
      `the native addon of eigenscape could not be loaded for ${process.platform}-${process.arch} ` +
        `(Node ${process.version}): ${cause instanceof Error ? cause.message : String(cause)}; ` +
        'in a clone of the repository, `npm run setup` builds it',
      { cause, details: { root, platform: process.platform, arch: process.arch } },
    );
  }
}
