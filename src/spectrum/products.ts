// Products of an operator that is known by them alone: counted, checked, and probed before first use.

import { combinationOf } from '../curvature/combination.js';
import type { Combination } from '../curvature/combination.js';
import { alone, isCurvatureOperator } from '../curvature/operator.js';
import type { SymmetricOperator } from '../curvature/operator.js';
import type { DType } from '../data/dtype.js';
import { createRandom } from '../data/random.js';
import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import { inPieces } from '../in-pieces.js';
import { runJob, throwIfAborted, untilAborted } from '../long-call.js';
import { addon } from '../native.js';
import type { BasisHandle, OperatorHandle } from '../native.js';
import { requireArray } from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { requireOperator } from './dense-matrix.js';

/** |⟨u, Av⟩ − ⟨v, Au⟩| against ‖u‖‖Av‖ + ‖v‖‖Au‖, and entries of two products of one vector against the
 *  largest: rounding stays far below. */
const tolerated: Readonly<Record<DType, number>> = { float64: 1e-9, float32: 1e-4 };

type Vectors = Float64Array | Float32Array;

export class Products {
  readonly size: number;
  readonly dtype: DType;
  /** Products with single vectors so far. */
  count = 0;
  /** Milliseconds spent in them. */
  milliseconds = 0;
  readonly #call: string;
  readonly #operator: SymmetricOperator;
  /** The operator as the engine knows it; nothing of a user's. */
  readonly #own: Combination | undefined;
  readonly #options: LongCallOptions;
  /** What is multiplied by in its place. */
  readonly #twin: OperatorHandle | undefined;

  private constructor(
    call: string,
    operator: SymmetricOperator,
    options: LongCallOptions,
    twin?: OperatorHandle,
  ) {
    this.#call = call;
    this.#operator = operator;
    this.#own = combinationOf(operator);
    this.#options = { signal: options.signal, threads: options.threads };
    this.#twin = twin;
    this.size = operator.size;
    this.dtype = twin === undefined ? (operator.dtype ?? 'float64') : 'float32';
  }

  /** Probes a user's operator once; the library's own are symmetric by construction.
   *  @throws EigenscapeError ERR_NUMERIC, the message says which failed */
  static async of(
    call: string,
    operator: SymmetricOperator,
    options: LongCallOptions,
  ): Promise<Products> {
    requireOperator(operator);
    const products = new Products(call, operator, options);
    if (!products.isOwn) await products.#probe();
    return products;
  }

  /** Products with the operator rounded to float32, by {@link multiplyRows} alone; `undefined` where there is
   *  none. The caller disposes of them. */
  async rounded(): Promise<Products | undefined> {
    const operator = this.#operator;
    if (!isCurvatureOperator(operator) || this.dtype !== 'float64') return undefined;
    const twin = await operator.run(this.#options, (handle, job) =>
      addon().roundOperator(handle, job),
    );
    return twin && new Products(this.#call, operator, this.#options, twin);
  }

  dispose(): void {
    if (this.#twin !== undefined) addon().release(this.#twin);
  }

  /** Whether the operator is the library's, or made of such, which neither keeps nor changes what it is given. */
  get isOwn(): boolean {
    return this.#own !== undefined;
  }

  /** A·v for the rows v of `vectors` [count, size], finite, in the operator's own array or a copy. */
  async apply(vectors: Vectors): Promise<Vectors> {
    const { signal } = this.#options;
    throwIfAborted(signal);
    const count = vectors.length / this.size;
    const given = this.dtype === 'float32' ? new Float32Array(vectors) : vectors;
    const started = performance.now();
    // A user's operator may not hear the signal: what it still computes is dropped.
    const result: unknown = await untilAborted(
      this.#operator.apply(given, count, this.#options),
      signal,
    );
    this.milliseconds += performance.now() - started;
    this.count += count;
    throwIfAborted(signal);
    return this.#checked(result, vectors.length);
  }

  /** Rows to + i·stride of a basis become A times rows from + i·stride, i < count. The library's own operators
   *  read and write them in native memory. */
  async multiplyRows(
    basis: BasisHandle,
    from: number,
    count: number,
    to: number,
    stride = 1,
  ): Promise<void> {
    if (this.#own === undefined) {
      await this.#multiplyCopies(basis, from, count, to, stride);
      return;
    }
    throwIfAborted(this.#options.signal);
    const started = performance.now();
    const twin = this.#twin && alone(this.#twin);
    await this.#own.run(this.#options, (combination, job) =>
      addon().multiplyBasis(basis, twin ?? combination, { from, count, to, stride }, job),
    );
    this.milliseconds += performance.now() - started;
    this.count += count;
  }

  async #multiplyCopies(
    basis: BasisHandle,
    from: number,
    count: number,
    to: number,
    stride: number,
  ): Promise<void> {
    const places = (first: number) =>
      Uint32Array.from({ length: count }, (_, i) => first + i * stride);
    const vectors = new Float64Array(count * this.size);
    await runJob(this.#options, (job) => addon().copyBasisRows(basis, places(from), vectors, job));
    const products = await this.apply(vectors);
    await runJob(this.#options, (job) => addon().setBasisRows(basis, places(to), products, job));
  }

  async #checked(result: unknown, length: number): Promise<Vectors> {
    requireArray(this.#call, "what the operator's apply returned", result);
    if (result.length !== length) {
      throw new EigenscapeError(
        'ERR_SHAPE',
        `the operator's apply returned ${String(result.length)} entries; expected ${String(length)}: count × size`,
        { details: { given: result.length, expected: length } },
      );
    }
    if (this.isOwn) return result as Vectors; // the engine has checked
    const copy = new Float64Array(length);
    await inPieces(length, this.#options.signal, (first, last) => {
      for (let index = first; index < last; index += 1) {
        const value = result[index];
        if (typeof value !== 'number' || !Number.isFinite(value)) {
          throw new EigenscapeError(
            'ERR_NUMERIC',
            `${this.#call}: a product of the operator is not finite: entry ${String(index % this.size)} of row ${String(Math.floor(index / this.size))} is ${describeValue(value)}`,
            { details: { index, value } },
          );
        }
        copy[index] = value;
      }
    });
    return copy;
  }

  async #probe(): Promise<void> {
    const random = createRandom(0);
    const { signal } = this.#options;
    const draw = async (): Promise<Float64Array> => {
      const vector = new Float64Array(this.size);
      await inPieces(this.size, signal, (first, last) => {
        for (let i = first; i < last; i += 1) vector[i] = random.normal();
      });
      return vector;
    };
    const [u, v] = [await draw(), await draw()];
    const au = await this.apply(u.slice());
    const av = await this.apply(v.slice());
    const again = await this.apply(u.slice());
    const limit = tolerated[this.dtype];
    let [moved, largest] = [0, 0];
    await inPieces(this.size, signal, (first, last) => {
      for (let i = first; i < last; i += 1) {
        moved = Math.max(moved, Math.abs((au[i] ?? NaN) - (again[i] ?? NaN)));
        largest = Math.max(largest, Math.abs(au[i] ?? NaN));
      }
    });
    if (moved > limit * largest) {
      throw new EigenscapeError(
        'ERR_NUMERIC',
        `${this.#call}: the operator is not repeatable: two products of one vector differ by ${String(moved)}, entries being up to ${String(largest)}`,
        { details: { moved, largest } },
      );
    }
    const product = (x: Vectors, y: Vectors) => dot(x, y, signal);
    const norm = async (x: Vectors) => Math.sqrt(await product(x, x));
    const [left, right] = [await product(u, av), await product(v, au)];
    const size = (await norm(u)) * (await norm(av)) + (await norm(v)) * (await norm(au));
    if (Math.abs(left - right) > limit * size) {
      throw new EigenscapeError(
        'ERR_NUMERIC',
        `${this.#call}: the operator is not symmetric: for two random vectors ⟨u, Av⟩ is ${String(left)}, but ⟨v, Au⟩ is ${String(right)}`,
        { details: { left, right } },
      );
    }
  }
}

async function dot(x: Vectors, y: Vectors, signal: AbortSignal | undefined): Promise<number> {
  let sum = 0;
  await inPieces(x.length, signal, (first, last) => {
    for (let index = first; index < last; index += 1) sum += (x[index] ?? NaN) * (y[index] ?? NaN);
  });
  return sum;
}
