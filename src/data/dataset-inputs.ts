// The inputs of a dataset: an array in memory, or rows that stay in files and are read when a loop over
// samples comes to them.

import { EigenscapeError } from '../errors.js';
import { callEngine } from '../long-call.js';
import { addon } from '../native.js';
import type { RowsHandle } from '../native.js';
import { allocate } from './dtype.js';
import type { ArrayOf, DType } from './dtype.js';
import { applyScales, columnScales } from './standardization.js';

/** [samples, width] row-major. */
export type DatasetInputs<D extends DType = DType> = ArrayOf[D] | RowsHandle;

/** Inputs with how often each sample counts. */
export interface WeightedInputs {
  readonly inputs: DatasetInputs;
  readonly weights: Float64Array | undefined;
}

export function isStored(inputs: DatasetInputs): inputs is RowsHandle {
  return !ArrayBuffer.isView(inputs);
}

/** What decides how inputs are kept. */
export interface InputsLayout<D extends DType> {
  readonly dtype: D;
  readonly width: number;
}

/** The rows with these indices. */
export function selectInputs<D extends DType>(
  inputs: DatasetInputs<D>,
  indices: ArrayLike<number>,
  { dtype, width }: InputsLayout<D>,
): DatasetInputs<D> {
  if (isStored(inputs)) {
    return callEngine(() => addon().selectRows(inputs, Uint32Array.from(indices)));
  }
  const chosen = allocate(dtype, indices.length * width);
  for (let place = 0; place < indices.length; place++) {
    const row = indices[place] ?? 0;
    chosen.set(inputs.subarray(row * width, (row + 1) * width), place * width);
  }
  return chosen;
}

/** (x − μ)/σ with the mean and deviation over all of `over`: at once in memory; in files when the rows are
 *  read, with the same bits.
 *  @throws EigenscapeError ERR_SPEC for scales over files and memory together, and for those over files
 *  when the inputs are in memory; ERR_NUMERIC as {@link columnScales} and {@link applyScales} */
export function standardizeInputs<D extends DType>(
  inputs: DatasetInputs<D>,
  over: readonly WeightedInputs[],
  { dtype, width }: InputsLayout<D>,
): DatasetInputs<D> {
  const inMemory = over.flatMap(({ inputs: values, weights }) =>
    isStored(values) ? [] : [{ inputs: values, weights }],
  );
  if (inMemory.length === over.length) {
    const scales = columnScales(inMemory, width);
    if (isStored(inputs)) return callEngine(() => addon().standardizeRows(inputs, scales));
    const scaled = allocate(dtype, inputs.length);
    applyScales(inputs, scales, scaled);
    return scaled;
  }
  const inFiles = over.flatMap(({ inputs: values, weights }) =>
    isStored(values) ? [{ rows: values, weights }] : [],
  );
  if (!isStored(inputs) || inFiles.length < over.length) {
    throw new EigenscapeError(
      'ERR_SPEC',
      'standardize: some of these datasets stay on disk and some are in memory; stream all of them, or ' +
        'none (await data.load() reads one into memory)',
      { details: { streamed: inFiles.length, over: over.length } },
    );
  }
  return callEngine(() => addon().standardizeRows(inputs, inFiles));
}
