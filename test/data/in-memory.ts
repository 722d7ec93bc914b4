import type { Dataset } from '../../src/data/dataset.js';
import { isStored } from '../../src/data/dataset-inputs.js';

/** The inputs themselves, not a copy, of a dataset in memory. */
export function inMemory(data: Dataset): Float64Array | Float32Array {
  const { inputs } = data.values;
  if (isStored(inputs)) throw new Error('the inputs stay on disk');
  return inputs;
}
