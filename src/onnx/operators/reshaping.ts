// Flatten, Reshape, Squeeze, Unsqueeze: other shapes for the same values. Of features they
// may change everything but the axis of samples; when one axis is left, that is a flatten layer.

import { int64 } from '../element-type.js';
import { invalid } from '../failures.js';
import type { GraphNode } from '../graph.js';
import { Numbers } from '../numbers.js';
import {
  inAnyOrder,
  newStage,
  refusal,
  sampleShape,
  type ConstantValue,
  type FeaturesValue,
  type Handler,
  type Size,
  type Value,
} from '../values.js';
import { asNumbers, asSizes, requireAxes } from './sizes.js';

/** [samples, …] → [the axes before `axis` as one, the others as one]. */
export const Flatten: Handler = (node, [x], { batch }) => {
  const input = inAnyOrder(node, x, 'its input');
  const { view } = input;
  const given = node.attributes.integer('axis', 1);
  const axis = given < 0 ? given + 1 + view.length : given;
  if (axis < 0 || axis > 1 + view.length) {
    throw invalid(`Flatten '${node.name}' has axis ${given} of ${sampleShape(view)}.`);
  }
  // The same as axis 1 where all that would stand with the samples is 1.
  const keepsSamples = axis === 0 ? batch === 1 : product(view.slice(0, axis - 1)) === 1;
  if (keepsSamples) return viewed(node, input, [product(view)]);
  const reason =
    `axis = ${given} of ${sampleShape(view)} joins samples with features; only what means the same ` +
    'as axis = 1 is supported';
  throw refusal(node, reason, [product(view)]);
};

export const Reshape: Handler = (node, [x, shape], { batch }) => {
  const requested = asSizes(shape);
  if (requested === undefined)
    throw refusal(node, 'its shape is neither constant nor made of sizes');
  if (requested.scalar) {
    throw invalid(`Reshape '${node.name}' has a single number as shape; a vector is expected.`);
  }
  const target = requested.entries;
  const keepsZeros = node.attributes.integer('allowzero', 0) !== 0;
  const sizes = x?.kind === 'constant' ? undefined : asSizes(x);
  if (sizes !== undefined) {
    const isVector = target.length === 1 && [-1, sizes.entries.length].includes(Number(target[0]));
    if (isVector) return { ...sizes, scalar: false };
    if (target.length === 0 && sizes.entries.length === 1) return { ...sizes, scalar: true };
    return matrixOf(node, sizes.entries, target);
  }
  if (x?.kind === 'constant') {
    const dims = filled(target, x.tensor.dims, x.tensor.numbers.length, keepsZeros);
    if (dims === undefined) throw mismatch(node, target, x.tensor.dims);
    return { ...x, tensor: { ...x.tensor, dims } };
  }
  const input = inAnyOrder(node, x, 'its input');
  return viewed(node, input, reshapedView(node, input, target, { batch, keepsZeros }));
};

/** Known sizes in rows, as PyTorch's TorchScript exporter puts the pads of two sides to reverse their order. */
function matrixOf(node: GraphNode, entries: readonly Size[], target: readonly Size[]) {
  const numbers = entries.filter((entry) => entry !== 'batch');
  const dims = filled(target, [], numbers.length, false);
  if (dims?.length !== 2 || numbers.length !== entries.length) {
    throw refusal(node, 'gives a shape another shape');
  }
  const tensor = { dims, numbers: Numbers.of(numbers), type: int64 };
  return { kind: 'constant', name: node.outputs[0] ?? node.name, tensor } as const;
}

export const Squeeze: Handler = (node, [x, axesInput]) => {
  const axes = axesOf(node, axesInput);
  const sizes = x?.kind === 'constant' ? undefined : asSizes(x);
  if (sizes !== undefined) {
    requireAxes(node, axes ?? [], sizes.scalar ? 0 : 1);
    if (sizes.entries.length === 1) return { ...sizes, scalar: true };
    throw refusal(node, 'squeezes a shape of more than one entry');
  }
  const dims =
    x?.kind === 'constant' ? x.tensor.dims : ['batch', ...inAnyOrder(node, x, 'its input').view];
  const dropped = new Set(
    axes?.map((axis) => (axis < 0 ? axis + dims.length : axis)) ??
      dims.flatMap((size, axis) => (size === 1 ? [axis] : [])),
  );
  if ([...dropped].some((axis) => dims[axis] !== 1)) {
    throw refusal(node, `squeezes axes ${[...dropped].join(', ')} of [${dims.join(', ')}]`);
  }
  const isKept = (_: unknown, axis: number) => !dropped.has(axis);
  if (x?.kind === 'constant') return withDims(x, x.tensor.dims.filter(isKept));
  const input = inAnyOrder(node, x, 'its input');
  return viewed(
    node,
    input,
    input.view.filter((_, index) => !dropped.has(index + 1)),
  );
};

export const Unsqueeze: Handler = (node, [x, axesInput]) => {
  const axes = axesOf(node, axesInput);
  if (axes === undefined) throw invalid(`Unsqueeze '${node.name}' says no axes.`);
  const sizes = x?.kind === 'constant' ? undefined : asSizes(x);
  if (sizes !== undefined) {
    requireAxes(node, axes, (sizes.scalar ? 0 : 1) + axes.length);
    if (sizes.scalar && axes.length === 1) return { ...sizes, scalar: false };
    throw refusal(node, 'gives a shape more than one axis');
  }
  const isConstant = x?.kind === 'constant';
  const old: readonly Size[] = isConstant
    ? x.tensor.dims
    : ['batch', ...inAnyOrder(node, x, 'its input').view];
  const rank = old.length + axes.length;
  const added = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  if (added.size !== axes.length || [...added].some((axis) => axis < 0 || axis >= rank)) {
    throw invalid(`Unsqueeze '${node.name}' adds axes ${axes.join(', ')} to [${old.join(', ')}].`);
  }
  const rest = [...old];
  const dims = Array.from({ length: rank }, (_, axis) =>
    added.has(axis) ? 1 : (rest.shift() ?? 1),
  );
  const [first, ...view] = dims;
  const numbers = (list: readonly Size[]) => list.filter((size) => size !== 'batch');
  if (isConstant) return withDims(x, numbers(dims));
  if (first !== 'batch') throw refusal(node, 'adds an axis before that of the samples');
  return viewed(node, inAnyOrder(node, x, 'its input'), numbers(view));
};

/** Features under another view; a flatten layer when a sample of several axes becomes a vector. */
export function viewed(
  node: GraphNode,
  input: FeaturesValue,
  view: readonly number[],
): FeaturesValue {
  const { stage } = input;
  if (view.length > 1 || stage.shape.length === 1) return { ...input, view };
  const flat = newStage(node, [stage], { layer: { type: 'flatten' }, shape: [product(view)] });
  return { ...flat, view, order: input.order };
}

/** The axes behind that of the samples.
 *  @throws Refusal when samples would be split or joined */
function reshapedView(
  node: GraphNode,
  { view }: FeaturesValue,
  target: readonly Size[],
  { batch, keepsZeros }: { batch: number | undefined; keepsZeros: boolean },
): readonly number[] {
  const [first, ...rest] = target;
  const count = product(view);
  const keepsSamples =
    first === 'batch' || (first === 0 && !keepsZeros) || (first === batch && first !== undefined);
  const dims = filled(rest, view, count, keepsZeros);
  // With all features named, whatever stands first can only be the number of samples.
  const isCount = typeof first === 'number' && (first === -1 || (first > 0 && first < 2 ** 31));
  const isComplete = isCount && !rest.includes(-1);
  if (dims !== undefined && (keepsSamples || isComplete)) return dims;
  const [from, to] = [['samples', ...view].join(', '), target.join(', ')];
  throw refusal(node, `makes [${to}] of [${from}]; every sample must keep its own features`);
}

/** Numbers for a requested shape: 0 takes the old size, one −1 what is left of `count`. */
function filled(
  target: readonly Size[],
  old: readonly number[],
  count: number,
  keepsZeros: boolean,
): number[] | undefined {
  const sizes = target.map((size, axis) => (size === 0 && !keepsZeros ? (old[axis] ?? 0) : size));
  const known = product(sizes.map((size) => (typeof size === 'number' && size !== -1 ? size : 1)));
  const open = sizes.filter((size) => size === -1).length;
  const left = open === 1 ? count / known : 1;
  const dims = sizes.map((size) => (size === -1 ? left : size));
  const numbers = dims.filter((size) => size !== 'batch' && Number.isSafeInteger(size) && size > 0);
  const isWhole = open <= 1 && numbers.length === target.length && known * left === count;
  return isWhole ? numbers.map(Number) : undefined;
}

function axesOf(node: GraphNode, input: Value | undefined): readonly number[] | undefined {
  // An attribute before opset 13, an input since.
  const attribute = node.attributes.integers('axes');
  return attribute ?? (input === undefined ? undefined : asNumbers(node, input, 'its axes'));
}

function withDims(value: ConstantValue, dims: readonly number[]): ConstantValue {
  return { ...value, tensor: { ...value.tensor, dims } };
}

function mismatch(node: GraphNode, target: readonly Size[], dims: readonly number[]) {
  return invalid(
    `${node.operator} '${node.name}' makes [${target.join(', ')}] of a tensor of shape ` +
      `[${dims.join(', ')}].`,
  );
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((result, size) => result * size, 1);
}
