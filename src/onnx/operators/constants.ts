// Nodes that make a constant, pass a value on, or change nothing but its type.

import { elementType, elementTypeName, float32, int64, type ElementType } from '../element-type.js';
import { Numbers } from '../numbers.js';
import { TensorProto_DataType as DataType } from '../onnx_pb.js';
import { inAnyOrder, refusal, type ConstantValue, type Handler } from '../values.js';
import type { GraphNode } from '../graph.js';
import { asSizes } from './sizes.js';

export const Constant: Handler = (node, _inputs, { decode, hasInitializers }) => {
  const { attributes } = node;
  const name = node.outputs[0] ?? node.name;
  const proto = attributes.tensor('value');
  if (proto !== undefined) {
    const isLiteral = hasInitializers || undefined;
    return { kind: 'constant', name, tensor: decode(proto, name), isLiteral };
  }
  if (attributes.has('value_int')) {
    return literal(name, [], [attributes.integer('value_int', 0)], int64);
  }
  const integers = attributes.integers('value_ints');
  if (integers !== undefined) return literal(name, [integers.length], integers, int64);
  const float = attributes.float('value_float');
  if (float !== undefined) return literal(name, [], [float], float32);
  const floats = attributes.floats('value_floats');
  if (floats !== undefined) return literal(name, [floats.length], floats, float32);
  throw refusal(node, 'holds neither a dense tensor nor numbers');
};

/** A copy of a constant is a tensor of its own: PyTorch's TorchScript exporter writes equal, but
 *  independent parameters so, while really shared ones are read twice under one name. */
export const Identity: Handler = (node, [x]) => {
  if (x?.kind === 'constant') {
    return { ...x, name: node.outputs[0] ?? x.name, copyOf: x.copyOf ?? x.name };
  }
  return x?.kind === 'sizes' ? x : inAnyOrder(node, x, 'its input');
};

/** At inference the identity. */
export const Dropout: Handler = (node, [x, _ratio, trainingMode]) => {
  const training = trainingMode?.kind === 'constant' ? trainingMode.tensor.numbers.at(0) : 0;
  const isOpen = trainingMode !== undefined && trainingMode.kind !== 'constant';
  if (isOpen || training !== 0) {
    throw refusal(
      node,
      'is in training mode, so its outputs are random; export after model.eval()',
    );
  }
  return inAnyOrder(node, x, 'its input');
};

export const Cast: Handler = (node, [x], { note }) => {
  const to = node.attributes.integer('to', DataType.UNDEFINED);
  const type = elementType(to);
  if (x?.kind === 'constant') return converted(node, x, type, elementTypeName(to));
  const sizes = asSizes(x);
  if (sizes !== undefined && type?.kind === 'integer') return sizes;
  // Between the steps of an activation, as in PyTorch's float64 files of old operator sets, too.
  const input =
    x?.kind === 'pending' && x.form.kind !== 'above' ? x : inAnyOrder(node, x, 'its input');
  if (type?.kind !== 'floating') {
    throw refusal(node, `casts features to ${elementTypeName(to)}, which rounds them`);
  }
  note(
    `Cast '${node.name}' of features to ${type.name} is dropped: the network has one precision.`,
  );
  return input;
};

/** The first input in the type of the second; features have the network's own floating type. */
export const CastLike: Handler = (node, [x, like]) => {
  if (x?.kind !== 'constant') return inAnyOrder(node, x, 'its first input');
  if (like?.kind === 'constant') return converted(node, x, like.tensor.type, like.tensor.type.name);
  return x;
};

function converted(
  node: GraphNode,
  value: ConstantValue,
  type: ElementType | undefined,
  typeName: string,
): ConstantValue {
  const from = value.tensor.type;
  if (type === from) return value;
  if (type?.round === undefined) {
    const reason = `casts '${value.name}' from ${from.name} to ${typeName}, which is not supported`;
    throw refusal(node, reason);
  }
  const numbers = value.tensor.numbers.map(type.round);
  return { ...value, tensor: { ...value.tensor, type, numbers } };
}

function literal(
  name: string,
  dims: readonly number[],
  values: readonly number[],
  type: ElementType,
): ConstantValue {
  return { kind: 'constant', name, tensor: { dims, numbers: Numbers.of(values), type } };
}
