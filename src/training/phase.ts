// A phase of training: one optimizer on batches of one size.

import * as v from 'valibot';

import { nonnegativeNumber, optionsOf, positiveInteger, wordOption } from '../options.js';
import { optimizerSchema, requireOptimizer } from './optimizer.js';
import type { Optimizer } from './optimizer.js';
import { countSchema } from './state.js';

/** In which order samples meet: 'sequential' batches are neighbours in the data, step t of a phase taking
 *  batch t mod ⌈N / batchSize⌉, as the authors' code does; 'shuffled' is the same within each pass over the
 *  data, in a random order drawn anew for each pass; 'withReplacement' draws each sample of each batch by
 *  itself. Random orders are functions of the seed, the phase and the step. */
export type BatchOrder = 'sequential' | 'shuffled' | 'withReplacement';

/** A stretch of training under one optimizer and one way of drawing batches. */
export interface TrainingPhase {
  readonly optimizer: Optimizer;
  /** Samples per batch; 'full' is gradient descent. */
  readonly batchSize: number | 'full';
  /** How many steps to take. */
  readonly steps: number;
  /** Default 'sequential'. */
  readonly order?: BatchOrder | undefined;
  /** Stop before the step at which ‖∇L‖₂ of the batch is not above this. */
  readonly stopAtGradientNorm?: number | undefined;
}

/** @internal */
export const phaseEntries = {
  optimizer: optimizerSchema,
  batchSize: v.union([v.literal('full'), positiveInteger], "'full' or an integer of at least 1"),
  steps: countSchema,
  order: wordOption(['sequential', 'shuffled', 'withReplacement']),
  stopAtGradientNorm: v.optional(nonnegativeNumber),
};

/** @internal */
export const phaseSchema = optionsOf(phaseEntries);

/** A phase with its defaults, and the size of its batches as a number.
 *  @internal */
export interface ParsedPhase extends v.InferOutput<typeof phaseSchema> {
  readonly batch: number;
}

/** @throws EigenscapeError ERR_SPEC
 *  @internal */
export function parsePhase(phase: v.InferOutput<typeof phaseSchema>, samples: number): ParsedPhase {
  const { batchSize, optimizer } = phase;
  requireOptimizer('train', optimizer);
  return { ...phase, batch: batchSize === 'full' ? samples : Math.min(batchSize, samples) };
}
