// Integer arithmetic on shapes, as exporters write it to split, join and check sizes.

import { invalid } from '../failures.js';
import type { GraphNode } from '../graph.js';
import { Numbers } from '../numbers.js';
import { asSizes, maximumLength } from './sizes.js';
import { refusal, type Handler, type Size, type SizesValue, type Value } from '../values.js';

// As many as a layer has units; more is damage.
const largestFill = 2 ** 20;

interface Rule {
  readonly operation: (x: number, y: number) => number;
  /** What leaves the other operand, even the number of samples, as it is. */
  readonly neutral?: number;
  /** The same for the right operand only. */
  readonly rightNeutral?: number;
}

/** For sizes of equal length or with one number; undefined for other values. */
export function sizeArithmetic(
  node: GraphNode,
  [a, b]: readonly [Value | undefined, Value | undefined],
  rule: Rule,
): SizesValue | undefined {
  const [left, right] = [asSizes(a), asSizes(b)];
  if (left === undefined || right === undefined) return undefined;
  const entries = paired(node, [left, right]).map(([x, y]): Size => {
    if (y === (rule.neutral ?? rule.rightNeutral)) return x;
    if (x === rule.neutral) return y;
    const result = x === 'batch' || y === 'batch' ? NaN : rule.operation(x, y);
    if (Number.isSafeInteger(result)) return result;
    throw refusal(node, 'computes with the number of samples');
  });
  return { kind: 'sizes', scalar: left.scalar && right.scalar, entries };
}

function paired(node: GraphNode, sizes: readonly [SizesValue, SizesValue]) {
  const lengths = sizes.map(({ entries }) => entries.length);
  const length = lengths.includes(0) ? 0 : Math.max(...lengths);
  if (lengths.some((given) => given !== 1 && given !== length)) {
    throw invalid(`${node.operator} '${node.name}' combines ${lengths.join(' and ')} sizes.`);
  }
  const at = ({ entries }: SizesValue, index: number): Size =>
    entries[entries.length === 1 ? 0 : index] ?? 0;
  return Array.from({ length }, (_, index) => [at(sizes[0], index), at(sizes[1], index)] as const);
}

/** Whether sizes agree. The number of samples is at least 1. */
export const Equal: Handler = (node, [a, b]) => {
  const [left, right] = [asSizes(a), asSizes(b)];
  if (left === undefined || right === undefined) {
    throw refusal(node, 'compares values where no layer of this library does');
  }
  const entries = paired(node, [left, right]).map(([x, y]) => {
    if (x === y) return 1;
    const number = x === 'batch' ? y : y === 'batch' ? x : undefined;
    if (number === undefined || Number(number) <= 0) return 0;
    throw refusal(node, 'compares the number of samples with a number');
  });
  return { kind: 'sizes', scalar: left.scalar && right.scalar, entries };
};

/** condition ? x : y for sizes; undefined for other values. */
export function chosenSizes(
  node: GraphNode,
  condition: Value | undefined,
  x: Value | undefined,
  y: Value | undefined,
): SizesValue | undefined {
  const [which, left, right] = [asSizes(condition), asSizes(x), asSizes(y)];
  if (which === undefined || left === undefined || right === undefined) return undefined;
  const length = Math.max(which.entries.length, left.entries.length, right.entries.length);
  const at = ({ entries }: SizesValue, index: number) => entries[entries.length === 1 ? 0 : index];
  const entries = Array.from({ length }, (_, index): Size => {
    const chosen = at(which, index) === 0 ? at(right, index) : at(left, index);
    if (chosen !== undefined) return chosen;
    throw invalid(`Where '${node.name}' chooses between shapes of different lengths.`);
  });
  return { kind: 'sizes', scalar: [which, left, right].every(({ scalar }) => scalar), entries };
}

/** The remainder: with fmod = 0 it has the sign of the divisor. */
export const Mod: Handler = (node, [a, b]) => {
  const keepsSign = node.attributes.integer('fmod', 0) !== 0;
  const operation = (x: number, y: number) => (keepsSign ? x % y : x - y * Math.floor(x / y));
  return required(node, sizeArithmetic(node, [a, b], { operation }));
};

export const Min: Handler = (node, inputs) => {
  const [a, b] = inputs;
  const sizes =
    inputs.length === 2 ? sizeArithmetic(node, [a, b], { operation: Math.min }) : undefined;
  return required(node, sizes);
};

/** start, start + delta, … up to limit. */
export const Range: Handler = (node, inputs) => {
  const [start, limit, delta] = inputs.map((input) => asSizes(input)?.entries[0]);
  if (typeof start !== 'number' || typeof limit !== 'number' || typeof delta !== 'number') {
    throw refusal(node, 'counts other than constant integers');
  }
  const length = Math.max(Math.ceil((limit - start) / delta), 0);
  if (!(length <= maximumLength))
    throw refusal(node, `counts ${length} numbers; at most ${maximumLength} make a shape`);
  const entries = Array.from({ length }, (_, index) => start + index * delta);
  return { kind: 'sizes', scalar: false, entries };
};

/** One integer repeated. */
export const ConstantOfShape: Handler = (node, [shape], { decode }) => {
  const proto = node.attributes.tensor('value');
  const value = proto === undefined ? undefined : decode(proto, node.name);
  if (value?.type.kind !== 'integer')
    throw refusal(node, 'makes a tensor of floats, where only shapes are understood');
  return repeated(node, value.numbers.length === 0 ? 0 : value.numbers.at(0), shape);
};

/** One number repeated, or a shape of as many entries as asked for. */
export const Expand: Handler = (node, [x, shape]) => {
  const entries = asSizes(shape)?.entries ?? [];
  const [length] = entries;
  if (x?.kind === 'constant' && x.tensor.numbers.length === 1 && typeof length === 'number') {
    const dims = entries.filter((size) => size !== 'batch');
    const count = dims.reduce((product, size) => product * size, 1);
    if (dims.length < entries.length || !(count >= 1 && count <= largestFill)) {
      throw refusal(node, `repeats a number other than up to ${largestFill} times`);
    }
    const value = x.tensor.numbers.at(0);
    const numbers = Numbers.from(count, () => value);
    return { ...x, tensor: { ...x.tensor, dims, numbers }, isFilled: true };
  }
  const sizes = required(node, asSizes(x));
  if (length === 1 || length === sizes.entries.length) return { ...sizes, scalar: false };
  if (sizes.entries.length !== 1) throw refusal(node, 'repeats a shape of several entries');
  return repeated(node, sizes.entries[0] ?? 0, shape);
};

function repeated(node: GraphNode, entry: Size, shape: Value | undefined): SizesValue {
  const [length, ...more] = asSizes(shape)?.entries ?? [];
  if (typeof length !== 'number' || more.length > 0 || !(length >= 0 && length <= maximumLength)) {
    throw refusal(node, `repeats a number other than up to ${maximumLength} times along one axis`);
  }
  return { kind: 'sizes', scalar: false, entries: Array.from({ length }, () => entry) };
}

function required(node: GraphNode, sizes: SizesValue | undefined): SizesValue {
  if (sizes !== undefined) return sizes;
  throw refusal(node, 'is understood for shapes only, not for data');
}
