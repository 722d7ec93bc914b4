// The density of a whole spectrum from products alone: stochastic Lanczos quadrature (Golub and Meurant
// 1994; Ubaru, Chen and Saad 2017; for networks Ghorbani, Krishnan and Xiao 2019).
//
//   φ(t) = 1/n Σ_i δ(t − λ_i) = E[ vᵀ δ(t − A) v ]        v random, ‖v‖ = 1
//
// m steps of Lanczos from each probe v give m nodes θ and weights w: a measure with the first 2m − 1
// moments of that probe's own.

import * as v from 'valibot';

import type { SymmetricOperator } from '../curvature/operator.js';
import { EigenscapeError } from '../errors.js';
import { callEngine, runJob } from '../long-call.js';
import { addon } from '../native.js';
import {
  longCallEntries,
  optionsOf,
  parseOptions,
  positiveInteger,
  seedOption,
  wordOption,
} from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { gaussQuadrature } from './gauss-quadrature.js';
import { Products } from './products.js';

/** Options of {@link spectralDensity}. */
export interface SpectralDensityOptions extends LongCallOptions {
  /** Lanczos steps m of each probe, cut to the operator's size; 60 by default. Per probe the measure is
   *  within W₁ ≤ π(b − a)/(4m) of the exact one, for a spectrum in [a, b]. */
  readonly steps?: number | undefined;
  /** 10 by default; errors of the probes fall with their square root. */
  readonly probes?: number | undefined;
  readonly seed?: number | undefined;
  /** Entries ±1, or normal. */
  readonly probeVectors?: 'rademacher' | 'normal' | undefined;
  /** Points of the grid: 256 by default. */
  readonly gridPoints?: number | undefined;
  /** Of the grid: 'logarithmic' is evenly spaced in asinh(λ/λ₀), λ₀ = 1e-6 of the largest |λ|. */
  readonly axis?: 'linear' | 'logarithmic' | undefined;
  /** Intervals [low, high] whose share of the eigenvalues is wanted. */
  readonly intervals?: readonly (readonly [number, number])[] | undefined;
}

/** Mean over probes and its standard error s/√probes: NaN for one probe. With many probes ±1.96 of it is
 *  a 95 % interval, except where one eigenvector carries the share: there weights go like χ²₁/n, skew, and
 *  some tens of probes are needed. It knows nothing of the quadrature, whose error `steps` rules. */
export interface Estimate {
  readonly value: number;
  readonly standardError: number;
}

/** The quadrature of one probe: nodes θ and weights w, Σw = 1. */
export interface ProbeMeasure {
  /** Ascending; weights ≥ 0 sum to 1. */
  readonly nodes: Float64Array;
  readonly weights: Float64Array;
  /** vᵀAv and ‖Av‖² from the first product; Σwθ and Σwθ² were checked to equal them. */
  readonly moments: readonly [number, number];
}

/** What {@link spectralDensity} resolves to. */
export interface SpectralDensity {
  /** Over all probes, ascending; weights sum to 1. */
  readonly nodes: Float64Array;
  readonly weights: Float64Array;
  /** Smoothed by Gaussians of width `bandwidth` on the axis; per unit of that axis (λ, or asinh(λ/λ₀)). */
  readonly grid: Float64Array;
  readonly density: Float64Array;
  readonly standardError: Float64Array;
  readonly bandwidth: number;
  readonly trace: Estimate;
  /** For each interval, the share of eigenvalues in it. */
  readonly intervals: readonly Estimate[];
  readonly probes: readonly ProbeMeasure[];
  /** Steps taken at most: those asked for, or the operator's size. */
  readonly steps: number;
}

/** @internal */
export const defaultSteps = 60;
/** @internal */
export const defaultProbes = 10;

const schema = optionsOf({
  ...longCallEntries,
  steps: v.optional(positiveInteger, defaultSteps),
  probes: v.optional(positiveInteger, defaultProbes),
  seed: seedOption,
  probeVectors: wordOption(['rademacher', 'normal']),
  gridPoints: v.optional(positiveInteger, 256),
  axis: wordOption(['linear', 'logarithmic']),
  intervals: v.optional(
    v.array(v.strictTuple([v.number('pairs of numbers'), v.number('pairs of numbers')])),
    [],
  ),
});

/** Basis vectors held at once, at most: further probes wait for the next turn. */
const bytesAtOnce = 2 ** 30;

/** @internal */
export function probesAtOnce(size: number, steps: number): number {
  return Math.max(1, Math.floor(bytesAtOnce / (8 * size * (steps + 1))));
}

/** The spectral density of an operator, its trace and the shares of intervals, each with the standard error
 *  over probes. Every Lanczos vector is orthogonalised against all of its probe.
 *  @throws EigenscapeError ERR_MEMORY before a basis is allocated; ERR_NUMERIC when a product is not
 *  finite, or a user's operator is not symmetric or not repeatable, or the moments disagree
 *  @example const { grid, density } = await spectralDensity(hessian(network, data), { steps: 80 }) */
export async function spectralDensity(
  operator: SymmetricOperator,
  options: SpectralDensityOptions = {},
): Promise<SpectralDensity> {
  const parsed = parseOptions('spectralDensity', schema, options);
  const products = await Products.of('spectralDensity', operator, options);
  const { size } = products;
  const steps = Math.min(parsed.steps, size);
  const atOnce = probesAtOnce(size, steps);
  const probes: ProbeMeasure[] = [];
  while (probes.length < parsed.probes) {
    const count = Math.min(atOnce, parsed.probes - probes.length);
    const turn = { ...parsed, first: probes.length, count, steps };
    probes.push(...(await runProbes(products, turn, options)));
    const done = probes.length;
    options.onProgress?.({ stage: 'density', done, total: parsed.probes, secondsLeft: undefined });
  }
  const axis = makeAxis(probes, parsed.axis, parsed.gridPoints);
  const rows = probes.map((probe) => smoothed(probe, axis));
  const density = rows[0]?.map((_, g) => estimate(rows.map((row) => row[g] ?? NaN)).value);
  const standardError = rows[0]?.map(
    (_, g) => estimate(rows.map((row) => row[g] ?? NaN)).standardError,
  );
  const all = probes.flatMap(({ nodes, weights }) =>
    Array.from(nodes, (node, i) => ({ node, weight: (weights[i] ?? NaN) / probes.length })),
  );
  all.sort((a, b) => a.node - b.node);
  return {
    nodes: Float64Array.from(all, ({ node }) => node),
    weights: Float64Array.from(all, ({ weight }) => weight),
    grid: axis.grid,
    density: density ?? new Float64Array(0),
    standardError: standardError ?? new Float64Array(0),
    bandwidth: axis.bandwidth,
    trace: estimate(probes.map(({ moments }) => size * moments[0])),
    intervals: parsed.intervals.map(([low, high]) =>
      estimate(probes.map((probe) => share(probe, low, high))),
    ),
    probes,
    steps,
  };
}

interface Turn {
  readonly first: number;
  readonly count: number;
  readonly steps: number;
  readonly seed: number;
  readonly probeVectors: 'rademacher' | 'normal';
}

/** Some probes, one block of products a step. */
async function runProbes(
  products: Products,
  turn: Turn,
  { signal, threads }: LongCallOptions,
): Promise<ProbeMeasure[]> {
  const call = { signal, threads };
  const { size, dtype } = products;
  const { first, count, steps, seed, probeVectors } = turn;
  const stride = steps + 1;
  const basis = callEngine(() => addon().createBasis(size, count * stride, 'float64'));
  try {
    for (let p = 0; p < count; p += 1) {
      const stream = seed * 7919 + first + p;
      const row = p * stride;
      await runJob(call, (job) => addon().randomizeBasis(basis, row, 1, stream, probeVectors, job));
      const start = { base: row, first: row, count: 1, least: 0, seed: stream };
      await runJob(call, (job) => addon().orthonormalizeBasis(basis, start, job));
    }
    const unit = dtype === 'float32' ? 2 ** -23 : 2 ** -52;
    const scales = new Float64Array(count);
    const runs = Array.from({ length: count }, () => new Recurrence());
    for (let step = 0; step < steps; step += 1) {
      await products.multiplyRows(basis, step, count, step + 1, stride);
      const leasts = scales.map((scale) => 10 * unit * scale);
      const numbers = await runJob(call, (job) =>
        addon().advanceProbes(basis, count, stride, step, leasts, job),
      );
      runs.forEach((run, p) => {
        const [alpha = NaN, beta = NaN, square = NaN] = numbers.subarray(3 * p, 3 * p + 3);
        run.add(alpha, beta, square);
        scales[p] = Math.max(scales[p] ?? 0, Math.sqrt(square));
      });
      if (runs.every(({ ended }) => ended)) break;
    }
    return runs.map((run, p) => run.measure(unit * size, first + p));
  } finally {
    addon().releaseBasis(basis);
  }
}

/** α and β of one probe, up to the step at which its Krylov space was whole. */
class Recurrence {
  readonly #alpha: number[] = [];
  readonly #beta: number[] = [];
  #square = 0;
  ended = false;

  add(alpha: number, beta: number, square: number): void {
    if (this.ended) return;
    if (this.#alpha.length === 0) this.#square = square;
    this.#alpha.push(alpha);
    this.#beta.push(beta);
    this.ended = beta === 0;
  }

  measure(rounding: number, probe: number): ProbeMeasure {
    const { nodes, weights } = gaussQuadrature(this.#alpha, this.#beta);
    const [mean = NaN] = this.#alpha;
    const sum = (power: number) =>
      nodes.reduce((total, node, i) => total + (weights[i] ?? NaN) * node ** power, 0);
    const norm = Math.max(Math.abs(nodes[0] ?? 0), Math.abs(nodes.at(-1) ?? 0));
    // One step knows the first moment only.
    const second = this.#alpha.length > 1 || this.ended ? this.#square : sum(2);
    const limit = 100 * (rounding + Number.EPSILON * nodes.length);
    const off = Math.max(Math.abs(sum(1) - mean) * norm, Math.abs(sum(2) - second));
    if (!(off <= limit * norm ** 2)) {
      throw new EigenscapeError(
        'ERR_NUMERIC',
        `spectralDensity: probe ${String(probe)} has moments ${String(sum(1))} and ${String(sum(2))}, but vᵀAv is ${String(mean)} and ‖Av‖² ${String(second)}; is the operator symmetric?`,
        { details: { probe, mean, second } },
      );
    }
    return { nodes, weights, moments: [mean, this.#square] };
  }
}

interface Axis {
  readonly grid: Float64Array;
  readonly bandwidth: number;
  readonly place: (lambda: number) => number;
}

/** From the smallest to the largest node and four bandwidths beyond, a bandwidth being a hundredth. */
function makeAxis(
  probes: readonly ProbeMeasure[],
  kind: 'linear' | 'logarithmic',
  points: number,
): Axis {
  const low = Math.min(...probes.map(({ nodes }) => nodes[0] ?? NaN));
  const high = Math.max(...probes.map(({ nodes }) => nodes.at(-1) ?? NaN));
  const unit = 1e-6 * Math.max(Math.abs(low), Math.abs(high)) || 1;
  const logarithmic = kind === 'logarithmic';
  const place = (x: number): number => (logarithmic ? Math.asinh(x / unit) : x);
  const lambda = (x: number): number => (logarithmic ? unit * Math.sinh(x) : x);
  const width = place(high) - place(low);
  const bandwidth =
    (width > 1e-12 * Math.abs(place(high)) ? width : Math.abs(place(high)) || 1) / 100;
  const from = place(low) - 4 * bandwidth;
  const pace = (width + 8 * bandwidth) / Math.max(1, points - 1);
  return {
    grid: Float64Array.from({ length: points }, (_, i) => lambda(from + i * pace)),
    bandwidth,
    place,
  };
}

function smoothed(
  { nodes, weights }: ProbeMeasure,
  { grid, bandwidth, place }: Axis,
): Float64Array {
  const places = nodes.map(place);
  const height = 1 / (bandwidth * Math.sqrt(2 * Math.PI));
  return grid.map((lambda) => {
    const at = place(lambda);
    let sum = 0;
    places.forEach((x, i) => {
      sum += (weights[i] ?? NaN) * Math.exp(-(((at - x) / bandwidth) ** 2) / 2);
    });
    return height * sum;
  });
}

function share({ nodes, weights }: ProbeMeasure, low: number, high: number): number {
  return nodes.reduce(
    (sum, node, i) => sum + (node >= low && node <= high ? (weights[i] ?? NaN) : 0),
    0,
  );
}

function estimate(values: readonly number[]): Estimate {
  const count = values.length;
  const value = values.reduce((sum, x) => sum + x, 0) / count;
  const square = values.reduce((sum, x) => sum + (x - value) ** 2, 0);
  return { value, standardError: Math.sqrt(square / (count - 1) / count) };
}
