// Forms of random vectors with an operator of which products are known, in a basis of the engine.

import type { DType } from '../data/dtype.js';
import { callEngine, runJob } from '../long-call.js';
import { addon } from '../native.js';
import type { BasisHandle } from '../native.js';
import type { LongCallOptions } from '../progress.js';
import type { Products } from './products.js';

/** Forms of random vectors z of ±1, each made orthogonal to `sketch` rows Q that span what they can of A. */
export class RandomForms {
  readonly #products: Products;
  readonly #sketch: number;
  readonly #seed: number;
  readonly #call: LongCallOptions;
  readonly #basis: BasisHandle;

  constructor(products: Products, sketch: number, seed: number, call: LongCallOptions) {
    this.#products = products;
    this.#sketch = sketch;
    this.#seed = seed;
    this.#call = { signal: call.signal, threads: call.threads };
    const rows = Math.max(2 * sketch, sketch + 2);
    this.#basis = callEngine(() => addon().createBasis(products.size, rows, 'float64'));
  }

  dispose(): void {
    addon().releaseBasis(this.#basis);
  }

  /** Q = orth(A S) for S of ±1; returns tr(Q A Qᵀ). */
  async spanRange(): Promise<number> {
    const count = this.#sketch;
    const seed = 2 * this.#seed + 1;
    const basis = this.#basis;
    await this.#run((job) => addon().randomizeBasis(basis, count, count, seed, 'rademacher', job));
    await this.#products.multiplyRows(basis, count, count, 0);
    const squares = await this.#run((job) => addon().basisProducts(basis, 0, count, 0, count, job));
    const rows = Array.from({ length: count }, (_, i) =>
      Array.from(squares.subarray(i * count, (i + 1) * count)),
    );
    const least = negligible(rows, this.#products.dtype);
    const run = { base: 0, first: 0, count, least, seed };
    await this.#run((job) => addon().orthonormalizeBasis(basis, run, job));
    await this.#products.multiplyRows(basis, 0, count, count);
    const q = await this.#run((job) => addon().basisProducts(basis, count, count, 0, count, job));
    return Array.from({ length: count }, (_, i) => q[i * (count + 1)] ?? NaN).reduce(
      (a, b) => a + b,
    );
  }

  /** zᵀAz or ‖Az‖² for `count` vectors z. */
  async forms(count: number, form: 'zAz' | '‖Az‖²'): Promise<number[]> {
    const at = this.#sketch;
    const basis = this.#basis;
    const values: number[] = [];
    for (let k = 0; k < count; k += 1) {
      const seed = 2 * this.#seed + 7919 * (k + 1);
      await this.#run((job) => addon().randomizeBasis(basis, at, 1, seed, 'rademacher', job));
      const run = { base: 0, first: at, count: 1, least: 0, seed };
      const c = await this.#run((job) => addon().orthonormalizeBasis(basis, run, job));
      const square = (c[at] ?? NaN) ** 2; // of the length of z
      await this.#products.multiplyRows(basis, at, 1, at + 1);
      const other = form === 'zAz' ? at : at + 1;
      const [value = NaN] = await this.#run((job) =>
        addon().basisProducts(basis, at + 1, 1, other, 1, job),
      );
      values.push(square * value);
    }
    return values;
  }

  async #run<Result>(start: Parameters<typeof runJob<Result>>[1]): Promise<Result> {
    return runJob(this.#call, start);
  }
}

/** What may remain of products after Gram-Schmidt when they are dependent: rounding of the longest, whose
 *  directions are not orthogonal to anything. `gram` holds their inner products. */
export function negligible(gram: readonly (readonly number[])[], dtype: DType): number {
  const square = Math.max(...gram.map((row, i) => row[i] ?? NaN));
  const unit = dtype === 'float32' ? 2 ** -23 : 2 ** -52;
  return Math.max(Number.MIN_VALUE, 8 * gram.length * unit * Math.sqrt(square));
}

/** Mean of independent values, and its standard error. */
export function mean(values: readonly number[]): { value: number; standardError: number } {
  const count = values.length;
  const value = values.reduce((sum, x) => sum + x, 0) / count;
  const square = values.reduce((sum, x) => sum + (x - value) ** 2, 0);
  return { value, standardError: Math.sqrt(square / (count - 1) / count) };
}
