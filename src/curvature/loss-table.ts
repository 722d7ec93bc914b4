// The derivatives of a custom loss at an operator's outputs: its functions run once per sample, whatever the
// number of products that follow.

import { callEngine, runJob, throwIfAborted } from '../long-call.js';
import { addon } from '../native.js';
import type { LossTableHandle, OperatorHandle } from '../native.js';
import { lossGradient, lossHessian } from '../network/custom-loss.js';
import { visitSamples } from '../network/custom-sums.js';
import type { CustomLossPlace } from '../network/custom-sums.js';
import type { LongCallOptions } from '../progress.js';

interface LossTableRequest extends Omit<CustomLossPlace, 'handle'> {
  readonly handle: OperatorHandle;
  /** Whether the operator's products read ∇²ℓ. */
  readonly withHessians: boolean;
}

/** Entries of ∇²ℓ that are handed to the engine at once: a megabyte. */
const entriesAtOnce = 2 ** 17;

/** Derivatives of neighbouring samples on their way to the engine. */
class Rows {
  readonly #count: number;
  readonly #gradients: Float64Array;
  readonly #hessians: Float64Array | undefined;
  #first = 0;

  constructor(
    private readonly table: LossTableHandle,
    private readonly samples: number,
    private readonly outputs: number,
    withHessians: boolean,
  ) {
    const square = outputs * outputs;
    this.#count = Math.min(samples, Math.max(1, Math.floor(entriesAtOnce / square)));
    this.#gradients = new Float64Array(this.#count * outputs);
    this.#hessians = withHessians ? new Float64Array(this.#count * square) : undefined;
  }

  /** Samples come in ascending order; those left out keep 0. */
  set(sample: number, gradient: Float64Array, hessian: Float64Array | undefined): void {
    while (sample >= this.#first + this.#count) this.flush();
    const place = sample - this.#first;
    this.#gradients.set(gradient, place * this.outputs);
    if (hessian !== undefined) this.#hessians?.set(hessian, place * this.outputs * this.outputs);
  }

  /** Sends what there is, and goes on behind it. */
  flush(): void {
    const { outputs } = this;
    const count = Math.min(this.#count, this.samples - this.#first);
    const gradients = this.#gradients.subarray(0, count * outputs);
    const hessians = this.#hessians?.subarray(0, count * outputs * outputs);
    callEngine(() => {
      addon().setLossRows(this.table, this.#first, gradients, hessians, outputs);
    });
    this.#first += this.#count;
    this.#gradients.fill(0);
    this.#hessians?.fill(0);
  }
}

/** Computes ∇ℓ and, where asked, ∇²ℓ of every sample, and gives them to the operator, with whether all ∇²ℓ
 *  are positive semidefinite: if not, G is no sum of squares, and ways that factor it do not hold.
 *  @throws EigenscapeError as {@link visitSamples}, ERR_MEMORY before the table is allocated */
async function fillLossTable(
  request: LossTableRequest,
  options: LongCallOptions,
): Promise<boolean> {
  const { handle, data, loss, outputCount, withHessians } = request;
  const table = callEngine(() => addon().createLossTable(handle, withHessians));
  try {
    const rows = new Rows(table, data.sampleCount, outputCount, withHessians);
    await visitSamples(request, undefined, options, (position, sample) => {
      const hessian = withHessians ? lossHessian(loss, sample) : undefined;
      rows.set(position, lossGradient(loss, sample), hessian);
    });
    rows.flush();
    const { signal, threads } = options;
    return await runJob({ signal, threads }, (job) => addon().attachLossTable(handle, table, job));
  } finally {
    addon().release(table);
  }
}

/** Resolves when `other` has settled, or rejects when the signal aborts. */
async function settled(other: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
  });
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([other.catch(() => undefined), aborted]);
    throwIfAborted(signal);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** The table of one operator: filled at the first use, by whichever call comes first. */
export class LossTable {
  #filling: Promise<boolean> | undefined;
  #convex: boolean | undefined;

  constructor(private readonly request: LossTableRequest) {}

  /** Fills the table unless it is; true if all ∇²ℓ_n are positive semidefinite, or none is read.
   *  @throws EigenscapeError as {@link fillLossTable} */
  async ready(options: LongCallOptions): Promise<boolean> {
    while (this.#convex === undefined) {
      if (this.#filling === undefined) {
        this.#filling = fillLossTable(this.request, options);
        try {
          this.#convex = await this.#filling;
        } finally {
          this.#filling = undefined;
        }
      } else {
        // If that call is aborted or fails, this one does it anew, and hears why.
        await settled(this.#filling, options.signal);
      }
    }
    return this.#convex;
  }
}
