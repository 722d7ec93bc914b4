// The edges of the spectrum through training: λ_max against what the steps can bear.

import * as v from 'valibot';

import { gaussNewton, hessian } from '../curvature/operator.js';
import type { Dataset } from '../data/dataset.js';
import { EigenscapeError } from '../errors.js';
import { runJob } from '../long-call.js';
import { addon } from '../native.js';
import type { Network } from '../network/network.js';
import { optionsOf, positiveInteger, positiveNumber, seedOption, wordOption } from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { eigenpairsFrom } from '../spectrum/extremal-eigenpairs.js';
import type { EigenpairsAtEnd, ExtremalEigenpairs } from '../spectrum/extremal-eigenpairs.js';
import type { Optimizer } from './optimizer.js';
import { Stops } from './record.js';

/** Eigenvalues at the ends of the spectrum while a network is trained. The steps have the same bits with and
 *  without. Each search begins with the vectors that the last one found; these are in no checkpoint, so that
 *  a resumed run finds the same eigenvalues within their residual norms, not to the bit. */
export interface TrackOptions {
  /** After each multiple of so many steps, and after the last one: these are recorded, too. */
  readonly every: number;
  /** How many at each end; `largest: 1` if neither is given. */
  readonly largest?: number | undefined;
  readonly smallest?: number | undefined;
  /** Of the Hessian or of the Gauss-Newton matrix; default 'hessian'. */
  readonly term?: 'hessian' | 'gaussNewton' | undefined;
  /** Over the first so many samples of the data alone; default: all. */
  readonly samples?: number | undefined;
  /** Wanted residual norm ‖Av − λv‖ as a share of the largest |λ|; default 1e-6, 1e-5 in float32. */
  readonly tolerance?: number | undefined;
  /** Of the random vectors among those that a search begins with; default 0. */
  readonly seed?: number | undefined;
  /** Products with vectors after which a search ends, whatever was found; default 10,000. */
  readonly maxProducts?: number | undefined;
}

/** Eigenvalues at one end: an eigenvalue lies within its residual norm of each. */
export interface TrackedEigenvalues {
  /** From the end inward. */
  readonly values: readonly number[];
  readonly residualNorms: readonly number[];
  /** Whether the residual norm is within the tolerance. */
  readonly converged: readonly boolean[];
}

/** The ends of the spectrum at one step of training. */
export interface SpectrumEdges {
  /** From the largest down. */
  readonly largest: TrackedEigenvalues;
  /** From the smallest up. */
  readonly smallest: TrackedEigenvalues;
  /** Above which eigenvalue of the Hessian of the full batch steps of this learning rate grow along its
   *  vector: 2/η for gradient descent; (2 + 2μ)/η with momentum, (2 + 2μ)/(1 + 2μ)/η with Nesterov's (Cohen
   *  et al. 2021, eq. 1), less the weight decay. Undefined for adam and adamW, and without a step (η = 0). */
  readonly stabilityThreshold: number | undefined;
  /** Products with vectors that were needed. */
  readonly products: number;
}

/** @internal */
export const trackSchema = optionsOf({
  every: positiveInteger,
  largest: v.optional(positiveInteger),
  smallest: v.optional(positiveInteger),
  term: wordOption(['hessian', 'gaussNewton']),
  samples: v.optional(positiveInteger),
  tolerance: v.optional(positiveNumber),
  seed: seedOption,
  maxProducts: v.optional(positiveInteger, 10_000),
});

const makers = { hessian, gaussNewton } as const;
const tolerances = { float64: 1e-6, float32: 1e-5 } as const;

/** Follows the edges through one call of train.
 *  @internal */
export class Tracker {
  readonly stops: Stops;
  readonly #network: Network;
  readonly #data: Dataset;
  readonly #options: v.InferOutput<typeof trackSchema>;
  #vectors: Float64Array | Float32Array | undefined;

  /** @throws EigenscapeError ERR_SPEC for more samples than there are */
  constructor(network: Network, data: Dataset, options: v.InferOutput<typeof trackSchema>) {
    const { samples = data.sampleCount } = options;
    if (samples > data.sampleCount) {
      throw new EigenscapeError(
        'ERR_SPEC',
        `train: option 'track.samples' is ${String(samples)}; expected at most ${String(data.sampleCount)}, the samples of the data`,
        { details: { samples, sampleCount: data.sampleCount } },
      );
    }
    this.#network = network;
    this.#data = samples === data.sampleCount ? data : data.take(samples);
    this.#options = options;
    this.stops = new Stops(options.every);
  }

  /** The edges at the network's parameters.
   *  @throws EigenscapeError (rejects) as `extremalEigenpairs` does */
  async edges(
    optimizer: Optimizer,
    learningRate: number,
    call: LongCallOptions,
  ): Promise<SpectrumEdges> {
    const { term, largest, smallest, seed, maxProducts } = this.#options;
    const { tolerance = tolerances[this.#network.dtype] } = this.#options;
    using operator = makers[term](this.#network, this.#data);
    const found = await eigenpairsFrom(this.#vectors, operator, {
      ...call,
      largest,
      smallest,
      tolerance,
      seed,
      maxProducts,
    });
    this.#vectors = await startOf(found, operator.size, call);
    return {
      largest: withoutVectors(found.largest),
      smallest: withoutVectors(found.smallest),
      stabilityThreshold: stabilityThreshold(optimizer, learningRate),
      products: found.products,
    };
  }
}

function withoutVectors({ values, residualNorms, converged }: EigenpairsAtEnd): TrackedEigenvalues {
  return { values: [...values], residualNorms: [...residualNorms], converged };
}

/** The vectors of both ends, as rows; no more than there are dimensions. */
async function startOf(
  { largest, smallest }: ExtremalEigenpairs,
  size: number,
  { signal }: LongCallOptions,
) {
  if (smallest.vectors.length === 0) return largest.vectors;
  const parts = [largest.vectors, smallest.vectors];
  const both = new Float64Array(largest.vectors.length + smallest.vectors.length);
  await runJob({ signal }, (job) => addon().joinArrays(parts, both, job));
  return both.subarray(0, size * size);
}

/** Where |1 + μ − η(1 − τ)(h + λ)| < 1 + μ ends, h being an eigenvalue of the Hessian: the steps of sgd on a
 *  quadratic are a linear recurrence of order two, stable while both of its roots are inside the unit circle. */
function stabilityThreshold(optimizer: Optimizer, learningRate: number): number | undefined {
  if (optimizer.type !== 'sgd' || learningRate === 0) return undefined;
  const { momentum, dampening, nesterov, weightDecay } = optimizer;
  if (momentum >= 1 || (momentum > 0 && dampening >= 1)) return undefined;
  const share = momentum === 0 ? 1 : nesterov ? 1 + 2 * momentum : 1 - dampening;
  return (2 + 2 * momentum) / (share * learningRate) - weightDecay;
}
