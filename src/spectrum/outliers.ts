// How many eigenvalues stand out from the bulk, by the counts that the paper compares.

import * as v from 'valibot';

import { describeValue } from '../describe-value.js';
import {
  optionsOf,
  parseOptions,
  positiveInteger,
  positiveNumber,
  requireArray,
} from '../options.js';
import { EigenscapeError } from '../errors.js';

/** 'gap': above the largest difference of neighbours; 'ratio': above the largest quotient of neighbours;
 *  'threshold': above a given value; 'marchenkoPastur': above the edge σ²(1 + √α)² that a sample
 *  covariance of pure noise has, α = M / N. */
export type OutlierOptions =
  | {
      readonly method: 'gap' | 'ratio';
      /** How many of the largest eigenvalues are searched; default 120, as the paper plots. */
      readonly among?: number | undefined;
      /** Eigenvalues not above it are bulk; default: size · ε · the largest. */
      readonly floor?: number | undefined;
    }
  | { readonly method: 'threshold'; readonly threshold: number }
  | {
      readonly method: 'marchenkoPastur';
      /** N. */
      readonly sampleCount: number;
      /** σ²; default: the mean of the eigenvalues at or below the edge, which is iterated. */
      readonly variance?: number | undefined;
    };

/** What {@link countOutliers} finds. */
export interface OutlierCount {
  readonly count: number;
  /** The outliers are the eigenvalues above it. */
  readonly threshold: number;
}

const finite = v.pipe(v.number('a finite number'), v.finite('a finite number'));
const searchEntries = { among: v.optional(positiveInteger, 120), floor: v.optional(finite) };
const schemas = {
  gap: optionsOf({ method: v.literal('gap'), ...searchEntries }),
  ratio: optionsOf({ method: v.literal('ratio'), ...searchEntries }),
  threshold: optionsOf({ method: v.literal('threshold'), threshold: finite }),
  marchenkoPastur: optionsOf({
    method: v.literal('marchenkoPastur'),
    sampleCount: positiveInteger,
    variance: v.optional(positiveNumber),
  }),
};

const methodNames = `one of ${Object.keys(schemas).join(', ')}`;
const methodSchema = v.looseObject(
  { method: v.picklist(['gap', 'ratio', 'threshold', 'marchenkoPastur'], methodNames) },
  (issue) => (issue.expected === 'Object' ? '{ method, … }' : methodNames),
);

/** Counts the outliers at the upper end. Eigenvalues may come in any order.
 *  @throws EigenscapeError ERR_SPEC for options, ERR_SHAPE for no eigenvalues, ERR_DATA for one that is not
 *  finite
 *  @example countOutliers(values, { method: 'gap' }) // { count: 9, threshold: 0.043 } */
export function countOutliers(
  eigenvalues: ArrayLike<number>,
  options: OutlierOptions,
): OutlierCount {
  const descending = sortDescending(eigenvalues);
  parseOptions('countOutliers', methodSchema, options);
  switch (options.method) {
    case 'gap': {
      const { among, floor } = parseOptions('countOutliers', schemas.gap, options);
      return countAboveBreak(descending, among, floor, 'gap');
    }
    case 'ratio': {
      const { among, floor } = parseOptions('countOutliers', schemas.ratio, options);
      return countAboveBreak(descending, among, floor, 'ratio');
    }
    case 'threshold': {
      const { threshold } = parseOptions('countOutliers', schemas.threshold, options);
      return countAbove(descending, threshold);
    }
    case 'marchenkoPastur': {
      const parsed = parseOptions('countOutliers', schemas.marchenkoPastur, options);
      return countAboveEdge(descending, parsed.sampleCount, parsed.variance);
    }
  }
}

function sortDescending(eigenvalues: ArrayLike<number>): Float64Array {
  requireArray('countOutliers', 'the list of eigenvalues', eigenvalues);
  if (eigenvalues.length === 0) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      'countOutliers: given 0 eigenvalues; expected at least one',
      {
        details: { call: 'countOutliers', given: 0 },
      },
    );
  }
  const given: ArrayLike<unknown> = eigenvalues;
  const bad = Array.from(given).findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new EigenscapeError(
      'ERR_DATA',
      `countOutliers: eigenvalue ${String(bad)} is ${describeValue(given[bad])}; expected a finite number`,
      { details: { index: bad, value: given[bad] } },
    );
  }
  return Float64Array.from(eigenvalues).sort().reverse();
}

function countAbove(descending: Float64Array, threshold: number): OutlierCount {
  const count = descending.findIndex((value) => value <= threshold);
  return { count: count < 0 ? descending.length : count, threshold };
}

/** The outliers are above the pair of neighbours that `distance` sets farthest apart. Of pairs of an
 *  eigenvalue and the bulk there is one at most, and only differences have it: quotients with rounding
 *  errors mean nothing. */
function countAboveBreak(
  descending: Float64Array,
  among: number,
  floor: number | undefined,
  method: 'gap' | 'ratio',
): OutlierCount {
  const largest = descending[0] ?? 0;
  const bulk = floor ?? descending.length * Number.EPSILON * Math.max(largest, 0);
  const searched = descending.subarray(0, among + 1);
  const candidates = Array.from(searched).filter((value) => value > bulk);
  if (method === 'gap' && candidates.length <= among) candidates.push(bulk);
  // Equal neighbours are no break.
  let best = { count: 0, threshold: Math.max(largest, bulk), distance: method === 'gap' ? 0 : 1 };
  candidates.forEach((above, index) => {
    const below = candidates[index + 1];
    if (below === undefined) return;
    const distance = method === 'gap' ? above - below : above / below;
    if (distance > best.distance) {
      best = { count: index + 1, threshold: between(below, above), distance };
    }
  });
  return { count: best.count, threshold: best.threshold };
}

/** The middle of two numbers, or the lower one where rounding leaves none between them. */
function between(below: number, above: number): number {
  const middle = below + (above - below) / 2;
  return middle < above ? middle : below;
}

/** Above σ²(1 + √(M/N))², where σ² may have to be found from the bulk itself. */
function countAboveEdge(
  descending: Float64Array,
  sampleCount: number,
  variance: number | undefined,
): OutlierCount {
  const factor = (1 + Math.sqrt(descending.length / sampleCount)) ** 2;
  if (variance !== undefined) return countAbove(descending, variance * factor);
  let result: OutlierCount = { count: 0, threshold: Infinity };
  for (;;) {
    const bulk = descending.subarray(result.count);
    const mean = bulk.reduce((sum, value) => sum + value, 0) / Math.max(bulk.length, 1);
    const next = countAbove(descending, Math.max(mean, 0) * factor);
    if (next.count <= result.count) return next;
    result = next;
  }
}
