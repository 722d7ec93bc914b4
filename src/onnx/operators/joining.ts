// Values that were computed apart and come together: sums of branches, concatenated channels.

import type { GraphNode } from '../graph.js';
import {
  asFeatures,
  inAnyOrder,
  newStage,
  refusal,
  sampleShape,
  type FeaturesValue,
  type Handler,
  type Value,
} from '../values.js';
import { binaryProbabilities } from './binary-probabilities.js';
import { concatenatedSizes } from './sizes.js';
import { channelsFirst, channelsLast, withChannelsFirst } from './transpose.js';

/** The sum of any number of branches. */
export const Sum: Handler = (node, inputs) => {
  const [first, ...rest] = inputs;
  if (first !== undefined && rest.length === 0) return asFeatures(node, first, 'its input');
  return sumOf(node, inputs);
};

/** Two branches added, undefined where a value is none. */
export function addedBranches(
  node: GraphNode,
  a: Value | undefined,
  b: Value | undefined,
): FeaturesValue | undefined {
  return a?.kind === 'features' && b?.kind === 'features' ? sumOf(node, [a, b]) : undefined;
}

/** Where some see images with the channels last, those that have them last get a layer that puts them first. */
function likeOthers(
  node: GraphNode,
  inputs: readonly (Value | undefined)[],
): readonly (Value | undefined)[] {
  const isLast = (value: Value | undefined) =>
    value?.kind === 'features' && channelsFirst(value) !== undefined;
  if (!inputs.some(isLast)) return inputs;
  return inputs.map((value) =>
    value?.kind === 'features' ? (withChannelsFirst(node, value) ?? value) : value,
  );
}

function sumOf(node: GraphNode, given: readonly (Value | undefined)[]): FeaturesValue {
  const inputs = likeOthers(node, given);
  const alike = inOneOrder(inputs);
  const branches = alike ?? inputs.map((value) => branch(node, value));
  const [first] = branches;
  if (first === undefined) throw refusal(node, 'has no inputs');
  const shapes = branches.map(({ view }) => sampleShape(view));
  if (new Set(shapes).size > 1) {
    throw refusal(node, `adds ${shapes.join(' and ')}; only values of one shape are added`);
  }
  const { shape } = first.stage;
  const sum = newStage(node, stages(branches), { layer: { type: 'add' }, shape });
  return alike === undefined ? sum : { ...sum, view: first.view, order: first.order };
}

/** Values whose axes the graph has exchanged, all in the same way; undefined for others. */
function inOneOrder(inputs: readonly (Value | undefined)[]): readonly FeaturesValue[] | undefined {
  const branches = inputs.filter((value) => value?.kind === 'features');
  const [first] = branches;
  const { order, stage } = first ?? {};
  if (order === undefined || branches.length !== inputs.length) return undefined;
  const isAlike = (other: FeaturesValue) =>
    other.stage.shape.join() === stage?.shape.join() &&
    other.order?.length === order.length &&
    other.order.every((place, index) => place === order[index]);
  return branches.every(isAlike) ? branches : undefined;
}

/** Shapes end to end, or branches along the channels. */
export const Concat: Handler = (node, all) => {
  const sizes = concatenatedSizes(node, all);
  if (sizes !== undefined) return sizes;
  const probabilities = binaryProbabilities(node, all);
  if (probabilities !== undefined) return probabilities;
  const inputs = likeOthers(node, all);
  const images = inputs.map((value) =>
    value?.kind === 'features' ? channelsFirst(value) : undefined,
  );
  const [image] = images;
  const isLast = image !== undefined && images.every((other) => other !== undefined);
  const branches = inputs.map((value, index) =>
    branch(node, isLast ? images[index]?.features : value),
  );
  const [first] = branches;
  if (first === undefined) throw refusal(node, 'has no inputs');
  const rank = 1 + first.view.length;
  const given = node.attributes.integer('axis', 1);
  const [, ...rest] = first.view;
  const axis = given < 0 ? given + rank : given;
  if ((isLast ? image.axes[axis] : axis) !== 1) {
    const { view } = inAnyOrder(node, inputs[0], 'its first input');
    throw refusal(
      node,
      `joins along axis ${given} of ${sampleShape(view)}; only axis 1, features or channels, is supported`,
    );
  }
  if (
    branches.some(({ view }) => view.length !== rank - 1 || view.slice(1).join() !== rest.join())
  ) {
    const shapes = branches.map(({ view }) => sampleShape(view)).join(' and ');
    throw refusal(node, `joins ${shapes}; all axes but the first must agree`);
  }
  const channels = branches.reduce((sum, { view }) => sum + (view[0] ?? 0), 0);
  if (branches.length === 1) return inAnyOrder(node, inputs[0], 'its input');
  const shape = [channels, ...rest];
  const joined = newStage(node, stages(branches), { layer: { type: 'concat' }, shape });
  return isLast ? channelsLast(joined) : joined;
};

/** A value whose axes are those of its layer. */
function branch(node: GraphNode, value: Value | undefined): FeaturesValue {
  const features = asFeatures(node, value, 'each of its inputs');
  const { view, stage } = features;
  if (view.join() === stage.shape.join()) return features;
  throw refusal(
    node,
    `reads ${sampleShape(stage.shape)} reshaped to ${sampleShape(view)}, which no layer here does`,
  );
}

function stages(branches: readonly FeaturesValue[]) {
  return branches.map(({ stage }) => stage);
}
