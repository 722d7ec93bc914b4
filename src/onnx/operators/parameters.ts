// The constants that weights, biases and statistics are read from.

import { invalid } from '../failures.js';
import type { GraphNode } from '../graph.js';
import { refusal, type ConstantValue, type Parameter, type Value } from '../values.js';

/** @throws Refusal unless the value is a constant of floating numbers; `role` says which of the
 *  node's inputs it is */
export function asParameter(
  node: GraphNode,
  value: Value | undefined,
  role: string,
): ConstantValue {
  if (value === undefined) throw invalid(`${node.operator} '${node.name}' lacks ${role}.`);
  if (value.kind !== 'constant') {
    throw refusal(node, `${role} must be a constant, but is computed from the network's input`);
  }
  const { dims, numbers, type } = value.tensor;
  if (type.kind !== 'floating') {
    throw refusal(
      node,
      `${role} '${value.name}' holds ${type.name}; float32 or float64 is expected`,
    );
  }
  if (numbers.length === 0) {
    throw invalid(
      `${node.operator} '${node.name}': ${role} '${value.name}' of shape [${dims.join(', ')}] has ` +
        'no entries.',
    );
  }
  return value;
}

/** The constant's numbers as they are stored. */
export function parameterOf({ name, tensor, copyOf }: ConstantValue): Parameter {
  return { name, numbers: tensor.numbers, type: tensor.type, copyOf };
}

/** Whether each entry of a constant is this number and the graph, not training, made it so: PyTorch's
 *  exporters write ones and zeros where a module has no scale or bias but the operator wants them. */
export function isMadeOf(value: Value | undefined, entry: number): boolean {
  return (
    value?.kind === 'constant' &&
    (value.isFilled === true || value.isLiteral === true) &&
    value.tensor.numbers.values.every((each) => each === entry)
  );
}

/** A constant of exactly `count` numbers, such as one per channel.
 *  @throws EigenscapeError ERR_ONNX_INVALID when it has another number of them */
export function numbersPer(
  node: GraphNode,
  value: Value | undefined,
  { role, count, what }: { readonly role: string; readonly count: number; readonly what: string },
): Parameter {
  const constant = asParameter(node, value, role);
  const { dims, numbers } = constant.tensor;
  if (numbers.length === count) return parameterOf(constant);
  throw invalid(
    `${node.operator} '${node.name}': ${role} '${constant.name}' of shape [${dims.join(', ')}] ` +
      `has ${numbers.length} entries; one for each of ${count} ${what} is expected.`,
  );
}
