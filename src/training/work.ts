// Work of a step of training: formulas in the letters of docs/cost-model.md.

import { passWork } from '../network/work.js';
import type { LayerWork, StageWork } from '../network/work.js';

/** Share of the speed of a large product: of wide layers and large batches, and of those of a few entries,
 *  which stay in the first-level cache but pay for every call. */
const stepEfficiency = 0.6;
/** Seconds of a layer's passes whatever its size: forward, adjoint, update. */
const secondsPerLayer = 5e-7;
/** Seconds for a byte of parameters, gradients and moments, which stay where they are. */
const secondsPerStoredByte = 2e-11;
/** Multiplications of a batch below which one thread takes a step: waking others takes longer. */
const oneThreadBelow = 1e7;

/** A step on a batch of B samples: forward 2·B·W flops, gradients of the weights as many, of the layers' inputs
 *  2·B·W'; parameters and the optimizer's `moments` are read and written once. */
export function stepWork(
  layers: readonly LayerWork[],
  step: {
    readonly batch: number;
    readonly parameters: number;
    readonly moments: number;
    readonly entryBytes: number;
  },
): StageWork {
  const { all, inner } = passWork(layers);
  const { batch, parameters, moments, entryBytes } = step;
  const flops = 2 * batch * (2 * all + inner);
  const traffic = parameters * (2 + moments) * entryBytes * secondsPerStoredByte;
  return {
    stage: 'step',
    flops,
    equivalent: flops / stepEfficiency,
    threads: batch * all < oneThreadBelow ? 'one' : 'all',
    seconds: layers.length * secondsPerLayer + traffic,
  };
}
