// Eigenpairs at both ends of a spectrum, from products alone.

import * as v from 'valibot';

import type { SymmetricOperator } from '../curvature/operator.js';
import { EigenscapeError } from '../errors.js';
import { addon } from '../native.js';
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
import { Lanczos } from './lanczos.js';
import type { RitzPairs } from './lanczos.js';
import { Products } from './products.js';

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
  /** Vectors multiplied at once; 4 by default. */
  readonly blockSize?: number | undefined;
  /** Basis vectors held at most. */
  readonly basisSize?: number | undefined;
  /** Products with vectors after which the search ends, whatever was found. Default 100,000. */
  readonly maxProducts?: number | undefined;
  /** Of the basis; 'float32' halves the memory, and the vectors are orthonormal to 1e-6 only. */
  readonly precision?: 'float64' | 'float32' | undefined;
}

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

/** @internal */
export const defaultBlockSize = 4;

const schema = optionsOf({
  ...longCallEntries,
  largest: v.optional(positiveInteger),
  smallest: v.optional(positiveInteger),
  tolerance: v.optional(positiveNumber),
  startVectors: v.optional(v.any()),
  seed: seedOption,
  blockSize: v.optional(positiveInteger, defaultBlockSize),
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
  const blockSize = Math.min(parsed.blockSize, size);
  const wanted = Math.min(largest + smallest, size);
  const widest = Math.max(blockSize, (start?.length ?? 0) / size);
  const { basisSize, precision, seed } = parsed;
  const rows = basisRows({ wanted, blockSize, widest, size, basisSize });
  const { capacity } = rows;
  const lanczos = new Lanczos(products, { ...rows, blockSize, precision, seed }, options);
  try {
    const tolerance = parsed.tolerance ?? (single ? 1e-5 : 1e-8);
    const search = { lanczos, products, largest, smallest, tolerance, widest, capacity };
    await lanczos.start(start);
    const budget = parsed.maxProducts - wanted;
    let found = await verified(search, await converge(search, budget, options));
    for (let turn = 0; turn < refinements && canRefine(search, found, budget); turn += 1) {
      await lanczos.continueFrom(worstRanks(found, widest));
      found = await verified(search, await converge(search, budget, options, found.values));
    }
    return await finish(search, found);
  } finally {
    lanczos.dispose();
  }
}

interface BasisRequest {
  /** Pairs at both ends. */
  readonly wanted: number;
  readonly blockSize: number;
  /** Vectors of a frontier, at most. */
  readonly widest: number;
  readonly size: number;
  readonly basisSize: number | undefined;
}

/** Vectors that a search holds: those of its basis, and those that follow it.
 *  @internal */
export function basisRows(request: BasisRequest): { capacity: number; spare: number } {
  const { wanted, blockSize, widest, size } = request;
  const basisSize = request.basisSize ?? defaultBasisSize(wanted, blockSize, size);
  const capacity = Math.min(size, Math.max(basisSize, wanted + 2 * widest));
  return { capacity, spare: Math.max(widest, 2 * wanted - capacity) };
}

/** Bytes of a basis in float64 above which it is no larger than restarts need. */
const ampleBytes = 2 ** 30;

/** Room for most searches to end without a restart, which costs products; where that is much memory, two
 *  and more blocks beyond the pairs kept. */
function defaultBasisSize(wanted: number, blockSize: number, size: number): number {
  const ample = Math.min(15 * wanted + 20 * blockSize, Math.floor(ampleBytes / (8 * size)));
  return Math.max(2 * wanted + Math.max(20, 6 * blockSize), ample);
}

interface Search {
  readonly lanczos: Lanczos;
  readonly products: Products;
  readonly largest: number;
  readonly smallest: number;
  readonly tolerance: number;
  /** Vectors of a frontier, at most. */
  readonly widest: number;
  readonly capacity: number;
}

/** Ranks of the wanted pairs among `count` ascending ones: the smallest ones, then the largest. */
function wantedRanks({ largest, smallest }: Search, count: number): number[] {
  return Array.from({ length: count }, (_, k) => k).filter(
    (k) => k < smallest || k >= count - largest,
  );
}

/** Fresh random blocks that must find nothing new before the search ends, in blocks of products. */
const sweepBlocks = 12;
/** Residuals within this share of the tolerance end the search: the sweep forgets them, and mixes pairs. */
const margin = 0.5;
/** Searches that follow, at most, while residuals recomputed by products are above the tolerance. */
const refinements = 4;

/** Runs until the wanted pairs have converged, and a sweep from random vectors has added none: `known` are
 *  the values that one has settled already. */
async function converge(
  search: Search,
  maxProducts: number,
  { onProgress }: LongCallOptions,
  known?: Float64Array,
): Promise<RitzPairs> {
  const { lanczos, products, tolerance, widest } = search;
  const total = Math.min(search.largest + search.smallest, products.size);
  /** Wanted values before the sweep that is under way. */
  let before = known;
  let swept = known === undefined ? 0 : sweepBlocks;
  for (;;) {
    swept += await steps(search, maxProducts, before === undefined ? Infinity : sweepBlocks);
    const ritz = await lanczos.ritzPairs();
    const limit = tolerance * lanczos.scale;
    const ranks = wantedRanks(search, ritz.values.length);
    const done = ranks.filter((k) => (ritz.residualNorms[k] ?? Infinity) <= margin * limit).length;
    onProgress?.({ stage: 'eigenpairs', done, total, secondsLeft: undefined });
    if (lanczos.complete || products.count + widest > maxProducts) return ritz;
    const values = Float64Array.from(ranks, (k) => ritz.values[k] ?? NaN);
    const converged = done >= total;
    const settled = before?.every((value, k) => Math.abs(value - (values[k] ?? NaN)) <= limit);
    if (converged && settled === true && swept >= sweepBlocks) return ritz;
    if (converged && settled !== true) {
      before = values;
      swept = 0;
      await lanczos.restart(ritz, keptRanks(search, ritz.values.length, 'few'), 'random');
    } else {
      if (!converged) before = undefined;
      if (!lanczos.hasRoom) {
        await lanczos.restart(ritz, keptRanks(search, ritz.values.length, 'many'), 'residual');
      }
    }
  }
}

/** Steps up to the next look at the Ritz pairs: after `most` of them, when the basis has grown by a
 *  tenth, or is full. Gives their number. */
async function steps(
  { lanczos, products, largest, smallest }: Search,
  maxProducts: number,
  most: number,
): Promise<number> {
  const goal = Math.max(2 * (largest + smallest), (lanczos.rows * 11) / 10);
  let made = 0;
  while (made < most && lanczos.hasRoom && (products.count < maxProducts || lanczos.rows === 0)) {
    if (made > 0 && most === Infinity && lanczos.rows >= goal) break;
    await lanczos.step();
    made += 1;
  }
  return made;
}

/** The wanted pairs and some neighbours on the inside, whose presence speeds up the rest: as many as leave
 *  half of the room, or a block. */
function keptRanks(search: Search, count: number, neighbours: 'many' | 'few'): number[] {
  const { largest, smallest, capacity, widest } = search;
  const room = Math.max(0, capacity - largest - smallest - 2 * widest);
  const kept = neighbours === 'many' ? room / 2 : Math.min(room / 2, widest);
  const more = Math.floor(kept / ((largest > 0 ? 1 : 0) + (smallest > 0 ? 1 : 0)));
  const top = largest > 0 ? largest + more : 0;
  const bottom = smallest > 0 ? smallest + more : 0;
  return Array.from({ length: count }, (_, k) => k).filter((k) => k < bottom || k >= count - top);
}

interface Found {
  readonly values: Float64Array;
  readonly residualNorms: Float64Array;
  readonly limit: number;
}

/** V becomes the wanted pairs alone, and their residuals are recomputed. */
async function verified(search: Search, ritz: RitzPairs): Promise<Found> {
  const { lanczos, tolerance } = search;
  const ranks = wantedRanks(search, ritz.values.length);
  await lanczos.restart(ritz, ranks, 'residual');
  const values = Float64Array.from(ranks, (k) => ritz.values[k] ?? NaN);
  const residualNorms = await lanczos.trueResiduals(values);
  return { values, residualNorms, limit: tolerance * lanczos.scale };
}

function canRefine({ lanczos, products, widest }: Search, found: Found, budget: number): boolean {
  const { residualNorms, limit } = found;
  const wanting = residualNorms.some((norm) => norm > limit);
  return wanting && !lanczos.complete && products.count + 2 * widest <= budget;
}

function worstRanks({ residualNorms }: Found, count: number): number[] {
  const norm = (rank: number) => residualNorms[rank] ?? 0;
  const ranks = Array.from(residualNorms, (_, rank) => rank);
  return ranks.sort((a, b) => norm(b) - norm(a)).slice(0, count);
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
  const isFloat = given instanceof Float64Array || given instanceof Float32Array;
  const copy = isFloat
    ? new Float64Array(given)
    : Float64Array.from(given, (value) => (typeof value === 'number' ? value : NaN));
  const index = addon().firstNotFinite(copy);
  if (index === copy.length) return copy;
  const value: unknown = given[index];
  throw new EigenscapeError(
    'ERR_DATA',
    `extremalEigenpairs: entry ${String(index)} of startVectors is ${String(value)}; expected a finite number`,
    { details: { index, value } },
  );
}
