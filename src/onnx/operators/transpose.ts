// Transpose: of constants it moves the numbers. Keras's images have the channels last, so its networks begin
// with one that puts them first: a layer. Any other gives the graph another order of features, which the
// dense layer behind it takes into its weights: Keras flattens images with the channels last, too.

import { invalid } from '../failures.js';
import type { GraphNode } from '../graph.js';
import { Numbers } from '../numbers.js';
import { inAnyOrder, newStage, refusal, type FeaturesValue, type Handler } from '../values.js';
import { asInputImage } from './window.js';

// An order is a list of as many numbers; larger samples are damage.
const largestSample = 2 ** 24;

export const Transpose: Handler = (node, [x], { note }) => {
  if (x?.kind !== 'constant') {
    return transposedFeatures(node, inAnyOrder(node, x, 'its input'), note);
  }
  const { dims, numbers: given } = x.tensor;
  const perm = permutation(node, dims);
  if (isIdentity(perm)) return x;
  const numbers = isExchange(perm)
    ? given.transposed(dims[0] ?? 0, dims[1] ?? 0)
    : Numbers.of(places(dims, perm).map((place) => given.at(place)));
  return { ...x, tensor: { ...x.tensor, dims: perm.map((axis) => dims[axis] ?? 0), numbers } };
};

function transposedFeatures(
  node: GraphNode,
  input: FeaturesValue,
  note: (text: string) => void,
): FeaturesValue {
  const { view, order } = input;
  const perm = permutation(node, ['samples', ...view]);
  const [samples, ...axes] = perm;
  if (samples !== 0) throw refusal(node, 'moves the axis of samples');
  if (isIdentity(perm)) return input;
  if (view.reduce((product, size) => product * size, 1) > largestSample) {
    throw refusal(node, `exchanges the axes of more than ${largestSample} entries`);
  }
  const inner = axes.map((axis) => axis - 1);
  const moved = movedChannels(node, input, { inner, note });
  if (moved !== undefined) return moved;
  const next = places(view, inner).map((place) => order?.[place] ?? place);
  return {
    ...input,
    view: inner.map((axis) => view[axis] ?? 0),
    order: isIdentity(next) ? undefined : next,
  };
}

/** Images [height, width, channels] behind a layer that puts the channels first, or, where that is undone, in
 *  front of it; undefined for other orders. */
function movedChannels(
  node: GraphNode,
  input: FeaturesValue,
  { inner, note }: { readonly inner: readonly number[]; readonly note: (text: string) => void },
): FeaturesValue | undefined {
  const { order, view, stage } = input;
  const [before] = stage.inputs;
  if (order !== undefined) return undefined;
  if (inner.join() === '1,2,0' && stage.layer.type === 'channelsFirst' && before !== undefined) {
    return isWhole(input) ? { kind: 'features', stage: before, view: before.shape } : undefined;
  }
  const isInput = stage.layer.type === 'input';
  // One channel of the input stays in its place: the input is read as [1, height, width].
  const staysInPlace = isInput && isIdentity(places(view, inner));
  if (inner.join() !== '2,0,1' || staysInPlace) return undefined;
  const image = asInputImage(input, note);
  const last = withChannelsFirst(node, image);
  return last === undefined
    ? undefined
    : { kind: 'features', stage: last.stage, view: last.stage.shape };
}

/** Whether the graph sees the axes of the stage. */
function isWhole({ stage, view }: FeaturesValue): boolean {
  return view.join() === stage.shape.join();
}

function permutation(node: GraphNode, dims: readonly unknown[]): readonly number[] {
  const perm = node.attributes.integers('perm') ?? [...dims.keys()].reverse();
  const isPermutation =
    perm.length === dims.length && [...perm].sort((a, b) => a - b).every((axis, i) => axis === i);
  if (isPermutation) return perm;
  throw invalid(
    `Transpose '${node.name}' orders the axes of [${dims.join(', ')}] as [${perm.join(', ')}].`,
  );
}

/** Of the axes of a matrix, which may be large: no list of places is made of it. */
function isExchange(perm: readonly number[]): boolean {
  return perm.join() === '1,0';
}

function isIdentity(perm: readonly number[]): boolean {
  return perm.every((place, index) => place === index);
}

/** For each entry of the transposed array, row-major, its place in the array of shape `dims`. */
function places(dims: readonly number[], perm: readonly number[]): number[] {
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((a, b) => a * b, 1));
  let result = [0];
  for (const axis of perm) {
    const [size = 0, stride = 0] = [dims[axis], strides[axis]];
    const steps = Array.from({ length: size }, (_, index) => index * stride);
    result = result.flatMap((place) => steps.map((step) => place + step));
  }
  return result;
}

/** An image that the graph sees as [height, width, channels], and for each of the graph's axes the one of
 *  [samples, channels, height, width]; undefined for other values. */
export function channelsFirst(
  value: FeaturesValue,
): { readonly features: FeaturesValue; readonly axes: readonly number[] } | undefined {
  const { stage, view, order } = value;
  const { shape } = stage;
  const [channels = 0, height = 0, width = 0] = shape;
  // One channel stands where it stood: only the view tells.
  if (shape.length !== 3 || (order === undefined && isWhole(value))) return undefined;
  if (view.join() !== [height, width, channels].join()) return undefined;
  const isLast = places(shape, [1, 2, 0]).every(
    (place, index) => place === (order?.[index] ?? index),
  );
  if (!isLast) return undefined;
  return { features: { kind: 'features', stage, view: shape }, axes: [0, 2, 3, 1] };
}

/** An image [height, width, channels] with a layer behind it that puts the channels first, seen by the graph as
 *  before; undefined for other values. */
export function withChannelsFirst(
  node: GraphNode,
  value: FeaturesValue,
): FeaturesValue | undefined {
  const [height = 0, width = 0, channels = 0] = value.view;
  if (value.order !== undefined || value.view.length !== 3 || !isWhole(value)) return undefined;
  const layer = { type: 'channelsFirst' } as const;
  return channelsLast(newStage(node, [value.stage], { layer, shape: [channels, height, width] }));
}

/** An image as the graph sees it with the channels last. */
export function channelsLast(value: FeaturesValue): FeaturesValue {
  const [channels = 0, height = 0, width = 0] = value.stage.shape;
  const order = places(value.stage.shape, [1, 2, 0]);
  return {
    ...value,
    view: [height, width, channels],
    order: isIdentity(order) ? undefined : order,
  };
}
