// Add, Mul, Div …: the arithmetic from which exporters spell out activations.
//
//   gelu      x·½·(1 + erf(x/√2)), the factors in any order (opsets before 20)
//   silu      x·sigmoid(x)
//   softplus  where(x > 20, x, softplus(x)), as PyTorch's dynamo exporter writes it
//
// A value on the way there is a Form of what one stage computes; once it is the form of an
// activation, it becomes that layer.

import { refusal, withLayer } from '../values.js';
import type { FeaturesValue, Form, Handler, PendingValue, Value } from '../values.js';
import type { GraphNode } from '../graph.js';
import { addBias } from './bias.js';
import { sizeArithmetic } from './sizes.js';

export const Add: Handler = (node, [a, b], { note }) => {
  const sizes = sizeArithmetic(node, a, b, (x, y) => x + y);
  if (sizes !== undefined) return sizes;
  const biased = addBias(node, a, b, note) ?? addBias(node, b, a, note);
  if (biased !== undefined) return biased;
  const operands = expressionAndScalar(a, b) ?? expressionAndScalar(b, a);
  const form = operands?.expression.form;
  if (operands !== undefined && form?.kind === 'erf' && form.power === 0) {
    return settled(node, operands.expression, { ...form, offset: form.offset + operands.scalar });
  }
  throw refusal(
    node,
    'adds neither a constant bias to a dense layer without one, nor is it part of a known activation',
  );
};

export const Sub: Handler = (node, [a, b]) => {
  const sizes = sizeArithmetic(node, a, b, (x, y) => x - y);
  if (sizes !== undefined) return sizes;
  throw refusal(node, 'subtracts where no layer of this library does');
};

export const Mul: Handler = (node, [a, b]) => {
  const sizes = sizeArithmetic(node, a, b, (x, y) => x * y);
  if (sizes !== undefined) return sizes;
  const operands = expressionAndScalar(a, b) ?? expressionAndScalar(b, a);
  if (operands !== undefined) return scaled(node, operands.expression, operands.scalar);
  const product = silu(node, a, b) ?? silu(node, b, a) ?? gated(node, a, b) ?? gated(node, b, a);
  if (product !== undefined) return product;
  throw refusal(node, 'multiplies values that form no known activation');
};

export const Div: Handler = (node, [a, b]) => {
  const sizes = sizeArithmetic(node, a, b, (x, y) => Math.trunc(x / y));
  if (sizes !== undefined) return sizes;
  const operands = expressionAndScalar(a, b);
  if (operands !== undefined) return scaled(node, operands.expression, 1 / operands.scalar);
  throw refusal(node, 'divides values that form no known activation');
};

/** erf of slope·x. */
export const Erf: Handler = (node, [x]) => {
  const expression = asExpression(x);
  if (expression?.form.kind !== 'linear') throw refusal(node, 'is no part of a gelu');
  const slope = expression.form.scale;
  return settled(node, expression, { kind: 'erf', slope, gain: 1, offset: 0, power: 0 });
};

/** x > constant. */
export const Greater: Handler = (node, [x, y]) => {
  const operands = expressionAndScalar(x, y);
  if (operands?.expression.form.kind !== 'linear' || operands.expression.form.scale !== 1) {
    throw refusal(node, 'compares values where no layer of this library does');
  }
  return settled(node, operands.expression, { kind: 'above', threshold: operands.scalar });
};

/** where(x > threshold, x, softplus(x)): beyond 20 the two differ by less than 2.1e-9. */
export const Where: Handler = (node, [condition, x, y], { note }) => {
  const isSoftplus =
    condition?.kind === 'pending' &&
    condition.form.kind === 'above' &&
    condition.form.threshold >= 20 &&
    x?.kind === 'features' &&
    y?.kind === 'features' &&
    y.stage.layer.type === 'softplus' &&
    y.stage.inputs[0] === x.stage &&
    condition.stage === x.stage;
  if (!isSoftplus)
    throw refusal(node, 'chooses between values where no layer of this library does');
  note(`Where '${node.name}': PyTorch's switch to x above 20 is dropped; softplus is exact here.`);
  return y;
};

/** Features are the linear form with scale 1. */
function asExpression(value: Value | undefined): PendingValue | undefined {
  if (value?.kind === 'pending') return value;
  if (value?.kind !== 'features') return undefined;
  return { ...value, kind: 'pending', form: { kind: 'linear', scale: 1 }, nodes: [] };
}

function expressionAndScalar(a: Value | undefined, b: Value | undefined) {
  const expression = asExpression(a);
  if (expression === undefined || b?.kind !== 'constant') return undefined;
  const { values, type, dims } = b.tensor;
  const value = values[0];
  // A scalar of more axes than the other operand would give the result more axes.
  if (value === undefined || values.length !== 1 || dims.length > 1 + expression.view.length) {
    return undefined;
  }
  return { expression, scalar: exactScalar(value, Math.max(type.roundoff, 2 ** -24)) };
}

/** √2 and 1/√2 as they were before some type rounded them (float32 on the way to float64, too). */
function exactScalar(value: number, roundoff: number): number {
  const exact = [Math.SQRT2, Math.SQRT1_2].find((root) => isNear(value, root, 2 * roundoff));
  return exact ?? value;
}

function scaled(node: GraphNode, expression: PendingValue, factor: number): Value {
  const { form } = expression;
  switch (form.kind) {
    case 'linear':
      return settled(node, expression, { ...form, scale: form.scale * factor });
    case 'erf':
      return settled(node, expression, {
        ...form,
        gain: form.gain * factor,
        offset: form.offset * factor,
      });
    case 'above':
      throw refusal(node, 'computes with a truth value');
  }
}

/** x·sigmoid(x). */
function silu(node: GraphNode, x: Value | undefined, gate: Value | undefined) {
  if (x?.kind !== 'features' || gate?.kind !== 'features') return undefined;
  const { layer, inputs } = gate.stage;
  if (layer.type !== 'sigmoid' || inputs[0] !== x.stage) return undefined;
  return withLayer(node, x, { type: 'silu' });
}

/** scale·x times gain·erf(slope·x) + offset. */
function gated(node: GraphNode, a: Value | undefined, b: Value | undefined): Value | undefined {
  const [x, gate] = [asExpression(a), asExpression(b)];
  if (x?.form.kind !== 'linear' || gate?.form.kind !== 'erf' || gate.form.power !== 0) {
    return undefined;
  }
  if (x.stage !== gate.stage) return undefined;
  const { scale } = x.form;
  const { gain, offset } = gate.form;
  const nodes = [...new Set([...x.nodes, ...gate.nodes])];
  const form = { ...gate.form, power: 1, gain: scale * gain, offset: scale * offset } as const;
  return settled(node, { ...gate, nodes }, form);
}

/** The expression with a new form, as the layer that this form is, if it is one. */
function settled(node: GraphNode, from: PendingValue, form: Form): FeaturesValue | PendingValue {
  if (form.kind === 'linear' && form.scale === 1) {
    return { kind: 'features', stage: from.stage, view: from.view };
  }
  const isGelu =
    form.kind === 'erf' &&
    form.power === 1 &&
    [form.gain, form.offset].every((half) => isNear(half, 0.5, 1e-12)) &&
    isNear(form.slope, Math.SQRT1_2, 1e-12);
  if (isGelu) return withLayer(node, from, { type: 'gelu' });
  return { ...from, form, nodes: [...from.nodes, node] };
}

function isNear(value: number, expected: number, relative: number): boolean {
  return Math.abs(value - expected) <= relative * expected;
}
