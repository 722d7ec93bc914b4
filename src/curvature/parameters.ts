// Which parameters an operator is about: tensors and layers by name, or by glob.

import * as v from 'valibot';

import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import { requireNetwork } from '../network/network.js';
import type { Network, ParameterTensor } from '../network/network.js';

/** A tensor of parameters in an operator. */
export interface ChosenTensor extends ParameterTensor {
  /** Where it begins in the operator's rows, columns and vectors; `offset` is where in the network's flat
   *  vector of all parameters. */
  readonly start: number;
}

const expected = "a name of a tensor or layer, or a list of names; globs too, as 'conv*'";
const name = v.pipe(v.string(expected), v.minLength(1, expected));
/** @internal */
export const parametersOption = v.optional(
  v.union([name, v.pipe(v.array(name, expected), v.minLength(1, expected))], expected),
);

/** @internal */
export function entryCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** What a tensor is called: by its own name, by its layer's, and by both. */
function namesOf({ name: own, layer, tensor }: ParameterTensor): readonly string[] {
  return [own, layer, `${layer}.${tensor}`];
}

function globOf(pattern: string): RegExp {
  const source = pattern.replace(/[\\^$.*+?()[\]{}|/]/g, (character) =>
    character === '*' ? '.*' : character === '?' ? '.' : `\\${character}`,
  );
  return new RegExp(`^${source}$`, 'su');
}

/** The tensors that a name means: those that are called exactly so; if there are none, as a glob. */
function matches(layout: readonly ParameterTensor[], pattern: string): readonly ParameterTensor[] {
  const exact = layout.filter((tensor) => namesOf(tensor).includes(pattern));
  if (exact.length > 0 || !/[*?]/.test(pattern)) return exact;
  const glob = globOf(pattern);
  return layout.filter((tensor) => namesOf(tensor).some((called) => glob.test(called)));
}

/** The chosen tensors, each once, in the order of the layout.
 *  @throws EigenscapeError ERR_SPEC for a name that means no tensor; the message lists those that there are
 *  @internal */
export function selectParameters(
  call: string,
  layout: readonly ParameterTensor[],
  parameters: string | readonly string[] | undefined,
): readonly ChosenTensor[] {
  const patterns = typeof parameters === 'string' ? [parameters] : parameters;
  const chosen = new Set(patterns === undefined ? layout : []);
  for (const pattern of patterns ?? []) {
    const found = matches(layout, pattern);
    if (found.length === 0) throw unknownName(call, layout, pattern);
    for (const tensor of found) chosen.add(tensor);
  }
  let start = 0;
  return layout
    .filter((tensor) => chosen.has(tensor))
    .map((tensor) => {
      const placed = { ...tensor, start };
      start += entryCount(tensor.shape);
      return placed;
    });
}

function unknownName(
  call: string,
  layout: readonly ParameterTensor[],
  pattern: string,
): EigenscapeError {
  const layers = [...new Set(layout.map(({ layer }) => layer))];
  const tensors = layout.map((tensor) => tensor.name);
  return new EigenscapeError(
    'ERR_SPEC',
    `${call}: parameters: ${describeValue(pattern)} is no layer or tensor with parameters; there are the layers ` +
      `${layers.join(', ')} and the tensors ${tensors.join(', ')}`,
    { details: { call, name: pattern, layers, tensors } },
  );
}

/** Flat indices of chosen tensors: first, last (exclusive), first, last …
 *  @internal */
export function rangesOf(parameters: readonly ChosenTensor[]): Float64Array {
  return Float64Array.from(
    parameters.flatMap(({ offset, shape }) => [offset, offset + entryCount(shape)]),
  );
}

/** Names of the layers that have parameters, in their order: one operator for each is the block diagonal of the
 *  matrix.
 *  @example blocks(network).map((name) => hessian(network, data, { parameters: name })) */
export function blocks(network: Network): readonly string[] {
  requireNetwork('blocks', network);
  return [...new Set(network.layout.map(({ layer }) => layer))];
}
