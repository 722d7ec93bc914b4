// Values on their way to an activation or a normalisation: a Form of what one stage computes; once it is
// the form of a layer, it becomes that layer.

import { refusal, withLayer } from '../values.js';
import type { FeaturesValue, Form, PendingValue, Value } from '../values.js';
import type { GraphNode } from '../graph.js';

export interface ExpressionAndScalar {
  readonly expression: PendingValue;
  readonly scalar: number;
}

/** Features are the linear form with scale 1. */
export function asExpression(value: Value | undefined): PendingValue | undefined {
  if (value?.kind === 'pending') return value;
  if (value?.kind !== 'features') return undefined;
  return { ...value, kind: 'pending', form: { kind: 'linear', scale: 1 }, nodes: [] };
}

/** The scale of a linear form of a stage, undefined for other values. */
export function linearScale(value: Value | undefined): number | undefined {
  const form = asExpression(value)?.form;
  return form?.kind === 'linear' ? form.scale : undefined;
}

export function expressionAndScalar(
  a: Value | undefined,
  b: Value | undefined,
): ExpressionAndScalar | undefined {
  const expression = asExpression(a);
  if (expression === undefined) return undefined;
  const scalar = scalarOf(b, 1 + expression.view.length);
  return scalar === undefined ? undefined : { expression, scalar };
}

/** The one number of a constant; one of more axes than `rank` would give a result more axes. */
export function scalarOf(value: Value | undefined, rank: number): number | undefined {
  if (value?.kind !== 'constant') return undefined;
  const { numbers, type, dims } = value.tensor;
  if (numbers.length !== 1 || dims.length > rank) return undefined;
  return exactScalar(numbers.at(0), Math.max(type.roundoff, 2 ** -24));
}

/** √2 and 1/√2 as they were before some type rounded them (float32 on the way to float64, too). */
function exactScalar(value: number, roundoff: number): number {
  const exact = [Math.SQRT2, Math.SQRT1_2].find((root) => isNear(value, root, 2 * roundoff));
  return exact ?? value;
}

export function scaled(
  node: GraphNode,
  { expression, scalar }: ExpressionAndScalar,
): FeaturesValue | PendingValue {
  const { form } = expression;
  switch (form.kind) {
    case 'linear':
      return settled(node, expression, { ...form, scale: form.scale * scalar });
    case 'erf':
    case 'exp': {
      const [gain, offset] = [form.gain * scalar, form.offset * scalar];
      return settled(node, expression, { ...form, gain, offset });
    }
    case 'above':
      throw refusal(node, 'computes with a truth value');
    case 'complement':
    case 'magnitude':
    case 'moment':
      throw refusal(node, 'multiplies values that form no known activation');
  }
}

/** The expression with a number added, where that is on the way to a layer. */
export function shifted(
  node: GraphNode,
  { expression, scalar }: ExpressionAndScalar,
): FeaturesValue | PendingValue | undefined {
  const { form } = expression;
  if ((form.kind === 'erf' && form.power === 0) || form.kind === 'exp') {
    return settled(node, expression, { ...form, offset: form.offset + scalar });
  }
  if (form.kind === 'magnitude') {
    return settled(node, expression, { ...form, offset: form.offset + scalar });
  }
  if (form.kind === 'moment' && form.step === 'variance' && scalar >= 0) {
    return settled(node, expression, { ...form, epsilon: form.epsilon + shortest(scalar) });
  }
  return undefined;
}

/** A decimal of few digits that float32 rounded, as it was written. */
function shortest(value: number): number {
  const decimal = Number(value.toPrecision(6));
  return Math.abs(decimal - value) <= 2 ** -24 * Math.abs(value) ? decimal : value;
}

/** The expression with a new form, as the layer that this form is, if it is one. */
export function settled(
  node: GraphNode,
  from: PendingValue,
  form: Form,
): FeaturesValue | PendingValue {
  if (form.kind === 'linear' && form.scale === 1) {
    return { kind: 'features', stage: from.stage, view: from.view, order: from.order };
  }
  const isGelu =
    form.kind === 'erf' &&
    form.power === 1 &&
    [form.gain, form.offset].every((half) => isNear(half, 0.5, 1e-12)) &&
    isNear(form.slope, Math.SQRT1_2, 1e-12);
  if (isGelu) return withLayer(node, from, { type: 'gelu' });
  return { ...from, form, nodes: [...from.nodes, node] };
}

/** Whether two values are computed entry by entry from the same. */
export function haveOneSource(
  a: Pick<FeaturesValue, 'stage' | 'order'>,
  b: Pick<FeaturesValue, 'stage' | 'order'>,
): boolean {
  return a.stage === b.stage && a.order === b.order;
}

function isNear(value: number, expected: number, relative: number): boolean {
  return Math.abs(value - expected) <= relative * expected;
}
