// What estimates from random vectors are told.

import * as v from 'valibot';

import { longCallEntries, positiveInteger, seedOption } from '../options.js';
import type { LongCallOptions } from '../progress.js';

/** Options of estimates from random vectors. */
export interface ProbeOptions extends LongCallOptions {
  /** Products with vectors to spend, where it is an estimate: 90 by default, at least 6. */
  readonly products?: number | undefined;
  /** Of the random vectors; default 0. */
  readonly seed?: number | undefined;
}

/** @internal */
export const probeEntries = {
  ...longCallEntries,
  products: v.optional(v.pipe(positiveInteger, v.minValue(6, 'an integer of at least 6')), 90),
  seed: seedOption,
};

/** @internal */
export const exactOrHutchinson = v.optional(
  v.picklist(['exact', 'hutchinson'], "'exact' or 'hutchinson'"),
);
