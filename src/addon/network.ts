// Networks, data, and what is computed from them at one point or at many.

import type {
  CopiedArray,
  JobOptions,
  NativeArray,
  NativeJob,
  NetworkHandle,
  OperatorHandle,
  PointHandle,
  ResultHandle,
  RowsHandle,
  SamplesHandle,
  VectorHandle,
} from './handles.js';

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
  /** One for each layer: entries and shape of a sample's output, and whether an input depends on a parameter. */
  readonly layers: readonly {
    readonly outputs: number;
    readonly shape: readonly number[];
    readonly inner: boolean;
  }[];
}

/** Some samples of the data: a run, or a list. */
export type NativeChosen = { readonly first: number; readonly count: number } | Uint32Array;

/** Points Σ_j coefficients[i, j] · basis[j]. */
export interface NativePoints {
  readonly count: number;
  /** [count, terms] */
  readonly coefficients: Float64Array;
  /** [M] each; nobody changes arrays of them meanwhile. */
  readonly basis: readonly (NativeArray | VectorHandle)[];
  /** The basis has the two ends of a line, whose length is asked for, and maybe derivatives along it. */
  readonly line?: { readonly derivatives: boolean } | undefined;
}

/** [count] each; where outputs are not finite, the loss is Infinity and the rest NaN. */
export interface NativePointValues {
  readonly losses: Float64Array;
  readonly accuracies: Float64Array;
  /** Of the ends of a line: one number. */
  readonly distance?: number;
  readonly firstDerivatives?: Float64Array;
  readonly secondDerivatives?: Float64Array;
}

export interface NetworkCalls {
  createNetwork(spec: NativeSpec, dtype: string): NetworkHandle;
  networkLayout(network: NetworkHandle): NativeLayout;
  /** A copy of `values` in this type; or, if not all are finite in it, the index of the first that is not. */
  copyVector(values: NativeArray, dtype: string): VectorHandle | number;
  /** The network's parameters as they are now, without a copy. */
  shareVector(network: NetworkHandle): VectorHandle;
  /** Into `copy`, in its type: gives the index of the first entry that is not finite there, or their number. */
  copyNumbers(values: NativeArray, copy: NativeArray): number;
  /** A copy of an array's bytes. */
  keepBytes(array: CopiedArray): VectorHandle;
  /** Copies the bytes of a vector or a result into an array that has no more of them. */
  takeBytes<Array extends CopiedArray>(
    vector: VectorHandle | ResultHandle,
    array: Array,
    options: JobOptions,
  ): NativeJob<Array>;
  /** Of an array that nothing was written to yet: its pages then come faster, and go faster. */
  preferLargePages(array: CopiedArray): void;
  /** The parameters as they are now, into `copy` [M]. */
  networkParameters(network: NetworkHandle, copy: NativeArray): void;
  /** The same on another thread. */
  copyParameters<Array extends NativeArray>(
    network: NetworkHandle,
    copy: Array,
    options: JobOptions,
  ): NativeJob<Array>;
  /** `to`, of the same layout, holds the parameters of `from` from now on. */
  shareParameters(from: NetworkHandle, to: NetworkHandle): void;
  /** Sets them, unless one is not finite in the network's type; gives its index, or the number of values. */
  setNetworkParameters(network: NetworkHandle, values: NativeArray): number;
  /** The same on another thread, of the entries of all parts, which nobody changes meanwhile. */
  loadNetworkParameters(
    network: NetworkHandle,
    parts: readonly NativeArray[],
    options: JobOptions,
  ): NativeJob<number>;
  /** The entries of all parts, which nobody changes meanwhile, into `whole`. */
  joinArrays<Array extends NativeArray>(
    parts: readonly NativeArray[],
    whole: Array,
    options: JobOptions,
  ): NativeJob<Array>;
  createSamples(samples: NativeSamples, dtype: string): SamplesHandle;
  /** Into `outputs` [count, C]. */
  predict<Array extends NativeArray>(
    network: NetworkHandle,
    inputs: NativeInputs,
    count: number,
    outputs: Array,
    options: JobOptions,
  ): NativeJob<Array>;
  openRows(rows: NativeStoredRows): RowsHandle;
  /** The rows with these indices; without, the same rows by a handle of its own. */
  selectRows(rows: RowsHandle, indices?: Uint32Array): RowsHandle;
  standardizeRows(rows: RowsHandle, scales: NativeScales): RowsHandle;
  /** All of them, into an array [count, width] of their type. */
  readRows<Array extends NativeArray>(
    rows: RowsHandle,
    array: Array,
    options: JobOptions,
  ): NativeJob<Array>;
  evaluate(
    network: NetworkHandle,
    samples: SamplesHandle,
    options: JobOptions,
  ): NativeJob<{ readonly loss: number; readonly accuracy: number }>;
  /** Into `gradient` [M]. */
  gradient<Array extends NativeArray>(
    network: NetworkHandle,
    samples: SamplesHandle,
    gradient: Array,
    options: JobOptions,
  ): NativeJob<Array>;
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
  /** Filter normalization of `direction` [M] in place, at an origin in its type. */
  normalizeFilters<Array extends NativeArray>(
    layout: readonly { readonly offset: number; readonly shape: readonly number[] }[],
    origin: VectorHandle,
    direction: Array,
    options: JobOptions,
  ): NativeJob<Array>;
  /** Of `place`, the parameters do not matter. */
  evaluatePoints(
    place: PointHandle,
    points: NativePoints,
    options: JobOptions,
  ): NativeJob<NativePointValues>;
}
