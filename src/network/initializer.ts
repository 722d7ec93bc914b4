// Where training starts: random parameters, drawn layer by layer.

import * as v from 'valibot';

import { describeValue } from '../describe-value.js';
import { nonnegativeNumber, optionsOf, parseOptions } from '../options.js';
import type { Random } from '../data/random.js';
import { EigenscapeError } from '../errors.js';
import type { ParameterTensor } from './network.js';

/** 'pytorch' (default): weights and biases uniform in ±1/√(inputs of the layer), as torch.nn.Linear.
 *  'normal': all of them standardDeviation · N(0, 1) (the paper's own code has 0.1). 'he' and
 *  'glorot': weights normal with variance 2/inputs, or 2/(inputs + outputs), biases 0. 'zeros'. */
export type Initializer =
  | 'pytorch'
  | 'he'
  | 'glorot'
  | 'zeros'
  | { readonly type: 'normal'; readonly standardDeviation?: number | undefined };

const normalSchema = optionsOf({
  type: v.literal('normal'),
  standardDeviation: v.optional(nonnegativeNumber, 0.1),
});

type Draw = (tensor: ParameterTensor, inputs: number) => number;

function drawer(initializer: Initializer, random: Random): Draw {
  if (typeof initializer === 'object' && initializer !== (null as unknown)) {
    const { standardDeviation } = parseOptions('initializer', normalSchema, initializer);
    return () => standardDeviation * random.normal();
  }
  switch (initializer) {
    case 'pytorch':
      return (_, inputs) => (2 * random.uniform() - 1) / Math.sqrt(inputs);
    case 'he':
      return ({ tensor }, inputs) =>
        tensor === 'weight' ? Math.sqrt(2 / inputs) * random.normal() : 0;
    case 'glorot':
      return ({ tensor, shape }, inputs) =>
        tensor === 'weight' ? Math.sqrt(2 / (inputs + (shape[0] ?? 1))) * random.normal() : 0;
    case 'zeros':
      return () => 0;
    default:
      throw new EigenscapeError(
        'ERR_SPEC',
        `initializer is ${describeValue(initializer)}; expected 'pytorch', 'he', 'glorot', 'zeros' or { type: 'normal', standardDeviation }`,
        { details: { call: 'createNetwork', option: 'initializer', value: initializer } },
      );
  }
}

/** Values for all tensors of a layout, [parameterCount]. Normalizations draw nothing. */
export function initialParameters(
  layout: readonly ParameterTensor[],
  parameterCount: number,
  initializer: Initializer,
  random: Random,
  isNormalization: (layer: string) => boolean,
): Float64Array {
  const values = new Float64Array(parameterCount);
  const draw = drawer(initializer, random);
  let inputs = 1;
  for (const tensor of layout) {
    const size = tensor.shape.reduce((product, extent) => product * extent, 1);
    // A bias belongs to the weight before it, and has that weight's inputs.
    if (tensor.tensor === 'weight') inputs = size / (tensor.shape[0] ?? 1);
    if (isNormalization(tensor.layer)) {
      // γ = 1 and β = 0, whatever the initializer: the layer starts as the normalization alone.
      values.fill(tensor.tensor === 'weight' ? 1 : 0, tensor.offset, tensor.offset + size);
      continue;
    }
    for (let i = 0; i < size; i += 1) values[tensor.offset + i] = draw(tensor, inputs);
  }
  return values;
}
