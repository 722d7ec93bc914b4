// Opaque native objects, arrays and jobs, of which the calls of all rooms are made.

declare const networkBrand: unique symbol;
declare const samplesBrand: unique symbol;
declare const operatorBrand: unique symbol;
declare const trainerBrand: unique symbol;
declare const pointBrand: unique symbol;
declare const lossTableBrand: unique symbol;
declare const basisBrand: unique symbol;
declare const rowsBrand: unique symbol;
declare const vectorBrand: unique symbol;
declare const resultBrand: unique symbol;

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

/** Numbers of a caller as they were when they were copied, or parameters of a network. */
export interface VectorHandle {
  readonly [vectorBrand]: true;
}

/** What a job has computed, too large to be copied on this thread. */
export interface ResultHandle {
  readonly [resultBrand]: true;
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

/** What is copied byte by byte. */
export type CopiedArray = NativeArray | Uint8Array;

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
