// The search for outermost eigenpairs: steps of block Lanczos, looks at the Ritz pairs, restarts.

import type { LongCallOptions } from '../progress.js';
import type { Lanczos, RitzPairs } from './lanczos.js';
import type { Products } from './products.js';

/** Vectors multiplied at once. */
export const defaultBlockSize = 4;

interface BasisRequest {
  /** Pairs at both ends. */
  readonly wanted: number;
  readonly blockSize: number;
  /** Vectors of a frontier, at most. */
  readonly widest: number;
  readonly size: number;
  readonly basisSize: number | undefined;
}

/** Vectors that a search holds: those of its basis, and those that follow it. */
export function basisRows(request: BasisRequest): { capacity: number; spare: number } {
  const { wanted, blockSize, widest, size } = request;
  const basisSize = request.basisSize ?? defaultBasisSize(wanted, blockSize, size);
  const capacity = Math.min(size, Math.max(basisSize, wanted + 2 * widest));
  return { capacity, spare: Math.max(widest, 2 * wanted - capacity) };
}

/** Bytes of a basis in float64 above which it is no larger than restarts need. */
export const ampleBytes = 2 ** 30;

/** Room for most searches to end without a restart, which costs products; where that is much memory, two
 *  and more blocks beyond the pairs kept. */
function defaultBasisSize(wanted: number, blockSize: number, size: number): number {
  const ample = Math.min(15 * wanted + 20 * blockSize, Math.floor(ampleBytes / (8 * size)));
  return Math.max(2 * wanted + Math.max(20, 6 * blockSize), ample);
}

export interface Search {
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
export const refinements = 4;

/** Runs until the wanted pairs have converged, and a sweep from random vectors has added none: `known` are
 *  the values that one has settled already, so that these need no other as long as they stay. */
export async function converge(
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
    const most = before === undefined ? Infinity : Math.max(1, sweepBlocks - swept);
    swept += await steps(search, maxProducts, most);
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
      if (!converged) before = known;
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

export interface Found {
  readonly values: Float64Array;
  readonly residualNorms: Float64Array;
  readonly limit: number;
}

/** V becomes the wanted pairs alone; gives their values. */
export async function keepWanted(search: Search, ritz: RitzPairs): Promise<Float64Array> {
  const ranks = wantedRanks(search, ritz.values.length);
  await search.lanczos.restart(ritz, ranks, 'residual');
  return Float64Array.from(ranks, (k) => ritz.values[k] ?? NaN);
}

/** The same, and their residuals are recomputed. */
export async function verified(search: Search, ritz: RitzPairs): Promise<Found> {
  const { lanczos, tolerance } = search;
  const values = await keepWanted(search, ritz);
  const residualNorms = await lanczos.trueResiduals(values);
  return { values, residualNorms, limit: tolerance * lanczos.scale };
}

export function canRefine(
  { lanczos, products, widest }: Search,
  found: Found,
  budget: number,
): boolean {
  const { residualNorms, limit } = found;
  const wanting = residualNorms.some((norm) => norm > limit);
  return wanting && !lanczos.complete && products.count + 2 * widest <= budget;
}

export function worstRanks({ residualNorms }: Found, count: number): number[] {
  const norm = (rank: number) => residualNorms[rank] ?? 0;
  const ranks = Array.from(residualNorms, (_, rank) => rank);
  return ranks.sort((a, b) => norm(b) - norm(a)).slice(0, count);
}
