// Curvature matrices as operators: products with vectors, and the dense matrix where it fits.
//
//   H = G + R          Hessian of the loss L = Σ s_n ℓ_n / Σ s_n κ_n      (Sagun et al. 2017, eq. 4)
//   G = Σ s_n J_nᵀ ∇²ℓ_n J_n / Σ s_n κ_n       generalized Gauss-Newton, J_n = ∂f_n/∂w
//   R = Σ s_n Σ_c ∂ℓ_n/∂f_c ∇²f_nc / Σ s_n κ_n                                 residual
//   F = Σ s_n ∇ℓ_n ∇ℓ_nᵀ / Σ s_n κ_n                                            empirical Fisher
//   C = Σ s_n (∇ℓ_n − ḡ)(∇ℓ_n − ḡ)ᵀ / Σ s_n κ_n, ḡ = Σ s_n ∇ℓ_n / Σ s_n (samples not ignored)        gradient covariance

import * as v from 'valibot';

import type { Dataset } from '../data/dataset.js';
import type { ArrayOf, DType } from '../data/dtype.js';
import {
  longCallEntries,
  nonnegativeNumber,
  optionsOf,
  parseLongCall,
  parseOptions,
  positiveInteger,
} from '../options.js';
import { EigenscapeError } from '../errors.js';
import { callEngine, runJob } from '../long-call.js';
import { addon } from '../native.js';
import type {
  JobOptions,
  NativeCombination,
  NativeJob,
  NativeLossRoot,
  NativeWay,
  OperatorHandle,
} from '../native.js';
import { requireNetwork } from '../network/network.js';
import type { Network } from '../network/network.js';
import type { LongCallOptions } from '../progress.js';
import { LossTable } from './loss-table.js';
import { entryCount, parametersOption, rangesOf, selectParameters } from './parameters.js';
import type { ChosenTensor } from './parameters.js';
import { readVectors } from './read-vectors.js';

/** What the `apply` of an operator of one's own is told of the call that wants its products. */
export type ProductOptions = Pick<LongCallOptions, 'signal' | 'threads'>;

/** What the functions of the spectrum room accept: a symmetric matrix of which products are known. */
export interface SymmetricOperator {
  /** Rows, and columns. */
  readonly size: number;
  /** Precision of its products, by which tolerances are chosen; default 'float64'. */
  readonly dtype?: DType | undefined;
  /** Products with `count` vectors, the rows of `vectors` [count, size]. `options` are those of the call that
   *  wants them, for products that last: an abort rejects that call at once, whether they are heeded or not. */
  apply(
    vectors: Float64Array | Float32Array,
    count: number,
    options?: ProductOptions,
  ): ArrayLike<number> | Promise<ArrayLike<number>>;
  /** The matrix [size, size] row-major. */
  toDense?(): ArrayLike<number> | Promise<ArrayLike<number>>;
}

/** The curvature matrices of a loss: H, G, R, the empirical Fisher, the covariance of gradients. */
export type CurvatureTerm =
  'hessian' | 'gaussNewton' | 'residual' | 'empiricalFisher' | 'gradientCovariance';

/** Parts of G by class means, see {@link outlierTerms}. */
export type OutlierTerm = 'classMeans' | 'crossClassMeans' | 'withinCrossClass' | 'sameClass';

/** What an operator may be: the terms that spectra are made of, what stands for G, and its parts. */
export type OperatorTerm = CurvatureTerm | 'monteCarloFisher' | 'kfac' | 'ekfac' | OutlierTerm;

/** Options of all makers of operators. */
export interface OperatorOptions {
  /** Names of tensors or layers of `network.layout`, or globs (`*` for any characters, `?` for one): the diagonal
   *  block of the matrix that belongs to these parameters, in the order of the layout. Default: all. */
  readonly parameters?: string | readonly string[] | undefined;
  /** λ ≥ 0 of the term (λ/2)‖θ‖² beside the loss, over all parameters, biases and normalizations included, as
   *  torch's weight_decay has it: λI is added to H, to G and to every Fisher or covariance matrix. None of it is
   *  added to R, as the penalty's Hessian is all its Gauss-Newton term, so that H = G + R with λ, too. Default 0. */
  readonly weightDecay?: number | undefined;
  /** Threads for all its computing, unless a call says otherwise. */
  readonly threads?: number | undefined;
}

/** How a dense matrix is assembled: by the closed form of layered networks, or by products with blocks
 *  of `blockSize` unit vectors (default 64), which works for any graph. 'auto' (default) takes the
 *  closed form where it holds. */
export interface DenseOptions extends LongCallOptions {
  readonly via?: 'auto' | 'closedForm' | 'products' | undefined;
  readonly blockSize?: number | undefined;
}

/** @internal */
export const operatorEntries = {
  parameters: parametersOption,
  weightDecay: v.optional(nonnegativeNumber, 0),
  threads: longCallEntries.threads,
};
const operatorSchema = optionsOf(operatorEntries);
/** @internal */
export const denseEntries = {
  ...longCallEntries,
  via: v.optional(
    v.picklist(['auto', 'closedForm', 'products'], "'auto', 'closedForm' or 'products'"),
    'auto',
  ),
  blockSize: v.optional(positiveInteger, 64),
};
const denseSchema = optionsOf(denseEntries);

/** @internal */
export function parseDenseOptions(call: string, options: DenseOptions): NativeWay {
  const { via, blockSize } = parseOptions(call, denseSchema, options);
  return { via, blockSize };
}

/** One term at the point where it was made: later changes of the network do not reach it. */
export class CurvatureOperator<D extends DType = DType> implements SymmetricOperator {
  readonly term: OperatorTerm;
  /** M: the number of parameters, all or those of the block. */
  readonly size: number;
  /** The tensors that rows and columns belong to, in their order. */
  readonly parameters: readonly ChosenTensor[];
  /** λ of λI, which is part of the matrix; 0 for a residual. */
  readonly weightDecay: number;
  readonly dtype: D;
  readonly sampleCount: number;
  readonly #threads: number | undefined;
  readonly #losses: LossTable | undefined;
  #handle: OperatorHandle | undefined;
  #calls = 0;

  /** @internal */
  constructor(
    term: OperatorTerm,
    network: Network<D>,
    data: Dataset,
    options: OperatorOptions = {},
    root?: NativeLossRoot,
  ) {
    const { threads, weightDecay, ...chosen } = parseOptions(term, operatorSchema, options);
    requireNetwork(term, network);
    const { handle } = network;
    const samples = network.samplesOf(data);
    this.term = term;
    this.parameters = selectParameters(term, network.layout, chosen.parameters);
    // The penalty is convex, so all of its Hessian λI belongs to G and none of it to R: H = G + R.
    const decay = term === 'residual' ? 0 : weightDecay;
    this.weightDecay = decay;
    this.size = this.parameters.reduce((sum, { shape }) => sum + entryCount(shape), 0);
    this.dtype = network.dtype;
    this.sampleCount = data.sampleCount;
    this.#threads = threads;
    if (this.size === 0) {
      throw new EigenscapeError(
        'ERR_SPEC',
        `${term}: the network has no parameters to curve; expected a layer that has some, such as dense`,
        { details: { call: term } },
      );
    }
    const whole = this.size === network.parameterCount;
    const native = {
      weightDecay: decay,
      ranges: whole ? undefined : rangesOf(this.parameters),
      root,
    };
    const created = callEngine(() => addon().createOperator(handle, samples, term, native));
    const { customLoss: loss, outputCount } = network;
    const withHessians = term === 'hessian' || term === 'gaussNewton';
    this.#losses =
      loss && new LossTable({ handle: created, data, outputCount, loss, withHessians });
    this.#handle = created;
  }

  /** Runs a job of the engine on this operator; the functions of a custom loss run before the first. An
   *  operator that is disposed meanwhile still finishes it.
   *  @internal */
  async run<Result>(
    options: LongCallOptions,
    start: (handle: OperatorHandle, job: JobOptions) => NativeJob<Result>,
  ): Promise<Result> {
    const long = this.jobOptions(options);
    const handle = this.retain();
    try {
      await this.ready(long);
      return await runJob(long, (job) => start(handle, job));
    } finally {
      this.letGo(handle);
    }
  }

  /** The engine's object, kept until {@link letGo} though the operator is disposed meanwhile.
   *  @internal */
  retain(): OperatorHandle {
    const { handle } = this;
    this.#calls += 1;
    return handle;
  }

  /** @internal */
  letGo(handle: OperatorHandle): void {
    this.#calls -= 1;
    if (this.#handle === undefined) this.#release(handle);
  }

  /** To be awaited before a job reads the engine's object: the functions of a custom loss have run then.
   *  @internal */
  async ready(options: LongCallOptions): Promise<void> {
    // A turn of its own in any case: during this one, the result that the caller awaited last (often the
    // matrix before this one) cannot be collected.
    await this.#losses?.ready(options);
  }

  /** Whether G is a sum of squares: false where a custom loss has a ∇²ℓ_n with a negative eigenvalue, so that
   *  G may have some too. For terms that read ∇²ℓ.
   *  @internal */
  async hasConvexLoss(options: LongCallOptions): Promise<boolean> {
    return (await this.#losses?.ready(this.jobOptions(options))) ?? true;
  }

  /** The engine's object. Jobs go through {@link run}.
   *  @internal */
  get handle(): OperatorHandle {
    if (this.#handle === undefined) {
      throw new EigenscapeError(
        'ERR_DISPOSED',
        `the operator (${this.term}) was disposed; make another from the network and its data`,
        { details: { what: 'operator', term: this.term } },
      );
    }
    return this.#handle;
  }

  /** `options` with the operator's own threads where they name none.
   *  @internal */
  jobOptions(options: LongCallOptions): LongCallOptions {
    return options.threads === undefined ? { ...options, threads: this.#threads } : options;
  }

  /** Products with `count` vectors, the rows of `vectors` [count, size]; returns [count, size]. The
   *  same vectors in the same blocks give the same bits on any number of threads.
   *  @throws EigenscapeError ERR_SHAPE, ERR_DATA for an entry that is not finite, ERR_NUMERIC when a
   *  product is not */
  async apply(
    vectors: ArrayLike<number>,
    count = 1,
    options: LongCallOptions = {},
  ): Promise<ArrayOf[D]> {
    parseLongCall('apply', options);
    const copy = readVectors(vectors, count, this);
    try {
      const products = await this.run(options, (handle, job) =>
        addon().applyOperator(alone(handle), copy, count, job),
      );
      return products as ArrayOf[D];
    } finally {
      addon().release(copy);
    }
  }

  /** The matrix [size, size] row-major, symmetric to the bit.
   *  @throws EigenscapeError ERR_MEMORY before anything is allocated, ERR_NUMERIC when it is not finite,
   *  ERR_SPEC when the closed form is asked for and does not hold */
  async toDense(options: DenseOptions = {}): Promise<ArrayOf[D]> {
    const way = parseDenseOptions('toDense', options);
    const matrix = await this.run(options, (handle, job) =>
      addon().assembleOperator(handle, way, job),
    );
    return matrix as ArrayOf[D];
  }

  /** Frees what the engine holds; the operator is ERR_DISPOSED afterwards. `using` calls it. */
  [Symbol.dispose](): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) this.#release(handle);
  }

  #release(handle: OperatorHandle): void {
    if (this.#calls === 0) addon().release(handle);
  }
}

/** An operator as the engine multiplies by it.
 *  @internal */
export function alone(operator: OperatorHandle): NativeCombination {
  return { operators: [operator], factors: Float64Array.of(1), shift: 0 };
}

/** @internal */
export function isCurvatureOperator(operator: SymmetricOperator): operator is CurvatureOperator {
  return operator instanceof CurvatureOperator;
}

type MakeOperator = <D extends DType>(
  network: Network<D>,
  data: Dataset,
  options?: OperatorOptions,
) => CurvatureOperator<D>;

const maker =
  (term: CurvatureTerm): MakeOperator =>
  (network, data, options) =>
    new CurvatureOperator(term, network, data, options);

/** H, the Hessian of the loss: Hv by Pearlmutter (1994), dense H by the closed form. As the other makers of
 *  operators it computes nothing yet, and copies the parameters, so that the operator never changes.
 *  @param network whose parameters are the point θ [M]
 *  @param data over all of which the loss is averaged
 *  @returns an operator of size M, or of the block that `parameters` chooses
 *  @throws EigenscapeError ERR_SPEC for options, ERR_SHAPE and ERR_DATA for data that does not fit
 *  @example const values = await eigenvalues(hessian(network, data))
 *  @function */
export const hessian = maker('hessian');
/** G, the generalized Gauss-Newton matrix: first term of eq. 4; Gv by Schraudolph (2002). Arguments and
 *  errors as of {@link hessian}.
 *  @example const { value } = await trace(gaussNewton(network, data))
 *  @function */
export const gaussNewton = maker('gaussNewton');
/** R, the residual term: second term of eq. 4; computed by its own recursion, not as H − G. Arguments and
 *  errors as of {@link hessian}.
 *  @example const { value } = await frobeniusNorm(residual(network, data))
 *  @function */
export const residual = maker('residual');
/** F, the empirical Fisher: second moment of the per-sample gradients. A sample weight enters once, class
 *  weights, being part of ℓ, twice. Arguments and errors as of {@link hessian}.
 *  @example const { eigenvalues } = (await spectrum(network, data, { terms: ['empiricalFisher'] })).terms.empiricalFisher
 *  @function */
export const empiricalFisher = maker('empiricalFisher');
/** C, the covariance of the per-sample gradients about their mean. Arguments and errors as of {@link hessian}.
 *  @example const values = await eigenvalues(gradientCovariance(network, data, { parameters: 'dense1' }))
 *  @function */
export const gradientCovariance = maker('gradientCovariance');
