// Trace and Frobenius norm: from the dense matrix where it is small, else from products with random
// vectors, with a standard error.

import * as v from 'valibot';

import { isCurvatureOperator } from '../curvature/operator.js';
import type { SymmetricOperator } from '../curvature/operator.js';
import { callEngine, runJob } from '../long-call.js';
import { addon } from '../native.js';
import type { BasisHandle } from '../native.js';
import {
  longCallEntries,
  optionsOf,
  parseOptions,
  positiveInteger,
  seedOption,
} from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { denseMatrix, requireOperator } from './dense-matrix.js';
import { Products } from './products.js';

export interface TraceOptions extends LongCallOptions {
  /** 'exact' sums the diagonal of the dense matrix: the default up to size 2,000. 'hutchinson' averages
   *  zᵀAz over z of ±1. 'hutch++' (the default beyond) takes a third of the products to span the largest
   *  eigenvalues, whose share it knows exactly (Meyer, Musco, Musco and Woodruff 2021). */
  readonly method?: 'exact' | 'hutchinson' | 'hutch++' | undefined;
  /** Products with vectors to spend: 90 by default, at least 6. */
  readonly products?: number | undefined;
  readonly seed?: number | undefined;
}

export interface FrobeniusNormOptions extends LongCallOptions {
  /** 'hutchinson' averages ‖Az‖² over z of ±1: the default beyond size 2,000. */
  readonly method?: 'exact' | 'hutchinson' | undefined;
  readonly products?: number | undefined;
  readonly seed?: number | undefined;
}

/** An estimate is within two standard errors in about 95 % of cases; 0 means exact but for rounding. */
export interface TraceEstimate {
  readonly value: number;
  readonly standardError: number;
  readonly method: 'exact' | 'hutchinson' | 'hutch++';
}

const atLeastSix = 'an integer of at least 6';
const entries = {
  ...longCallEntries,
  products: v.optional(v.pipe(positiveInteger, v.minValue(6, atLeastSix)), 90),
  seed: seedOption,
};
const methods = ['exact', 'hutchinson', 'hutch++'] as const;
const traceSchema = optionsOf({
  ...entries,
  method: v.optional(v.picklist(methods, "'exact', 'hutchinson' or 'hutch++'")),
});
const normSchema = optionsOf({
  ...entries,
  method: v.optional(v.picklist(['exact', 'hutchinson'], "'exact' or 'hutchinson'")),
});

/** Up to here the dense matrix is cheap: 32 MB. */
const largestDense = 2000;

/** tr(A).
 *  @throws EigenscapeError ERR_NUMERIC when a product is not finite, or a user's operator is not symmetric
 *  or not repeatable; ERR_MEMORY for an exact one whose matrix does not fit
 *  @example const { value, standardError } = await trace(hessian(network, data)) */
export async function trace(
  operator: SymmetricOperator,
  options: TraceOptions = {},
): Promise<TraceEstimate> {
  const parsed = parseOptions('trace', traceSchema, options);
  requireOperator(operator);
  const { size } = operator;
  const method = parsed.method ?? (size <= largestDense ? 'exact' : 'hutch++');
  if (method === 'exact') {
    const matrix = await dense(operator, options);
    let value = 0;
    for (let i = 0; i < size; i += 1) value += matrix[i * (size + 1)] ?? NaN;
    return { value, standardError: 0, method };
  }
  const products = await Products.of('trace', operator, options);
  const sketch = method === 'hutch++' ? Math.min(Math.floor(parsed.products / 3), size) : 0;
  const random = new RandomForms(products, sketch, parsed.seed, options);
  try {
    const known = sketch > 0 ? await random.spanRange() : 0;
    if (sketch === size) return { value: known, standardError: 0, method };
    const rest = mean(await random.forms(parsed.products - 2 * sketch, 'zAz'));
    return { value: known + rest.value, standardError: rest.standardError, method };
  } finally {
    random.dispose();
  }
}

/** ‖A‖_F.
 *  @throws EigenscapeError as {@link trace} */
export async function frobeniusNorm(
  operator: SymmetricOperator,
  options: FrobeniusNormOptions = {},
): Promise<TraceEstimate> {
  const parsed = parseOptions('frobeniusNorm', normSchema, options);
  requireOperator(operator);
  const method = parsed.method ?? (operator.size <= largestDense ? 'exact' : 'hutchinson');
  if (method === 'exact') {
    const matrix = await dense(operator, options);
    let square = 0;
    for (const entry of matrix) square += entry * entry;
    return { value: Math.sqrt(square), standardError: 0, method };
  }
  const products = await Products.of('frobeniusNorm', operator, options);
  const random = new RandomForms(products, 0, parsed.seed, options);
  try {
    const squares = mean(await random.forms(parsed.products, '‖Az‖²'));
    const value = Math.sqrt(squares.value);
    // d√x = dx / (2√x)
    return { value, standardError: value > 0 ? squares.standardError / (2 * value) : 0, method };
  } finally {
    random.dispose();
  }
}

async function dense(
  operator: SymmetricOperator,
  { signal, onProgress, threads }: LongCallOptions,
): Promise<Float64Array | Float32Array> {
  const call = { signal, onProgress, threads };
  return isCurvatureOperator(operator) ? operator.toDense(call) : denseMatrix(operator, 64, call);
}

/** Forms of random vectors z of ±1, each made orthogonal to `sketch` rows Q that span what they can of A. */
class RandomForms {
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
    const run = { base: 0, first: 0, count, least: Number.MIN_VALUE, seed };
    await this.#run((job) => addon().randomizeBasis(basis, 0, count, seed, 'rademacher', job));
    addon().setBasisRows(basis, 0, await this.#products.apply(addon().basisRows(basis, 0, count)));
    await this.#run((job) => addon().orthonormalizeBasis(basis, run, job));
    const image = await this.#products.apply(addon().basisRows(basis, 0, count));
    addon().setBasisRows(basis, count, image);
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
      const image = await this.#products.apply(addon().basisRows(basis, at, 1));
      addon().setBasisRows(basis, at + 1, image);
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

function mean(values: readonly number[]): { value: number; standardError: number } {
  const count = values.length;
  const value = values.reduce((sum, x) => sum + x, 0) / count;
  const square = values.reduce((sum, x) => sum + (x - value) ** 2, 0);
  return { value, standardError: Math.sqrt(square / (count - 1) / count) };
}
