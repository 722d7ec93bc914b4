// Shapes that the graph computes, as exporters do for view(x.size(0), -1): the number of samples
// stays the symbol 'batch', all other sizes are numbers.

import { invalid } from '../failures.js';
import type { GraphNode } from '../graph.js';
import { Numbers } from '../numbers.js';
import {
  refusal,
  type ConstantValue,
  type Handler,
  type Size,
  type SizesValue,
  type Value,
} from '../values.js';

// Shapes have few axes; longer integer vectors are data.
export const maximumLength = 64;

/** The value as sizes, if it is a shape or a short constant of integers. */
export function asSizes(value: Value | undefined): SizesValue | undefined {
  if (value?.kind === 'sizes') return value;
  if (value?.kind !== 'constant') return undefined;
  const { dims, numbers, type } = value.tensor;
  if (type.kind !== 'integer' || dims.length > 1 || numbers.length > maximumLength) {
    return undefined;
  }
  return { kind: 'sizes', scalar: dims.length === 0, entries: [...numbers.values] };
}

/** Entries that are all numbers, such as axes and indices.
 *  @throws Refusal when the value is anything else */
export function asNumbers(node: GraphNode, value: Value | undefined, role: string): number[] {
  const numbers = asSizes(value)?.entries.filter((entry) => entry !== 'batch');
  if (numbers !== undefined && numbers.length === asSizes(value)?.entries.length) return numbers;
  throw refusal(node, `${role} must be constant integers`);
}

/** The shape [samples, …] from axis `start` up to `end`. */
export const Shape: Handler = (node, [x]) => {
  const whole = shapeOf(x);
  if (whole === undefined)
    throw refusal(node, 'asks for the shape of a truth value or an absent one');
  const start = node.attributes.integer('start', 0);
  const end = node.attributes.integer('end', whole.length);
  return vector(whole.slice(start, end));
};

export const Gather: Handler = (node, [data, indices]) => {
  const sizes = shapeOperand(node, data);
  requireAxes(node, [node.attributes.integer('axis', 0)], sizes.scalar ? 0 : 1);
  const picked = asNumbers(node, indices, 'its indices').map((index) => {
    const entry = sizes.entries.at(index);
    if (entry !== undefined && Number.isInteger(index)) return entry;
    throw invalid(
      `${node.operator} '${node.name}' takes entry ${index} of a shape with ${sizes.entries.length}.`,
    );
  });
  return { kind: 'sizes', scalar: asSizes(indices)?.scalar ?? false, entries: picked };
};

/** Shapes end to end; undefined when a value is none. */
export function concatenatedSizes(
  node: GraphNode,
  inputs: readonly (Value | undefined)[],
): SizesValue | undefined {
  const parts = inputs.flatMap((input) => asSizes(input) ?? []);
  if (parts.length !== inputs.length) return undefined;
  if (parts.some(({ scalar }) => scalar)) {
    throw invalid(`${node.operator} '${node.name}' joins a single number, which has no axis.`);
  }
  requireAxes(node, [node.attributes.integer('axis', 0)], 1);
  const entries = parts.flatMap((part) => part.entries);
  if (entries.length <= maximumLength) return vector(entries);
  throw refusal(node, `makes a shape of ${entries.length} axes; ${maximumLength} are too many`);
}

/** data[start:end:step]; start, end, axes and step were attributes before opset 10. */
export const Slice: Handler = (node, [data, starts, ends, axes, steps]) => {
  const setting = (name: string, value: Value | undefined, fallback: number) =>
    node.attributes.integers(name)?.[0] ??
    (value === undefined ? fallback : (asNumbers(node, value, `its ${name}`)[0] ?? fallback));
  if (
    data?.kind === 'constant' &&
    data.tensor.type.kind === 'integer' &&
    data.tensor.dims.length === 2
  ) {
    const [rows = 0] = data.tensor.dims;
    const isReversal =
      setting('steps', steps, 1) === -1 &&
      setting('axes', axes, 0) === 0 &&
      [-1, rows - 1].includes(setting('starts', starts, 0)) &&
      setting('ends', ends, rows) < -rows;
    if (isReversal) return withRowsReversed(data);
  }
  const { entries, scalar } = shapeOperand(node, data);
  const axesGiven = node.attributes.integers('axes') ?? asSizes(axes)?.entries.map(Number) ?? [0];
  requireAxes(node, axesGiven, scalar ? 0 : 1);
  if (setting('steps', steps, 1) !== 1 || ![0, -1].includes(setting('axes', axes, 0))) {
    throw refusal(node, 'cuts a shape other than by start and end');
  }
  return vector(entries.slice(setting('starts', starts, 0), setting('ends', ends, entries.length)));
};

/** The pads of PyTorch's pad, innermost axis first, in ONNX's order. */
function withRowsReversed({ tensor, ...value }: ConstantValue): ConstantValue {
  const [rows = 0, columns = 0] = tensor.dims;
  const numbers = Numbers.from(tensor.numbers.length, (place) =>
    tensor.numbers.at((rows - 1 - Math.floor(place / columns)) * columns + (place % columns)),
  );
  return { ...value, tensor: { ...tensor, numbers } };
}

function shapeOf(value: Value | undefined): readonly Size[] | undefined {
  switch (value?.kind) {
    case 'features':
    case 'pending':
      return ['batch', ...value.view];
    case 'constant':
      return value.tensor.dims;
    case 'sizes':
      return value.scalar ? [] : [value.entries.length];
    case 'unknown':
    case undefined:
      return undefined;
  }
}

function shapeOperand(node: GraphNode, value: Value | undefined): SizesValue {
  const sizes = asSizes(value);
  if (sizes !== undefined) return sizes;
  throw refusal(node, 'is understood for shapes only, not for data');
}

/** Axes that a node names of a shape it computes with: ONNX's own shape inference looks at them though the
 *  sizes would be the same.
 *  @throws EigenscapeError ERR_ONNX_INVALID for one twice, or other than −rank … rank − 1 */
export function requireAxes(node: GraphNode, axes: readonly number[], rank: number): void {
  const distinct = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  const isInside = (axis: number) => Number.isInteger(axis) && axis >= -rank && axis < rank;
  if (axes.every(isInside) && distinct.size === axes.length) return;
  throw invalid(
    `${node.operator} '${node.name}' has axis ${axes.join(', ')} for a value of ${rank} axes; ` +
      'different ones from −rank to rank − 1 are expected.',
  );
}

function vector(entries: readonly Size[]): SizesValue {
  return { kind: 'sizes', scalar: false, entries };
}
