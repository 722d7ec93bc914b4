// Batch normalisation as converters fold it: a product with one number per channel, and a sum with another.
// Here it is a batchNorm layer of mean 0 and variance 1.

import type { GraphNode } from '../graph.js';
import { Numbers } from '../numbers.js';
import { withLayer, type FeaturesValue, type Parameter, type Value } from '../values.js';
import { isPerChannel } from './channel-numbers.js';
import { asParameter, parameterOf } from './parameters.js';

/** y = scale·x per channel, whose bias an Add may yet give; undefined for other values. */
export function channelScale(
  node: GraphNode,
  value: Value | undefined,
  scale: Value | undefined,
): FeaturesValue | undefined {
  if (value?.kind !== 'features' || !isNumbersPerChannel(value, scale)) return undefined;
  const weight = parameterOf(asParameter(node, scale, 'the scale'));
  const filled = (part: string, entry: number): Parameter => ({
    name: `${node.name}.${part}`,
    numbers: Numbers.from(weight.numbers.length, () => entry),
    type: weight.type,
    copyOf: undefined,
  });
  return withLayer(node, value, {
    type: 'batchNorm',
    weight,
    bias: undefined,
    mean: filled('mean', 0),
    variance: filled('variance', 1),
    epsilon: 0,
  });
}

/** {@link channelScale} with the bias; undefined for other values. */
export function channelShift(
  node: GraphNode,
  value: Value | undefined,
  shift: Value | undefined,
): FeaturesValue | undefined {
  if (value?.kind !== 'features' || !isNumbersPerChannel(value, shift)) return undefined;
  const { stage } = value;
  if (stage.layer.type !== 'batchNorm' || stage.layer.bias !== undefined) return undefined;
  const bias = parameterOf(asParameter(node, shift, 'the bias'));
  return { ...value, stage: { ...stage, layer: { ...stage.layer, bias } } };
}

function isNumbersPerChannel(value: FeaturesValue, constant: Value | undefined): boolean {
  // One number is the same for everything, such as a factor of an activation.
  return (
    constant?.kind === 'constant' &&
    constant.tensor.numbers.length > 1 &&
    isPerChannel(value, constant.tensor)
  );
}
