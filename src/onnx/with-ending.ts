// What a file applies behind the network, applied to the network's own outputs, in float64.

import { inPieces } from '../in-pieces.js';
import type { OnnxEnding } from './ending.js';

/** Rows of `width` outputs, and what follows them. */
export interface EndingOptions {
  readonly ending: OnnxEnding;
  readonly width: number;
}

/** The rows behind the ending; `outputs` themselves where it is none.
 *  @throws EigenscapeError ERR_ABORTED */
export async function withEnding(
  outputs: Float64Array,
  { ending, width }: EndingOptions,
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  if (ending === 'none') return outputs;
  const isPair = ending === 'binaryProbabilities';
  const result = new Float64Array(isPair ? 2 * outputs.length : outputs.length);
  await inPieces(outputs.length, signal, (first, last) => {
    if (ending === 'softmax' || ending === 'logSoftmax') {
      // Rows that begin in this piece.
      for (let row = Math.ceil(first / width); row * width < last; row += 1) {
        const [from, to] = [row * width, (row + 1) * width];
        normalize(outputs.subarray(from, to), result.subarray(from, to), ending);
      }
      return;
    }
    for (let index = first; index < last; index += 1) {
      const z = outputs[index] ?? NaN;
      if (isPair) result[2 * index] = sigmoid(-z);
      result[isPair ? 2 * index + 1 : index] = sigmoid(z);
    }
  });
  return result;
}

function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

/** pᵢ = exp(zᵢ − log Σ eᶻ), or its logarithm. */
function normalize(row: Float64Array, result: Float64Array, ending: 'softmax' | 'logSoftmax') {
  const largest = row.reduce((most, z) => Math.max(most, z), -Infinity);
  const logSum = largest + Math.log(row.reduce((sum, z) => sum + Math.exp(z - largest), 0));
  row.forEach((z, index) => {
    result[index] = ending === 'softmax' ? Math.exp(z - logSum) : z - logSum;
  });
}
