// What a call of train is asked to do, checked.

import * as v from 'valibot';

import type { Dataset } from '../data/dataset.js';
import { EigenscapeError } from '../errors.js';
import {
  longCallEntries,
  optionsOf,
  parseOptions,
  positiveInteger,
  seedOption,
} from '../options.js';
import type { Network } from '../network/network.js';
import { checkpointOptionsSchema } from './checkpoints.js';
import { parsePhase, phaseEntries, phaseSchema } from './phase.js';
import type { ParsedPhase } from './phase.js';
import { countSchema, resumeSchema, startingState } from './state.js';
import type { StartingState } from './state.js';
import { trackSchema } from './track.js';
import type { TrainingCall } from './train.js';

const callEntries = {
  ...longCallEntries,
  seed: v.optional(v.unwrap(seedOption)),
  testData: v.optional(v.unknown()),
  fullGradientNorm: v.optional(v.boolean('true or false'), false),
  recordEvery: v.optional(positiveInteger),
  recordAt: v.optional(v.array(countSchema, 'a list of steps')),
  onRecord: v.optional(
    v.custom<NonNullable<TrainingCall['onRecord']>>(
      (value) => typeof value === 'function',
      'a function of a record',
    ),
  ),
  track: v.optional(trackSchema),
  checkpoint: v.optional(checkpointOptionsSchema),
  resumeFrom: v.optional(resumeSchema),
};
const onePhase = optionsOf({ ...callEntries, ...phaseEntries });
const manyPhases = optionsOf({
  ...callEntries,
  phases: v.pipe(
    v.array(phaseSchema, 'a list of phases'),
    v.minLength(1, 'a list of at least one phase'),
  ),
});

type CallChoices = Omit<v.InferOutput<typeof manyPhases>, 'phases'>;

/** What the options say, with the phases that are still to come.
 *  @internal */
export interface Choices {
  readonly call: CallChoices;
  readonly state: StartingState;
  /** From that of the state on. */
  readonly phases: readonly [ParsedPhase, ...ParsedPhase[]];
}

/** @throws EigenscapeError ERR_SPEC, and what a state to resume from that is none throws
 *  @internal */
export function parseTraining(network: Network, data: Dataset, options: unknown): Choices {
  const { sampleCount } = data;
  if (typeof options !== 'object' || options === null || !('phases' in options)) {
    const choices = parseOptions('train', onePhase, options);
    const state = startingState(network, choices.resumeFrom, choices.seed);
    // From here, `steps` counts from the start of the phase.
    const steps = state.step - state.phaseStart + choices.steps;
    return { call: choices, state, phases: [parsePhase({ ...choices, steps }, sampleCount)] };
  }
  const { phases, ...call } = parseOptions('train', manyPhases, options);
  const state = startingState(network, call.resumeFrom, call.seed);
  const [current, ...later] = phases.slice(state.phase);
  if (current === undefined) {
    throw new EigenscapeError(
      'ERR_SPEC',
      `train: resumeFrom is in phase ${String(state.phase)}, counted from 0, but ${String(phases.length)} phases are given`,
      { details: { phase: state.phase, phases: phases.length } },
    );
  }
  const parsed = (phase: typeof current): ParsedPhase => parsePhase(phase, sampleCount);
  return { call, state, phases: [parsed(current), ...later.map(parsed)] };
}

/** The last step that will be taken unless a gradient is small enough before.
 *  @internal */
export function lastStep({ state, phases }: Choices): number {
  return phases.reduce(
    (step, phase, index) => Math.max(step, (index === 0 ? state.phaseStart : step) + phase.steps),
    state.step,
  );
}
