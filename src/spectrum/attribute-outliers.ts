// What outliers of G are made of: class means, cross-class means, spread; which classes, which layers.
//
// Along an eigenvector v of G, the part G_k of outlierTerms has the share vᵀG_k v / vᵀGv. Of the classes only the
// numbers a_icc' = δ_icc'ᵀv matter, whose weighted means and spreads for each pair (c, c') the engine gathers in one
// pass of tangents; all four parts are sums of squares of them, so that no share is negative.

import * as v from 'valibot';

import { CurvatureOperator } from '../curvature/operator.js';
import type { OperatorOptions, OutlierTerm } from '../curvature/operator.js';
import { outlierTermNames, requireClasses } from '../curvature/outlier-terms.js';
import { entryCount, parametersOption } from '../curvature/parameters.js';
import type { ChosenTensor } from '../curvature/parameters.js';
import type { Dataset } from '../data/dataset.js';
import { EigenscapeError } from '../errors.js';
import { taken } from '../copies.js';
import { allocate } from '../data/dtype.js';
import { inPieces } from '../in-pieces.js';
import { addon } from '../native.js';
import type { NativeArray, NativeClassPairMoments } from '../native.js';
import type { Network } from '../network/network.js';
import {
  longCallEntries,
  optionsOf,
  parseOptions,
  positiveNumber,
  seedOption,
} from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { extremalEigenpairs } from './extremal-eigenpairs.js';
import { readPairs, requireCount } from './outlier-pairs.js';
import type { OutlierPairs } from './outlier-pairs.js';

/** Options of {@link attributeOutliers}. */
export interface AttributeOutliersOptions extends LongCallOptions {
  /** The pairs are those of this diagonal block of G, as for operators. Default: all parameters. */
  readonly parameters?: OperatorOptions['parameters'];
  /** Neighbouring eigenvalues that differ by at most this share of the largest |value| have one eigenspace, in
   *  which single vectors mean nothing: their numbers are those of the space. Default 1e-6. */
  readonly tolerance?: number | undefined;
  /** Of the search for pairs, where their number is given. Default 0. */
  readonly seed?: number | undefined;
}

/** Shares vᵀG_k v / vᵀGv of the parts of {@link outlierTerms}: at least 0, summing to 1. */
export type OutlierShares = Readonly<Record<OutlierTerm, number>>;

/** One outlier of G, and what it is made of. */
export interface AttributedOutlier {
  /** Of the pair. */
  readonly value: number;
  /** vᵀGv / vᵀv: the eigenvalue again, if the pair is one of G. */
  readonly gaussNewtonValue: number;
  /** Pairs that share the numbers below, this one included: their values are nearly equal. */
  readonly multiplicity: number;
  readonly shares: OutlierShares;
  /** For each class c of the samples, what they have in each share; `total` over the parts, which sums to 1 over
   *  the classes. */
  readonly classes: readonly (OutlierShares & { readonly total: number })[];
  /** |v_l|² / |v|² of the parameters of each layer, in the order of the layout; they sum to 1. */
  readonly layers: readonly { readonly layer: string; readonly share: number }[];
}

const schema = optionsOf({
  ...longCallEntries,
  parameters: parametersOption,
  tolerance: v.optional(positiveNumber, 1e-6),
  seed: seedOption,
});

/** Papyan's attribution of the outliers of G: how much of each belongs to the means of the classes, to the means
 *  of pairs of classes around them, to the spread within pairs, and to the samples' own labels; by class, and by
 *  layer. Pairs of another matrix are taken as directions, of which G's parts are measured.
 *
 *  One pass of tangents over the data for each pair. Class weights, sample weights, label smoothing and ignored
 *  samples count as they do in G.
 *  @param pairs eigenpairs of G, or how many of the largest to search for
 *  @returns one for each pair, in their order
 *  @throws EigenscapeError ERR_SPEC unless the loss is softmaxCrossEntropy and each target a class; ERR_SHAPE, ERR_DATA
 *  for pairs that do not fit, or a vector of which vᵀGv is 0; ERR_NUMERIC
 *  @see V. Papyan, Measurements of three-level hierarchical structure in the outliers in the spectrum of deepnet
 *  Hessians, ICML 2019; Traces of class/cross-class structure pervade deep learning spectra, JMLR 21, 2020
 *  @example const [first] = await attributeOutliers(network, data, 10);
 *  console.log(first?.shares.classMeans, first?.layers); */
export async function attributeOutliers(
  network: Network,
  data: Dataset,
  pairs: OutlierPairs | number,
  options: AttributeOutliersOptions = {},
): Promise<readonly AttributedOutlier[]> {
  const call = 'attributeOutliers';
  const { parameters, tolerance, seed, ...long } = parseOptions(call, schema, options);
  requireClasses(call, network, data);
  const given = typeof pairs === 'number' ? requireCount(pairs) : pairs;
  using operator = new CurvatureOperator('gaussNewton', network, data, { parameters });
  const found =
    typeof given === 'number'
      ? (await extremalEigenpairs(operator, { ...long, seed, largest: given })).largest
      : given;
  const { values, vectors: held, entries } = readPairs(operator, found);
  const { signal } = long;
  const vectors: NativeArray = await taken<NativeArray>(
    held,
    allocate(operator.dtype, entries),
    signal,
  );
  const moments = await operator.run(long, (handle, job) =>
    addon().classPairMoments(handle, vectors, values.length, job),
  );
  const norms = await tensorNorms(operator.parameters, vectors, values.length, signal);
  const parts = values.map((value, rank) => partsOf(moments, value, rank, norms[rank] ?? []));
  const attributed: AttributedOutlier[] = [];
  for (const ranks of eigenspaces(values, tolerance)) {
    const space = ranks.flatMap((rank) => parts[rank] ?? []);
    const shared = sharesOf(operator.parameters, space);
    for (const rank of ranks) {
      const gaussNewtonValue = parts[rank]?.total ?? NaN;
      attributed[rank] = { value: values[rank] ?? NaN, gaussNewtonValue, ...shared };
    }
  }
  return attributed;
}

/** Ranks of neighbours whose values are nearly equal. */
function eigenspaces(values: readonly number[], tolerance: number): readonly number[][] {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const order = Array.from(values, (_, rank) => rank);
  order.sort((a, b) => (values[b] ?? NaN) - (values[a] ?? NaN));
  const spaces: number[][] = [];
  let before = Infinity;
  for (const rank of order) {
    const value = values[rank] ?? NaN;
    const last = spaces.at(-1);
    if (last !== undefined && before - value <= tolerance * largest) last.push(rank);
    else spaces.push([rank]);
    before = value;
  }
  return spaces;
}

/** |v_t|² of each tensor t and each vector, over |v|². */
async function tensorNorms(
  tensors: readonly ChosenTensor[],
  vectors: NativeArray,
  count: number,
  signal: AbortSignal | undefined,
): Promise<readonly (readonly number[])[]> {
  const size = vectors.length / count;
  const norms = Array.from({ length: count }, () => tensors.map(() => 0));
  for (const [rank, sums] of norms.entries()) {
    for (const [place, { start, shape }] of tensors.entries()) {
      const tensor = vectors.subarray(rank * size + start, rank * size + start + entryCount(shape));
      let sum = 0;
      await inPieces(tensor.length, signal, (first, last) => {
        for (let i = first; i < last; i += 1) sum += (tensor[i] ?? NaN) ** 2;
      });
      sums[place] = sum;
    }
  }
  return norms;
}

/** vᵀG_k v / vᵀv of one vector, by class. */
interface VectorParts {
  readonly classes: readonly OutlierShares[];
  readonly total: number;
  /** |v_t|² / vᵀv by tensor. */
  readonly tensors: readonly number[];
}

function partsOf(
  moments: NativeClassPairMoments,
  value: number,
  rank: number,
  norms: readonly number[],
): VectorParts {
  const norm = sum(norms);
  const classCount = Math.sqrt(moments.weights.length);
  const classes = Array.from({ length: classCount }, (_, c) => classParts(moments, rank, c, norm));
  const total = sum(classes.map(sumOfParts));
  if (total > 0 && Number.isFinite(total)) {
    return { classes, total, tensors: norms.map((part) => part / norm) };
  }
  // A vector of zeros has a total of NaN.
  const isZero = total === 0 || norm === 0;
  throw new EigenscapeError(
    isZero ? 'ERR_DATA' : 'ERR_NUMERIC',
    `attributeOutliers: ${norm === 0 ? '|v|' : 'vᵀGv'} of pair ${String(rank)} (value ${String(value)}) is ${String(norm === 0 ? 0 : total)}; expected ${isZero ? 'a pair of G with a positive value' : 'a finite number: the vector, the parameters or the inputs are too large'}`,
    { details: { rank, value } },
  );
}

/** vᵀG_k v over the samples of class c, for a vector with vᵀv = norm. */
function classParts(
  { weights, means, spreads }: NativeClassPairMoments,
  rank: number,
  c: number,
  norm: number,
): OutlierShares {
  const classCount = Math.sqrt(weights.length);
  const at = (pair: number) => {
    const place = rank * weights.length + pair;
    return {
      weight: weights[pair] ?? NaN,
      mean: means[place] ?? NaN,
      spread: spreads[place] ?? NaN,
    };
  };
  let weight = 0; // w_c
  let mean = 0; // δ_cᵀv
  let around = 0; // Σ_c' w_cc' (δ_cc'ᵀv − δ_cᵀv)²
  let within = 0;
  for (let other = 0; other < classCount; other += 1) {
    const pair = at(c * classCount + other);
    if (other === c || pair.weight === 0) continue;
    const before = weight;
    weight += pair.weight;
    const step = pair.mean - mean;
    mean += (pair.weight / weight) * step;
    around += before * (pair.weight / weight) * step ** 2;
    within += pair.spread;
  }
  const same = at(c * (classCount + 1));
  return {
    classMeans: (weight * mean ** 2) / norm,
    crossClassMeans: around / norm,
    withinCrossClass: within / norm,
    sameClass: (same.weight * same.mean ** 2 + same.spread) / norm,
  };
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);
const sumOfParts = (parts: OutlierShares): number =>
  sum(outlierTermNames.map((term) => parts[term]));

function mapParts(value: (term: OutlierTerm) => number): OutlierShares {
  return {
    classMeans: value('classMeans'),
    crossClassMeans: value('crossClassMeans'),
    withinCrossClass: value('withinCrossClass'),
    sameClass: value('sameClass'),
  };
}

/** The shares in an eigenspace: of traces of the parts in it. */
function sharesOf(
  tensors: readonly ChosenTensor[],
  space: readonly VectorParts[],
): Omit<AttributedOutlier, 'value' | 'gaussNewtonValue'> {
  const total = sum(space.map((vector) => vector.total));
  const classCount = space[0]?.classes.length ?? 0;
  const classes = Array.from({ length: classCount }, (_, c) => {
    const shares = mapParts(
      (term) => sum(space.map((vector) => vector.classes[c]?.[term] ?? NaN)) / total,
    );
    return { ...shares, total: sumOfParts(shares) };
  });
  const layers = new Map<string, number>();
  tensors.forEach(({ layer }, t) => {
    const share = sum(space.map((vector) => vector.tensors[t] ?? NaN)) / space.length;
    layers.set(layer, (layers.get(layer) ?? 0) + share);
  });
  return {
    multiplicity: space.length,
    shares: mapParts((term) => sum(classes.map((shares) => shares[term]))),
    classes,
    layers: Array.from(layers, ([layer, share]) => ({ layer, share })),
  };
}
