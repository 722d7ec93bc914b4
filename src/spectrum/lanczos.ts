// Block Lanczos with thick restart, in Rayleigh-Ritz form.
//
//   V [j, n] orthonormal rows, T = V A Vᵀ [j, j], Q the frontier: rows that follow V, not multiplied yet
//   A Vᵀ = Vᵀ T + Qᵀ R E      R [q, p]: what the last p products left outside V
//
// Each block of products is projected on all of V, not on its last two blocks only, so T is what the name
// says after restarts, random restarts and warm starts alike (Wu and Simon 2000; Stewart 2001).

import { allocate } from '../data/dtype.js';
import type { DType } from '../data/dtype.js';
import { callEngine, runJob } from '../long-call.js';
import { addon } from '../native.js';
import type { BasisHandle, NativeArray } from '../native.js';
import type { LongCallOptions } from '../progress.js';
import { vectorsOf } from './eigenpairs.js';
import type { Products } from './products.js';

/** Ritz pairs of V, ascending. */
export interface RitzPairs {
  readonly values: Float64Array;
  /** Rows [j, j]. */
  readonly coefficients: NativeArray;
  /** ‖A v − θ v‖ by the recurrence. */
  readonly residualNorms: Float64Array;
}

export interface LanczosOptions {
  readonly capacity: number;
  readonly blockSize: number;
  /** Rows beyond the capacity: the widest frontier at least. */
  readonly spare: number;
  readonly precision: DType;
  readonly seed: number;
}

export class Lanczos {
  readonly #products: Products;
  readonly #options: LanczosOptions;
  readonly #call: LongCallOptions;
  readonly #basis: BasisHandle;
  readonly #t: Float64Array;
  #rows = 0;
  #frontier = 0;
  /** R, and where the rows begin of whose products it is what was left. */
  #left: { readonly entries: Float64Array; readonly first: number; readonly count: number } = {
    entries: new Float64Array(0),
    first: 0,
    count: 0,
  };
  #draws = 0;
  /** Largest |T_ij| seen: a lower bound of ‖A‖. */
  scale = 0;
  milliseconds = 0;

  constructor(products: Products, options: LanczosOptions, call: LongCallOptions) {
    const { capacity, spare, precision } = options;
    this.#products = products;
    this.#options = options;
    this.#call = { signal: call.signal, threads: call.threads };
    this.#basis = callEngine(() => addon().createBasis(products.size, capacity + spare, precision));
    this.#t = new Float64Array(capacity ** 2);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Nothing is left outside V: its Ritz pairs are eigenpairs. */
  get complete(): boolean {
    return this.#frontier === 0;
  }

  get hasRoom(): boolean {
    return this.#frontier > 0 && this.#rows + this.#frontier <= this.#options.capacity;
  }

  dispose(): void {
    addon().releaseBasis(this.#basis);
  }

  /** Takes `start` (any vectors, as many as there are) and random ones as the frontier. */
  async start(start: NativeArray | undefined): Promise<void> {
    const { size } = this.#products;
    const given = start === undefined ? 0 : start.length / size;
    const count = Math.min(Math.max(given, this.#options.blockSize), size);
    await this.#randomize(count);
    if (start !== undefined) await this.#follow(start, given);
    await this.#orthonormalize(count);
    this.#left = { entries: new Float64Array(0), first: 0, count: 0 };
  }

  /** Takes all rows of another run's V as the frontier, in whatever precision they are. */
  async startFrom(other: Lanczos): Promise<void> {
    const [rows, count] = [this.#rows, other.rows];
    await this.#run((job) => addon().convertBasisRows(other.#basis, count, this.#basis, rows, job));
    await this.#orthonormalize(count);
    this.#left = { entries: new Float64Array(0), first: 0, count: 0 };
  }

  /** One block of products. */
  async step(): Promise<void> {
    const [first, count] = [this.#rows, this.#frontier];
    const { capacity } = this.#options;
    await this.#products.multiplyRows(this.#basis, first, count, first + count);
    this.#rows = first + count;
    const c = await this.#orthonormalize(count, Math.min(this.#rows, 2 * count));
    const width = this.#rows + count;
    for (let i = 0; i < count; i += 1) {
      for (let j = 0; j < this.#rows; j += 1) {
        // Inside the diagonal block both (i, j) and (j, i) were computed: their mean.
        const value = c[i * width + j] ?? NaN;
        const other = j < first ? value : (c[(j - first) * width + first + i] ?? NaN);
        const entry = (value + other) / 2;
        this.#t[(first + i) * capacity + j] = entry;
        this.#t[j * capacity + first + i] = entry;
        this.scale = Math.max(this.scale, Math.abs(entry));
      }
    }
    const entries = new Float64Array(count * count);
    for (let i = 0; i < count; i += 1) {
      for (let j = 0; j < count; j += 1) {
        entries[i * count + j] = c[i * width + this.#rows + j] ?? NaN;
      }
    }
    this.#left = { entries, first, count };
  }

  async ritzPairs(): Promise<RitzPairs> {
    const j = this.#rows;
    const { capacity } = this.#options;
    const t = new Float64Array(j * j);
    for (let i = 0; i < j; i += 1) {
      t.set(this.#t.subarray(i * capacity, i * capacity + j), i * j);
    }
    const range = { first: 0, last: j };
    const pairs = await this.#run((job) => addon().matrixEigenpairs(t, j, range, job));
    const coefficients = await vectorsOf(pairs, { size: j }, this.#call.signal);
    const residualNorms = pairs.values.map((_, k) => this.#residual(coefficients, k));
    for (const value of pairs.values) this.scale = Math.max(this.scale, Math.abs(value));
    return { values: pairs.values, coefficients, residualNorms };
  }

  /** Keeps the chosen Ritz pairs as the first rows of V; the frontier follows, or random rows do. */
  async restart(
    ritz: RitzPairs,
    kept: readonly number[],
    frontier: 'residual' | 'random',
  ): Promise<void> {
    const j = this.#rows;
    const { capacity } = this.#options;
    const s = new Float64Array(kept.length * j);
    kept.forEach((k, row) => {
      s.set(ritz.coefficients.subarray(k * j, (k + 1) * j), row * j);
    });
    const moved = this.#frontier;
    await this.#run((job) => addon().rotateBasis(this.#basis, j, kept.length, s, moved, job));
    this.#t.fill(0);
    kept.forEach((k, row) => {
      this.#t[row * (capacity + 1)] = ritz.values[k] ?? NaN;
    });
    this.#rows = kept.length;
    if (frontier === 'random') await this.start(undefined);
  }

  /** ‖A v − θ v‖ of the first rows, recomputed, and these residuals as the frontier. Only after a restart
   *  that kept these rows. */
  async trueResiduals(values: Float64Array): Promise<Float64Array> {
    const count = values.length;
    const norms = new Float64Array(count);
    const block = Math.max(1, Math.min(this.#options.blockSize, count));
    for (let first = 0; first < count; first += block) {
      const some = Math.min(block, count - first);
      await this.#products.multiplyRows(this.#basis, first, some, count + first);
    }
    norms.set(await this.#run((job) => addon().basisResiduals(this.#basis, count, values, job)));
    return norms;
  }

  /** The residuals of the first rows of V that are given by their ranks become the frontier. Only after
   *  {@link trueResiduals}. */
  async continueFrom(ranks: readonly number[]): Promise<void> {
    const kept = this.#rows;
    await this.#follow(await this.vectors(ranks.map((rank) => kept + rank)), ranks.length);
    await this.#orthonormalize(ranks.length);
    this.#left = { entries: new Float64Array(0), first: 0, count: 0 };
  }

  /** Some rows of V [ranks, size]. */
  async vectors(ranks: readonly number[]): Promise<Float64Array | Float32Array> {
    const length = ranks.length * this.#products.size;
    const rows = allocate(this.#options.precision, length);
    return this.#run((job) =>
      addon().copyBasisRows(this.#basis, Uint32Array.from(ranks), rows, job),
    );
  }

  /** The rows that follow V become `count` vectors. */
  async #follow(vectors: NativeArray, count: number): Promise<void> {
    const places = Uint32Array.from({ length: count }, (_, i) => this.#rows + i);
    await this.#run((job) => addon().setBasisRows(this.#basis, places, vectors, job));
  }

  #residual(coefficients: NativeArray, k: number): number {
    const { entries, first, count } = this.#left;
    let square = 0;
    for (let q = 0; q < count; q += 1) {
      let sum = 0;
      for (let p = 0; p < count; p += 1) {
        sum += (entries[p * count + q] ?? 0) * (coefficients[k * this.#rows + first + p] ?? 0);
      }
      square += sum * sum;
    }
    return Math.sqrt(square);
  }

  async #randomize(count: number): Promise<void> {
    this.#draws += 1;
    const seed = this.#options.seed * 7919 + this.#draws;
    await this.#run((job) =>
      addon().randomizeBasis(this.#basis, this.#rows, count, seed, 'normal', job),
    );
  }

  async #orthonormalize(count: number, near = 0): Promise<Float64Array> {
    const { precision, seed } = this.#options;
    const unit =
      precision === 'float32' || this.#products.dtype === 'float32' ? 2 ** -23 : 2 ** -52;
    this.#draws += 1;
    const rows = {
      base: 0,
      first: this.#rows,
      count,
      near,
      // What rounding of the products leaves is no direction of the Krylov space.
      least: 10 * unit * this.scale,
      seed: seed * 7919 + this.#draws,
    };
    const c = await this.#run((job) => addon().orthonormalizeBasis(this.#basis, rows, job));
    this.#frontier = Math.min(count, this.#products.size - this.#rows);
    return c;
  }

  async #run<Result>(start: Parameters<typeof runJob<Result>>[1]): Promise<Result> {
    const started = performance.now();
    const result = await runJob(this.#call, start);
    this.milliseconds += performance.now() - started;
    return result;
  }
}
