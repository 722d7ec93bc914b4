// An array that stays on disk, as `createDataset` takes it for inputs.

import { EigenscapeError } from '../errors.js';
import { callEngine } from '../long-call.js';
import { addon } from '../native.js';
import type { RowsHandle } from '../native.js';
import type { DType } from './dtype.js';

interface StoredArrayParts {
  readonly rows: RowsHandle;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** What `loadNpy(file, { stream: true })` makes. The file stays open until this, and every dataset with these
 *  inputs, is disposed or collected. */
export class StoredArray {
  /** Samples first. */
  readonly shape: readonly number[];
  /** How a dataset keeps the numbers: 'float32' if they are floats of at most 32 bits. */
  readonly dtype: DType;
  #rows: RowsHandle | undefined;

  private constructor({ rows, shape, dtype }: StoredArrayParts) {
    this.#rows = rows;
    this.shape = Object.freeze([...shape]);
    this.dtype = dtype;
  }

  /** @internal */
  static from(parts: StoredArrayParts): StoredArray {
    return new StoredArray(parts);
  }

  /** The same rows by a handle of its own.
   *  @throws EigenscapeError ERR_DISPOSED
   *  @internal */
  share(): RowsHandle {
    const rows = this.#rows;
    if (rows !== undefined) return callEngine(() => addon().selectRows(rows));
    throw new EigenscapeError(
      'ERR_DISPOSED',
      'the streamed array was disposed; load the file again',
      { details: { what: 'streamed array' } },
    );
  }

  /** Closes the file, unless a dataset reads it. */
  [Symbol.dispose](): void {
    if (this.#rows !== undefined) addon().release(this.#rows);
    this.#rows = undefined;
  }
}
