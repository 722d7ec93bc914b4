// BatchNormalization with stored statistics, and LayerNormalization over a whole sample.

import { invalid } from '../failures.js';
import type { GraphNode } from '../graph.js';
import {
  asFeatures,
  refusal,
  sampleShape,
  withLayer,
  type ConstantValue,
  type FeaturesValue,
  type Handler,
  type Parameter,
  type Stage,
  type Value,
} from '../values.js';
import { asParameter, isMadeOf, numbersPer, parameterOf } from './parameters.js';

const samplesMix =
  'so it normalises by the statistics of the batch: the outputs of a sample would depend on the other ' +
  'samples, and curvature would be no sum over samples; export after model.eval()';

/** y = scale·(x − mean)/√(var + epsilon) + B per channel, with mean and var as the file stores them. */
export const BatchNormalization: Handler = (node, [x, scale, bias, mean, variance], { isUsed }) => {
  const input = asFeatures(node, x, 'its input');
  requireInference(node, isUsed);
  const { view, stage } = input;
  const [channels] = view;
  if (channels === undefined || channels !== stage.shape[0]) {
    throw refusal(
      node,
      `reads ${sampleShape(stage.shape)} reshaped to ${sampleShape(view)}; channels must stay the first axis`,
    );
  }
  if (node.attributes.integer('spatial', 1) !== 1 && view.length > 1) {
    throw refusal(
      node,
      'spatial = 0 has statistics for each pixel; only those per channel are supported',
    );
  }
  const epsilon = epsilonOf(node);
  const perChannel = (value: Value | undefined, role: string) =>
    numbersPer(node, value, { role, count: channels, what: 'channels' });
  const layer = {
    type: 'batchNorm',
    weight: trained(perChannel(scale, 'its scale'), scale, 1),
    bias: trained(perChannel(bias, 'its bias B'), bias, 0),
    mean: perChannel(mean, 'its mean'),
    variance: perChannel(variance, 'its variance'),
    epsilon,
  } as const;
  const flat = layer.variance.numbers.values.findIndex((value) => value + epsilon === 0);
  if (flat >= 0) {
    throw refusal(
      node,
      `divides by the root of variance + epsilon, which is 0 in channel ${flat}`,
      stage.shape,
    );
  }
  return withLayer(node, input, layer);
};

function requireInference(node: GraphNode, isUsed: (name: string) => boolean): void {
  if (node.attributes.integer('training_mode', 0) !== 0) {
    throw refusal(node, `training_mode = 1, ${samplesMix}`);
  }
  const others = node.outputs.slice(1).filter((name) => name !== '');
  if (node.opset < 14 && others.length > 0) {
    throw refusal(
      node,
      `has ${node.outputs.length} outputs, which before opset 14 is training mode, ${samplesMix}`,
    );
  }
  if (others.some(isUsed)) {
    throw refusal(node, `its statistics '${others.join("', '")}' are used, ${samplesMix}`);
  }
  if (node.outputs.length === 1) return;
  throw invalid(
    `BatchNormalization '${node.name}' has ${node.outputs.length} outputs; outside training it has one.`,
  );
}

/** y = Scale·(x − ⟨x⟩)/√(variance of x + epsilon) + B over all axes but that of the samples. */
export const LayerNormalization: Handler = (node, [x, scale, bias]) => {
  const input = asFeatures(node, x, 'its input');
  const { view } = input;
  const rank = 1 + view.length;
  const given = node.attributes.integer('axis', -1);
  const axis = given < 0 ? given + rank : given;
  const isWhole =
    axis >= 1 && axis <= view.length && view.slice(0, axis - 1).every((size) => size === 1);
  if (!isWhole) {
    throw refusal(
      node,
      `normalises from axis ${given} of ${sampleShape(view)} on; only a whole sample, axis = 1, is supported`,
      input.stage.shape,
    );
  }
  if (node.attributes.integer('stash_type', 1) !== 1) {
    throw refusal(node, 'stash_type other than 1 computes in lower precision', input.stage.shape);
  }
  const normalized = layerNormalized(node, input, epsilonOf(node));
  const weight = trained(matching(node, scale, view, 'its Scale'), scale, 1);
  const scaled = weight === undefined ? normalized : withScale(normalized, weight);
  const shift =
    bias === undefined ? undefined : trained(matching(node, bias, view, 'its bias B'), bias, 0);
  return shift === undefined ? scaled : withShift(scaled, shift);
};

/** The parameter, unless it stands for none: ones or zeros that the graph makes. */
function trained(
  parameter: Parameter,
  value: Value | undefined,
  neutral: number,
): Parameter | undefined {
  return isMadeOf(value, neutral) ? undefined : parameter;
}

/** (x − ⟨x⟩)/√(variance of x + epsilon), whose scale and bias may yet be given. */
export function layerNormalized(
  node: GraphNode,
  input: FeaturesValue,
  epsilon: number,
): FeaturesValue {
  return withLayer(node, input, {
    type: 'layerNorm',
    weight: undefined,
    bias: undefined,
    epsilon,
  });
}

/** A constant that follows a layer normalisation as its scale or bias; undefined for other values. */
export function layerNormAffine(
  node: GraphNode,
  value: Value | undefined,
  constant: Value | undefined,
  part: 'scale' | 'shift',
): FeaturesValue | undefined {
  if (value?.kind !== 'features' || constant?.kind !== 'constant') return undefined;
  const { layer } = value.stage;
  if (layer.type !== 'layerNorm' || layer.bias !== undefined) return undefined;
  if (part === 'scale' && layer.weight !== undefined) return undefined;
  const parameter = matching(
    node,
    constant,
    value.view,
    part === 'scale' ? 'the scale' : 'the bias',
  );
  return part === 'scale' ? withScale(value, parameter) : withShift(value, parameter);
}

function withScale(value: FeaturesValue, weight: Parameter): FeaturesValue {
  return changed(value, (layer) => ({ ...layer, weight }));
}

function withShift(value: FeaturesValue, bias: Parameter): FeaturesValue {
  return changed(value, (layer) => ({ ...layer, bias }));
}

type LayerNorm = Extract<Stage['layer'], { readonly type: 'layerNorm' }>;

function changed(value: FeaturesValue, change: (layer: LayerNorm) => LayerNorm): FeaturesValue {
  const { stage } = value;
  if (stage.layer.type !== 'layerNorm') return value;
  return { ...value, stage: { ...stage, layer: change(stage.layer) } };
}

/** A constant with one number for each entry of a sample. */
function matching(
  node: GraphNode,
  value: Value | undefined,
  view: readonly number[],
  role: string,
): Parameter {
  const constant = asParameter(node, value, role);
  const trimmed = (dims: readonly number[]) =>
    dims.slice(dims.findIndex((size) => size !== 1)).join();
  const { dims } = constant.tensor;
  const isOne = (list: readonly number[]) => list.every((size) => size === 1);
  const fits =
    dims.length <= 1 + view.length && (isOne(view) ? isOne(dims) : trimmed(dims) === trimmed(view));
  if (fits) return parameterOf(constant);
  throw refusal(node, mismatch(constant, view, role));
}

function mismatch({ name, tensor }: ConstantValue, view: readonly number[], role: string): string {
  return (
    `${role} '${name}' of shape [${tensor.dims.join(', ')}] has not one number for each entry of ` +
    sampleShape(view)
  );
}

function epsilonOf(node: GraphNode): number {
  const epsilon = node.attributes.decimal('epsilon', 1e-5);
  if (Number.isFinite(epsilon) && epsilon >= 0) return epsilon;
  throw invalid(`${node.operator} '${node.name}' has epsilon = ${epsilon}; 0 or more is expected.`);
}
