// Eigenpairs at both ends of a spectrum, from products alone.

import * as v from 'valibot';

import type { SymmetricOperator } from '../curvature/operator.js';
import { EigenscapeError } from '../errors.js';
import { copyNumbers } from '../copies.js';
import {
  longCallEntries,
  optionsOf,
  parseOptions,
  positiveInteger,
  positiveNumber,
  requireArray,
  seedOption,
} from '../options.js';
import type { LongCallOptions } from '../progress.js';
import {
  basisRows,
  canRefine,
  converge,
  defaultBlockSize,
  refinements,
  verified,
  worstRanks,
} from './krylov-search.js';
import type { Found, Search } from './krylov-search.js';
import { Lanczos } from './lanczos.js';
import { Products } from './products.js';
import { roundedSearch } from './rounded-search.js';

/** Options of {@link extremalEigenpairs}. */
export interface ExtremalEigenpairsOptions extends LongCallOptions {
  /** How many pairs at each end; `largest: 1` if neither is given. */
  readonly largest?: number | undefined;
  readonly smallest?: number | undefined;
  /** Wanted ‖Av − λv‖, as a share of the largest |λ|; 1e-8 by default, 1e-5 in float32. Rounding of the
   *  products bounds what can be reached: about 1e-14, in float32 about 1e-6. */
  readonly tolerance?: number | undefined;
  /** Vectors to begin with [any count, size], such as those of a nearby problem. */
  readonly startVectors?: ArrayLike<number> | undefined;
  readonly seed?: number | undefined;
  /** Vectors multiplied at once; 4 by default, 8 in a search that float32 begins. */
  readonly blockSize?: number | undefined;
  /** Basis vectors held at most. */
  readonly basisSize?: number | undefined;
  /** Products with vectors after which the search ends, whatever was found. Default 100,000. */
  readonly maxProducts?: number | undefined;
  /** Of the basis; 'float32' halves the memory, and the vectors are orthonormal to 1e-6 only. */
  readonly precision?: 'float64' | 'float32' | undefined;
}

/** Eigenpairs at one end of the spectrum, from the end inward. */
export interface EigenpairsAtEnd {
  /** From the end inward. */
  readonly values: Float64Array;
  /** Rows [values.length, size], orthonormal. */
  readonly vectors: Float64Array | Float32Array;
  /** ‖A v − λ v‖₂, recomputed with a product for each: an eigenvalue lies that near. */
  readonly residualNorms: Float64Array;
  /** Whether the residual norm is within the tolerance, pair by pair. */
  readonly converged: readonly boolean[];
}

/** What {@link extremalEigenpairs} resolves to. */
export interface ExtremalEigenpairs {
  readonly largest: EigenpairsAtEnd;
  readonly smallest: EigenpairsAtEnd;
  /** ‖AV − VΘ‖_F over all pairs returned. Kahan (1967): as many distinct eigenvalues, counted with
   *  multiplicity, lie within this of the values. That they are the outermost ones is not proven: a run
   *  from fresh random vectors, orthogonal to those found, found no others. */
  readonly bound: number;
  /** Products with vectors, all told, and seconds in them and in the rest. */
  readonly products: number;
  readonly seconds: { readonly products: number; readonly orthogonalization: number };
}

const schema = optionsOf({
  ...longCallEntries,
  largest: v.optional(positiveInteger),
  smallest: v.optional(positiveInteger),
  tolerance: v.optional(positiveNumber),
  startVectors: v.optional(v.any()),
  seed: seedOption,
  blockSize: v.optional(positiveInteger),
  basisSize: v.optional(positiveInteger),
  maxProducts: v.optional(positiveInteger, 100_000),
  precision: v.optional(v.picklist(['float64', 'float32'], "'float64' or 'float32'"), 'float64'),
});

/** The outermost eigenpairs at either or both ends, by block Lanczos with thick restart, every new vector
 *  orthogonalised twice against all others.
 *
 *  Pairs that do not converge within `maxProducts` are returned as they stand, flagged `converged: false`.
 *  More pairs than dimensions are cut to all of them; with both ends, a pair may be in both.
 *  @throws EigenscapeError ERR_MEMORY before the basis is allocated; ERR_NUMERIC when a product is not
 *  finite, or a user's operator is not symmetric or not repeatable
 *  @example const { largest } = await extremalEigenpairs(hessian(network, data), { largest: 10 }) */
export async function extremalEigenpairs(
  operator: SymmetricOperator,
  options: ExtremalEigenpairsOptions = {},
): Promise<ExtremalEigenpairs> {
  parseOptions('extremalEigenpairs', schema, options);
  return eigenpairsFrom(readStart(operator, options.startVectors), operator, options);
}

/** The same from start vectors that are finite, fit, and are not changed meanwhile: no copy is made.
 *  @internal */
export async function eigenpairsFrom(
  start: Float64Array | Float32Array | undefined,
  operator: SymmetricOperator,
  options: ExtremalEigenpairsOptions,
): Promise<ExtremalEigenpairs> {
  const parsed = parseOptions('extremalEigenpairs', schema, options);
  const products = await Products.of('extremalEigenpairs', operator, options);
  const { size, dtype } = products;
  const none = parsed.largest === undefined && parsed.smallest === undefined;
  const largest = Math.min(parsed.largest ?? (none ? 1 : 0), size);
  const smallest = Math.min(parsed.smallest ?? 0, size);
  const single = dtype === 'float32' || parsed.precision === 'float32';
  const tolerance = parsed.tolerance ?? (single ? 1e-5 : 1e-8);
  const { precision, seed, maxProducts } = parsed;
  const wanted = Math.min(largest + smallest, size);
  const request = { ...parsed, largest, smallest, tolerance, wanted };
  const rounded =
    start === undefined && !single
      ? await roundedSearch(products, request, maxProducts - wanted, options)
      : undefined;
  const blockSize = Math.min(parsed.blockSize ?? defaultBlockSize, size);
  const given = rounded?.lanczos.rows ?? (start?.length ?? 0) / size;
  const widest = Math.max(blockSize, given);
  const basisSize = parsed.basisSize ?? (rounded && 4 * wanted);
  const rows = basisRows({ wanted, blockSize, widest, size, basisSize });
  const { capacity } = rows;
  const lanczos = new Lanczos(products, { ...rows, blockSize, precision, seed }, options);
  try {
    const search = { lanczos, products, largest, smallest, tolerance, widest, capacity };
    if (rounded === undefined) await lanczos.start(start);
    else await lanczos.startFrom(rounded.lanczos);
    rounded?.dispose();
    const budget = maxProducts - wanted;
    let found = await verified(search, await converge(search, budget, options, rounded?.values));
    for (let turn = 0; turn < refinements && canRefine(search, found, budget); turn += 1) {
      await lanczos.continueFrom(worstRanks(found, widest));
      found = await verified(search, await converge(search, budget, options, found.values));
    }
    const ends = await finish(search, found);
    return rounded === undefined ? ends : withTimes(ends, rounded.seconds);
  } finally {
    rounded?.dispose();
    lanczos.dispose();
  }
}

/** The same with seconds that went before. */
function withTimes(
  ends: ExtremalEigenpairs,
  { products, orthogonalization }: ExtremalEigenpairs['seconds'],
): ExtremalEigenpairs {
  const { seconds } = ends;
  return {
    ...ends,
    seconds: {
      products: seconds.products + products,
      orthogonalization: seconds.orthogonalization + orthogonalization,
    },
  };
}

async function finish(search: Search, found: Found): Promise<ExtremalEigenpairs> {
  const { lanczos, products } = search;
  const { values, residualNorms: norms, limit } = found;
  const atEnd = async (places: readonly number[]): Promise<EigenpairsAtEnd> => {
    const vectors = await lanczos.vectors(places);
    const residualNorms = Float64Array.from(places, (place) => norms[place] ?? NaN);
    return {
      values: Float64Array.from(places, (place) => values[place] ?? NaN),
      vectors,
      residualNorms,
      converged: Array.from(residualNorms, (norm) => norm <= limit),
    };
  };
  const places = Array.from(values, (_, place) => place);
  return {
    largest: await atEnd(search.largest > 0 ? places.slice(-search.largest).reverse() : []),
    smallest: await atEnd(places.slice(0, search.smallest)),
    bound: Math.hypot(...norms),
    products: products.count,
    seconds: {
      products: products.milliseconds / 1000,
      orthogonalization: lanczos.milliseconds / 1000,
    },
  };
}

function readStart(operator: SymmetricOperator, given: unknown): Float64Array | undefined {
  if (given === undefined) return undefined;
  requireArray('extremalEigenpairs', 'startVectors', given);
  const { size } = operator;
  if (given.length === 0 || given.length % size !== 0 || given.length > size * size) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `extremalEigenpairs: startVectors has ${String(given.length)} entries; expected 1 to ${String(size)} vectors of ${String(size)}`,
      { details: { given: given.length, size } },
    );
  }
  const copy = new Float64Array(given.length);
  const index = copyNumbers(given, copy);
  if (index === copy.length) return copy;
  const value: unknown = given[index];
  throw new EigenscapeError(
    'ERR_DATA',
    `extremalEigenpairs: entry ${String(index)} of startVectors is ${String(value)}; expected a finite number`,
    { details: { index, value } },
  );
}
