// The rows that Lanczos iterations span, in native memory.

import type { NativeCombination } from './curvature.js';
import type { BasisHandle, JobOptions, NativeArray, NativeJob, OperatorHandle } from './handles.js';

export interface BasisCalls {
  /** Room for `capacity` rows of n entries. */
  createBasis(n: number, capacity: number, dtype: string): BasisHandle;
  /** Some rows into `copy` [ranks, n], on another thread. */
  copyBasisRows<Array extends NativeArray>(
    basis: BasisHandle,
    ranks: Uint32Array,
    copy: Array,
    options: JobOptions,
  ): NativeJob<Array>;
  /** Rows [to, to + count) become the first `count` of another basis, in this one's precision. */
  convertBasisRows(
    from: BasisHandle,
    count: number,
    basis: BasisHandle,
    to: number,
    options: JobOptions,
  ): NativeJob<undefined>;
  /** The operator in float32; nothing where it has no twin, or no room. */
  roundOperator(
    operator: OperatorHandle,
    options: JobOptions,
  ): NativeJob<OperatorHandle | undefined>;
  /** Some rows become those of an array [ranks, n] that nobody changes meanwhile, on another thread. */
  setBasisRows(
    basis: BasisHandle,
    ranks: Uint32Array,
    rows: NativeArray,
    options: JobOptions,
  ): NativeJob<undefined>;
  /** Rows to + i·stride become products with rows from + i·stride, i < count. */
  multiplyBasis(
    basis: BasisHandle,
    combination: NativeCombination,
    rows: {
      readonly from: number;
      readonly count: number;
      readonly to: number;
      readonly stride: number;
    },
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
}
