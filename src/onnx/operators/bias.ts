// The bias of a dense layer or convolution: part of its node, or added behind it.

import type { GraphNode } from '../graph.js';
import {
  refusal,
  sampleShape,
  type ConstantValue,
  type FeaturesValue,
  type Parameter,
  type Stage,
  type Value,
} from '../values.js';
import { Numbers } from '../numbers.js';
import { isPerChannel } from './channel-numbers.js';
import { asParameter } from './parameters.js';

/** The bias of a layer that has none yet; undefined when the two values are something else. */
export function addBias(
  node: GraphNode,
  value: Value | undefined,
  bias: Value | undefined,
  note: (text: string) => void,
): FeaturesValue | undefined {
  if (value?.kind !== 'features') return undefined;
  if (bias?.kind !== 'constant') return undefined;
  const { layer } = value.stage;
  if ((layer.type !== 'dense' && layer.type !== 'conv2d') || layer.bias !== undefined) {
    return undefined;
  }
  return withBias(node, value, { constant: asParameter(node, bias, 'the bias'), scale: 1, note });
}

/** The layer behind `value` with scale·constant as its bias, broadcast to one entry per unit. */
export function withBias(
  node: GraphNode,
  value: FeaturesValue,
  options: {
    readonly constant: ConstantValue;
    readonly scale: number;
    readonly note: (text: string) => void;
  },
): FeaturesValue {
  const { constant, scale, note } = options;
  const { stage, view } = value;
  const { layer } = stage;
  if (layer.type !== 'dense' && layer.type !== 'conv2d') {
    throw refusal(node, 'adds a bias to no dense layer or convolution');
  }
  const { dims, numbers, type } = constant.tensor;
  const units = stage.shape[0] ?? 0;
  const isOne = numbers.length === 1 && dims.length <= 1 + view.length;
  const fits = isOne || isPerChannel(value, constant.tensor);
  if (!fits) {
    throw refusal(
      node,
      `its bias '${constant.name}' of shape [${dims.join(', ')}] is not the same for all samples ` +
        `of a tensor of shape ${sampleShape(view)}`,
    );
  }
  if (numbers.length !== units) {
    note(
      `${node.operator} '${node.name}': the bias '${constant.name}' is one number for all ` +
        `${units} units; here each unit has its own.`,
    );
  }
  const bias: Parameter = {
    name: constant.name,
    numbers: Numbers.from(units, (unit) => scale * numbers.at(numbers.length === 1 ? 0 : unit)),
    type,
    copyOf: constant.copyOf,
  };
  const biased: Stage = { ...stage, layer: { ...layer, bias } };
  return { ...value, stage: biased };
}
