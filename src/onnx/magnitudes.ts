// Weights so large that networks of them overflow: a damaged exponent makes them, training hardly.

import type { DType } from '../data/dtype.js';

/** Beyond it the square of a number overflows, which layer normalisation takes, or sums of squares do. A bit
 *  of the exponent altered makes 2⁶⁴ and more of a weight in float32. */
export const largestMagnitude: Readonly<Record<DType, number>> = {
  float32: 2 ** 63,
  float64: 2 ** 511,
};

/** Where this library's own files say that they hold larger ones all the same, and how large. */
export const magnitudeKey = 'eigenscape.largestParameter';
