// The samples that a network is asked about, checked against what it takes.

import { isDataset } from '../data/dataset.js';
import type { Dataset } from '../data/dataset.js';
import { measureRows, readRows } from '../data/sample-rows.js';
import type { SampleRows } from '../data/sample-rows.js';
import { EigenscapeError } from '../errors.js';
import type { NativeInputs } from '../native.js';

export interface InputRows {
  /** Flat, row-major. */
  readonly values: NativeInputs;
  /** Of samples. */
  readonly count: number;
}

/** Samples of `shape`, flat, and their number.
 *  @throws EigenscapeError ERR_SHAPE for samples of another shape
 *  @internal */
export function inputRowsFor(
  call: string,
  inputs: SampleRows | Dataset,
  shape: readonly number[],
): InputRows {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const expected = `samples of shape [${shape.join(', ')}]`;
  if (isDataset(inputs)) {
    if (inputs.inputSize === size) {
      return { values: inputs.values.inputs, count: inputs.sampleCount };
    }
    throw new EigenscapeError(
      'ERR_SHAPE',
      `${call}: samples of the dataset have shape [${inputs.inputShape.join(', ')}]; expected ${expected}`,
      { details: { inputShape: inputs.inputShape, expected: shape } },
    );
  }
  const rows = measureRows('inputs', inputs);
  const width = rows.shape === undefined ? size : rows.length / (rows.shape[0] ?? 1);
  if (width !== size || rows.length % size !== 0) {
    const given = width === size ? `${String(rows.length)} entries` : `rows of ${String(width)}`;
    throw new EigenscapeError(
      'ERR_SHAPE',
      `${call}: inputs have ${given}; expected ${width === size ? 'a multiple of ' : ''}${String(size)}, for ${expected}`,
      { details: { given: rows.length, sampleSize: size } },
    );
  }
  return { values: readRows(rows, size).data, count: rows.length / size };
}
