// The checkpoints that train writes while it runs.

import * as v from 'valibot';

import { filePath } from '../data/file-bytes.js';
import type { FilePath } from '../data/file-bytes.js';
import type { DType } from '../data/dtype.js';
import { requireWritable } from '../data/replace-file.js';
import type { Network } from '../network/network.js';
import { optionsOf, positiveInteger } from '../options.js';
import { planOf } from './checkpoint-file.js';
import { pack } from './packing.js';
import { Stops } from './record.js';
import type { TrainingRecord } from './record.js';
import { refuseCustomLoss, writeCheckpoint } from './save-checkpoint.js';
import type { TrainingState } from './state.js';
import type { TrainOptions } from './train.js';

/** Checkpoints of a run: training waits while one is written, and ends with ERR_FILE when one cannot be. */
export interface CheckpointOptions {
  /** Replaced as a whole each time. */
  readonly file: FilePath;
  /** A checkpoint after each multiple of so many steps, and one at the end. */
  readonly every: number;
  /** Those of earlier calls, which the file holds before the records of this one. */
  readonly records?: readonly TrainingRecord[] | undefined;
}

/** @internal */
export const checkpointOptionsSchema = optionsOf({
  file: v.custom<FilePath>(
    (file) => typeof file === 'string' || file instanceof URL,
    'a path or a file: URL',
  ),
  every: positiveInteger,
  records: v.optional(
    v.array(
      v.custom<TrainingRecord>(() => true),
      'a list of records',
    ),
    [],
  ),
});

/** Those of one call of train.
 *  @internal */
export class Checkpoints<D extends DType> {
  readonly #path: string;
  readonly #network: Network<D>;
  readonly #plan: Readonly<Record<string, unknown>>;
  readonly #every: number;
  readonly #stops: Stops;
  readonly #earlier: readonly TrainingRecord[];

  /** @param options of the call, valid ones
   *  @throws EigenscapeError ERR_SPEC for a custom loss, or a file that is no path */
  constructor(
    network: Network<D>,
    options: TrainOptions<D>,
    { file, every, records }: v.InferOutput<typeof checkpointOptionsSchema>,
  ) {
    refuseCustomLoss('train', network.spec.loss);
    this.#path = filePath(file);
    this.#network = network;
    this.#plan = structuredClone(planOf(options));
    this.#every = every;
    this.#stops = new Stops(every);
    this.#earlier = [...records];
  }

  /** To be called before work is done that could not be kept.
   *  @throws EigenscapeError (rejects) ERR_FILE when nothing can be written there, ERR_ABORTED */
  async prepare(signal: AbortSignal | undefined): Promise<void> {
    await requireWritable(this.#path, signal);
  }

  /** The first step after `step` that is followed by a checkpoint. */
  after(step: number): number {
    return this.#stops.after(step);
  }

  has(step: number): boolean {
    return this.#stops.has(step);
  }

  /** @param records of this call so far
   *  @param left what the call still has to do: its steps, and how often it records
   *  @throws EigenscapeError (rejects) ERR_FILE, ERR_NUMERIC, ERR_ABORTED */
  async save(
    state: TrainingState<D>,
    records: readonly TrainingRecord[],
    left: { readonly steps: number; readonly recordEvery: number },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const options = {
      ...this.#plan,
      // `phases` say for themselves what is left of them.
      ...('phases' in this.#plan ? {} : { steps: left.steps }),
      ...(Number.isFinite(left.recordEvery) ? { recordEvery: left.recordEvery } : {}),
      checkpoint: { every: this.#every },
    };
    // A call that resumes begins with a record that the run had not made without the interruption.
    const made = this.#earlier.length > 0 ? records.slice(1) : records;
    const training = { state, options, records: [...this.#earlier, ...made] };
    await writeCheckpoint(this.#path, this.#network, pack(training), signal);
  }
}
