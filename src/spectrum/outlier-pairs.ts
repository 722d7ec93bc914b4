// The eigenpairs that outliers are attributed by, as they are given.

import type { CurvatureOperator } from '../curvature/operator.js';
import { copyVector } from '../copies.js';
import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import type { VectorHandle } from '../native.js';
import { requireArray } from '../options.js';

const call = 'attributeOutliers';

/** Eigenpairs of G or near ones, as `eigenpairs` and `extremalEigenpairs(…).largest` give them. */
export interface OutlierPairs {
  readonly values: ArrayLike<number>;
  /** Rows [values.length, size], of any length but 0. */
  readonly vectors: ArrayLike<number>;
}

/** @throws EigenscapeError ERR_SPEC
 *  @internal */
export function requireCount(count: number): number {
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new EigenscapeError(
    'ERR_SPEC',
    `${call}: pairs is ${describeValue(count)}; expected eigenpairs { values, vectors }, or how many of the largest to search for`,
    { details: { pairs: count } },
  );
}

/** @internal */
export interface ReadPairs {
  readonly values: readonly number[];
  /** [values.length, size] */
  readonly vectors: VectorHandle;
  readonly entries: number;
}

/** Checked copies, in the operator's dtype.
 *  @throws EigenscapeError ERR_SPEC, ERR_SHAPE or ERR_DATA
 *  @internal */
export function readPairs({ size, dtype }: CurvatureOperator, pairs: unknown): ReadPairs {
  const given = typeof pairs === 'object' && pairs !== null ? pairs : {};
  const values: unknown = Reflect.get(given, 'values');
  const vectors: unknown = Reflect.get(given, 'vectors');
  requireArray(call, 'values of the pairs', values);
  requireArray(call, 'vectors of the pairs', vectors);
  const count = values.length;
  if (count === 0 || vectors.length !== count * size) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `${call}: the pairs have ${String(count)} values and vectors of ${String(vectors.length)} entries; expected at least one, and ${String(size)} entries for each`,
      { details: { values: count, vectors: vectors.length, size } },
    );
  }
  const refused = (name: string, value: unknown, index: number): EigenscapeError =>
    new EigenscapeError(
      'ERR_DATA',
      `${call}: entry ${String(index)} of ${name} of the pairs is ${describeValue(value)}; expected a finite number`,
      { details: { index, value } },
    );
  const copy = copyVector(vectors, dtype);
  if (typeof copy === 'number') throw refused('vectors', vectors[copy], copy);
  return {
    values: Array.from(values, (value, index) => {
      if (typeof value === 'number' && Number.isFinite(value)) return value;
      throw refused('values', value, index);
    }),
    vectors: copy,
    entries: vectors.length,
  };
}
