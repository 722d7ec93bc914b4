// Mean and standard deviation of every column of row-major data, and their removal.

import { EigenscapeError } from '../errors.js';

/** Rows of `width` entries, with how often each row counts. */
export interface WeightedRows {
  readonly inputs: Float64Array | Float32Array;
  readonly weights: Float64Array | undefined;
}

export interface ColumnScales {
  readonly means: Float64Array;
  /** √variance over the population; 0 exactly if the column is constant. */
  readonly deviations: Float64Array;
}

/** Over all rows of all parts, with s_n the weight of row n:
 *
 *      μ = Σ s_n x_n / Σ s_n        σ² = Σ s_n (x_n − μ)² / Σ s_n
 *
 *  Two passes. The first is taken relative to an entry of the column, so that a constant column
 *  has exactly its value as mean and exactly 0 as deviation; the second is in units of the largest
 *  distance from that entry, so that squares neither overflow nor vanish, and corrects μ.
 *  @throws EigenscapeError ERR_NUMERIC when a column's spread cannot be held in float64 */
export function columnScales(parts: readonly WeightedRows[], width: number): ColumnScales {
  const origin = firstCountedRow(parts, width);
  const means = new Float64Array(width);
  const reach = new Float64Array(width);
  forEachCountedRow(parts, width, (inputs, start, share) => {
    for (let column = 0; column < width; column++) {
      const distance = (inputs[start + column] ?? 0) - (origin[column] ?? 0);
      means[column] = (means[column] ?? 0) + share * distance;
      reach[column] = Math.max(reach[column] ?? 0, Math.abs(distance));
    }
  });
  for (let column = 0; column < width; column++) {
    means[column] = (origin[column] ?? 0) + (means[column] ?? 0);
  }

  const firstMoments = new Float64Array(width);
  const secondMoments = new Float64Array(width);
  forEachCountedRow(parts, width, (inputs, start, share) => {
    for (let column = 0; column < width; column++) {
      const unit = reach[column] ?? 0;
      if (unit === 0) continue;
      const ratio = ((inputs[start + column] ?? 0) - (means[column] ?? 0)) / unit;
      firstMoments[column] = (firstMoments[column] ?? 0) + share * ratio;
      secondMoments[column] = (secondMoments[column] ?? 0) + share * ratio * ratio;
    }
  });
  const deviations = reach.map((unit, column) => {
    if (unit === 0) return 0;
    const rest = firstMoments[column] ?? 0;
    means[column] = (means[column] ?? 0) + rest * unit;
    return unit * Math.sqrt((secondMoments[column] ?? 0) - rest * rest);
  });
  refuseUnusable(deviations, reach);
  return { means, deviations };
}

/** (x − μ)/σ into `into`, row by row; 0 where σ is 0.
 *  @throws EigenscapeError ERR_NUMERIC when a result is not finite */
export function applyScales(
  inputs: Float64Array | Float32Array,
  { means, deviations }: ColumnScales,
  into: Float64Array | Float32Array,
): void {
  const width = means.length;
  for (let start = 0; start < inputs.length; start += width) {
    for (let column = 0; column < width; column++) {
      const deviation = deviations[column] ?? 0;
      into[start + column] =
        deviation === 0 ? 0 : ((inputs[start + column] ?? 0) - (means[column] ?? 0)) / deviation;
    }
  }
  const bad = into.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  const [sample, column] = [Math.floor(bad / width), bad % width];
  throw new EigenscapeError(
    'ERR_NUMERIC',
    `standardize: sample ${sample}, column ${column} becomes ${into[bad]}, being ${inputs[bad]} ` +
      `against a mean of ${means[column]} and a deviation of ${deviations[column]}; remove the ` +
      'sample or the column',
    { details: { sample, column } },
  );
}

/** Visits the rows that count, each with its share s_n / Σ s_n. */
function forEachCountedRow(
  parts: readonly WeightedRows[],
  width: number,
  visit: (inputs: WeightedRows['inputs'], start: number, share: number) => void,
): void {
  const total = parts.reduce(
    (sum, { inputs, weights }) =>
      sum + (weights?.reduce((partial, weight) => partial + weight, 0) ?? inputs.length / width),
    0,
  );
  for (const { inputs, weights } of parts) {
    for (let start = 0; start < inputs.length; start += width) {
      const weight = weights === undefined ? 1 : (weights[start / width] ?? 0);
      if (weight > 0) visit(inputs, start, weight / total);
    }
  }
}

function firstCountedRow(parts: readonly WeightedRows[], width: number): Float64Array {
  let first: Float64Array | undefined;
  forEachCountedRow(parts, width, (inputs, start) => {
    first ??= Float64Array.from(inputs.subarray(start, start + width));
  });
  return first ?? new Float64Array(width);
}

function refuseUnusable(deviations: Float64Array, reach: Float64Array): void {
  const column = deviations.findIndex(
    (deviation, index) => reach[index] !== 0 && !(deviation > 0 && deviation < Infinity),
  );
  if (column < 0) return;
  throw new EigenscapeError(
    'ERR_NUMERIC',
    `standardize: the spread of input column ${column} (${reach[column]}) is beyond what ` +
      'float64 holds; rescale that column first',
    { details: { column, spread: reach[column] } },
  );
}
