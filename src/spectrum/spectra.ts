// Whole spectra at many points of one loss surface.

import * as v from 'valibot';

import type { Dataset } from '../data/dataset.js';
import type { DType } from '../data/dtype.js';
import { longCallEntries, optionsOf, parseOptions, positiveInteger } from '../options.js';
import { runJob } from '../long-call.js';
import { requireMemory } from '../memory.js';
import { addon } from '../native.js';
import type { NativeSpectra, NativeTermSpectra } from '../native.js';
import { requireEngineLoss, requireNetwork } from '../network/network.js';
import type { Network } from '../network/network.js';
import { placeOf, readPoints } from '../network/points.js';
import type { ParameterPoints } from '../network/points.js';
import { progressOfWhole } from '../progress.js';
import type { LongCallOptions } from '../progress.js';
import { errorsOf } from './dense-spectrum.js';
import { knownTerms } from './result.js';
import type { SpectrumTerm } from './result.js';

/** Options of {@link spectra}. */
export interface SpectraOptions<Term extends SpectrumTerm = SpectrumTerm> extends LongCallOptions {
  /** Default: ['hessian']. */
  readonly terms?: readonly Term[] | undefined;
  /** Hears the spectra of each stretch of points when they are there, so that nothing is lost when the call
   *  is aborted, or fails, later: `first` is the row of the first point. */
  readonly onResult?: ((part: SpectraPart<Term>) => void) | undefined;
  /** Points of a stretch that onResult hears of; default 1,000. */
  readonly pointsAtOnce?: number | undefined;
}

/** The spectra of one term at all points. A row is NaN where the point failed. */
export interface TermSpectra {
  /** All eigenvalues of each point, ascending, as rows [count, parameterCount]. */
  readonly eigenvalues: Float64Array;
  /** Of each point: how many of its eigenvalues are zero exactly, by structure [count]. */
  readonly exactZeros: Uint32Array;
  /** |λ̂ − λ| is at most this for every eigenvalue of the point [count]. */
  readonly errorBounds: Float64Array;
  /** What the error is likely to be [count]. */
  readonly errorEstimates: Float64Array;
}

/** What {@link spectra} resolves to. */
export interface SpectraResult<Term extends SpectrumTerm = SpectrumTerm> {
  readonly parameterCount: number;
  readonly sampleCount: number;
  /** How many points. */
  readonly count: number;
  /** L at each point [count], up to rounding as `network.loss` has it. */
  readonly losses: Float64Array;
  /** Of each term that was asked for. */
  readonly terms: Readonly<Record<Term, TermSpectra>>;
  /** Points at which the network's outputs or the matrix are not finite. */
  readonly failed: readonly { readonly point: number; readonly message: string }[];
}

/** Consecutive rows of a {@link SpectraResult}; `failed` counts rows from 0, as the whole does. */
export interface SpectraPart<Term extends SpectrumTerm = SpectrumTerm> extends SpectraResult<Term> {
  readonly first: number;
}

const schema = optionsOf({
  ...longCallEntries,
  terms: v.optional(
    v.pipe(
      v.array(v.picklist(knownTerms, `one of ${knownTerms.join(', ')}`), 'a list of terms'),
      v.minLength(1, 'at least one term'),
    ),
    ['hessian'],
  ),
  onResult: v.optional(
    v.custom<(part: SpectraPart) => void>(
      (value) => typeof value === 'function',
      'a function of a part of the result',
    ),
  ),
  pointsAtOnce: v.optional(positiveInteger, 1000),
});

/** All eigenvalues of each asked term at each of many points, with errors: whole problems side by side, one
 *  per thread. The same bits on any number of threads, and whatever other points are asked for.
 *
 *  A point whose outputs overflow does not spoil the others: its rows are NaN, and `failed` says why.
 *  @param network gives the layers and the loss; its own parameters do not matter
 *  @param points a matrix whose rows are parameter vectors, or a list of vectors and networks
 *  @throws EigenscapeError ERR_SHAPE or ERR_DATA for points that do not fit or are not finite, ERR_MEMORY
 *  @example const { terms } = await spectra(network, data, points, { terms: ['hessian'] }) */
export async function spectra<const Term extends SpectrumTerm = 'hessian', D extends DType = DType>(
  network: Network<D>,
  data: Dataset,
  points: ParameterPoints,
  options: SpectraOptions<Term> = {},
): Promise<SpectraResult<Term>> {
  const parsed = parseOptions('spectra', schema, options);
  const { signal, threads, onProgress, pointsAtOnce } = parsed;
  const terms = [...new Set(parsed.terms)] as Term[];
  const { onResult } = options;
  requireNetwork('spectra', network);
  requireEngineLoss('spectra', network);
  using place = placeOf(network, data);
  const { count, values } = readPoints('spectra', network, points);
  const size = network.parameterCount;
  const solve = async (first: number, rows: number): Promise<SpectraResult<Term>> => {
    const part = values.subarray(first * size, (first + rows) * size);
    const found = await runJob(
      { signal, threads, onProgress: onProgress && progressOfWhole(onProgress, first, count) },
      (job) => addon().spectra(place.handle, part, terms, job),
    );
    return resultOf(network.dtype, size, data.sampleCount, terms, found);
  };
  // `place` is let go of when this function ends, so its last promise is awaited here.
  if (onResult === undefined) return await solve(0, count);
  requireMemory(
    8 * terms.length * count * size,
    `all eigenvalues of order ${String(size)} at ${String(count)} points`,
    'give fewer points at once',
  );
  const whole = emptyResult(size, data.sampleCount, count, terms);
  const failed: { point: number; message: string }[] = [];
  for (let first = 0; first < count; first += pointsAtOnce) {
    const result = await solve(first, Math.min(pointsAtOnce, count - first));
    for (const { point, message } of result.failed) failed.push({ point: first + point, message });
    onResult({ ...result, first });
    copyRows(result, whole, first, terms);
  }
  return { ...whole, failed };
}

function emptyResult<Term extends SpectrumTerm>(
  parameterCount: number,
  sampleCount: number,
  count: number,
  terms: readonly Term[],
): SpectraResult<Term> {
  const emptyRows = (): TermSpectra => ({
    eigenvalues: new Float64Array(count * parameterCount),
    exactZeros: new Uint32Array(count),
    errorBounds: new Float64Array(count),
    errorEstimates: new Float64Array(count),
  });
  return {
    parameterCount,
    sampleCount,
    count,
    losses: new Float64Array(count),
    terms: Object.fromEntries(terms.map((term) => [term, emptyRows()])) as Record<
      Term,
      TermSpectra
    >,
    failed: [],
  };
}

function resultOf<Term extends SpectrumTerm>(
  dtype: DType,
  size: number,
  sampleCount: number,
  terms: readonly Term[],
  found: NativeSpectra,
): SpectraResult<Term> {
  const { losses, operations, failed } = found;
  const termOf = ({
    eigenvalues,
    exactZeros,
    norms,
    magnitudes,
  }: NativeTermSpectra): TermSpectra => {
    const errors = Array.from(norms, (norm, row) =>
      errorsOf({ dtype, size, norm, magnitude: magnitudes[row] ?? NaN, operations, sampleCount }),
    );
    return {
      eigenvalues,
      exactZeros: Uint32Array.from(exactZeros),
      errorBounds: Float64Array.from(errors, ({ errorBound }) => errorBound),
      errorEstimates: Float64Array.from(errors, ({ errorEstimate }) => errorEstimate),
    };
  };
  return {
    parameterCount: size,
    sampleCount,
    count: losses.length,
    losses,
    terms: Object.fromEntries(
      terms.flatMap((term, index) => {
        const rows = found.terms[index];
        return rows === undefined ? [] : [[term, termOf(rows)]];
      }),
    ) as Record<Term, TermSpectra>,
    failed,
  };
}

function copyRows<Term extends SpectrumTerm>(
  part: SpectraResult<Term>,
  whole: SpectraResult<Term>,
  first: number,
  terms: readonly Term[],
): void {
  whole.losses.set(part.losses, first);
  for (const term of terms) {
    const { eigenvalues, exactZeros, errorBounds, errorEstimates } = whole.terms[term];
    eigenvalues.set(part.terms[term].eigenvalues, first * whole.parameterCount);
    exactZeros.set(part.terms[term].exactZeros, first);
    errorBounds.set(part.terms[term].errorBounds, first);
    errorEstimates.set(part.terms[term].errorEstimates, first);
  }
}
