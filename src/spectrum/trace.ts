// Trace and Frobenius norm: exact where a formula gives them or the matrix is small, else from products
// with random vectors, with a standard error.

import * as v from 'valibot';

import { exactDiagonal, hasDiagonalFormula, largestDense } from './exact-diagonal.js';
import { isCurvatureOperator } from '../curvature/operator.js';
import type { SymmetricOperator } from '../curvature/operator.js';
import { optionsOf, parseOptions } from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { denseMatrix, requireOperator } from './dense-matrix.js';
import { exactOrHutchinson, probeEntries } from './probe-options.js';
import type { ProbeOptions } from './probe-options.js';
import { Products } from './products.js';
import { mean, RandomForms } from './random-forms.js';
import { xtrace } from './xtrace.js';

/** Options of {@link trace}. */
export interface TraceOptions extends ProbeOptions {
  /** 'exact' sums the diagonal: the default up to size 2,000, and where a formula gives it (chains of dense
   *  layers). 'hutchinson' averages zᵀAz over z of ±1. 'hutch++' (the default beyond) takes a third of the
   *  products to span the largest eigenvalues, whose share it knows exactly (Meyer, Musco, Musco and
   *  Woodruff 2021). 'xtrace' lets every vector serve for both: half of the products span, the rest of
   *  each vector is estimated with the span of the others (Epperly, Tropp and Webber 2024). */
  readonly method?: 'exact' | 'hutchinson' | 'hutch++' | 'xtrace' | undefined;
}

/** Options of {@link frobeniusNorm}. */
export interface FrobeniusNormOptions extends ProbeOptions {
  /** 'hutchinson' averages ‖Az‖² over z of ±1: the default beyond size 2,000. */
  readonly method?: 'exact' | 'hutchinson' | undefined;
}

/** An estimate is within two standard errors in about 95 % of cases; 0 means exact but for rounding. */
export interface TraceEstimate {
  readonly value: number;
  /** 0 where the value is exact but for rounding. */
  readonly standardError: number;
  readonly method: 'exact' | 'hutchinson' | 'hutch++' | 'xtrace';
}

const methods = ['exact', 'hutchinson', 'hutch++', 'xtrace'] as const;
const traceSchema = optionsOf({
  ...probeEntries,
  method: v.optional(v.picklist(methods, "'exact', 'hutchinson', 'hutch++' or 'xtrace'")),
});
const normSchema = optionsOf({ ...probeEntries, method: exactOrHutchinson });

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
  const cheap = size <= largestDense || hasDiagonalFormula(operator);
  const method = parsed.method ?? (cheap ? 'exact' : 'hutch++');
  if (method === 'exact') {
    const diagonal = await exactDiagonal('trace', operator, options);
    return { value: diagonal.reduce((sum, entry) => sum + entry, 0), standardError: 0, method };
  }
  const products = await Products.of('trace', operator, options);
  if (method === 'xtrace') {
    return { ...(await xtrace(products, parsed.products, parsed.seed, options)), method };
  }
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
