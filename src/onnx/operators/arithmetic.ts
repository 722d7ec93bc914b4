// Add, Mul, Div …: the arithmetic from which exporters spell out activations.
//
//   gelu      x·½·(1 + erf(x/√2)), the factors in any order (opsets before 20)
//   silu      x·sigmoid(x)
//   mish      x·tanh(softplus(x)) (opsets before 18)
//   softsign  x/(1 + |x|), as both of PyTorch's exporters write it
//   layerNorm see moments.ts

import { refusal, withLayer } from '../values.js';
import type { Handler, Value } from '../values.js';
import type { GraphNode } from '../graph.js';
import { addBias } from './bias.js';
import { channelScale, channelShift } from './channel-affine.js';
import {
  asExpression,
  expressionAndScalar,
  haveOneSource,
  scalarOf,
  scaled,
  settled,
  shifted,
} from './forms.js';
import { addedBranches } from './joining.js';
import { centred, isMoment, normalized, squared } from './moments.js';
import { layerNormAffine } from './normalization.js';
import { sizeArithmetic } from './size-arithmetic.js';

export const Add: Handler = (node, [a, b], { note }) => {
  const sizes = sizeArithmetic(node, [a, b], { operation: (x, y) => x + y, neutral: 0 });
  if (sizes !== undefined) return sizes;
  const biased = addBias(node, a, b, note) ?? addBias(node, b, a, note);
  if (biased !== undefined) return biased;
  const affine =
    layerNormAffine(node, a, b, 'shift') ??
    layerNormAffine(node, b, a, 'shift') ??
    channelShift(node, a, b) ??
    channelShift(node, b, a);
  if (affine !== undefined) return affine;
  const operands = expressionAndScalar(a, b) ?? expressionAndScalar(b, a);
  const result =
    (operands === undefined ? undefined : shifted(node, operands)) ?? addedBranches(node, a, b);
  if (result !== undefined) return result;
  throw refusal(
    node,
    'adds neither two computed values of one shape nor a constant bias to a layer without one, nor is it ' +
      'part of a known activation',
  );
};

export const Sub: Handler = (node, [a, b]) => {
  const sizes = sizeArithmetic(node, [a, b], { operation: (x, y) => x - y, rightNeutral: 0 });
  if (sizes !== undefined) return sizes;
  const difference = centred(node, a, b);
  if (difference !== undefined) return difference;
  const complement = expressionAndScalar(b, a);
  if (complement?.scalar === 1 && b?.kind === 'features') {
    return settled(node, complement.expression, { kind: 'complement' });
  }
  const operands = expressionAndScalar(a, b);
  const result =
    operands === undefined ? undefined : shifted(node, { ...operands, scalar: -operands.scalar });
  if (result !== undefined) return result;
  throw refusal(node, 'subtracts where no layer of this library does');
};

export const Mul: Handler = (node, [a, b]) => {
  const sizes = sizeArithmetic(node, [a, b], { operation: (x, y) => x * y, neutral: 1 });
  if (sizes !== undefined) return sizes;
  const affine =
    layerNormAffine(node, a, b, 'scale') ??
    layerNormAffine(node, b, a, 'scale') ??
    channelScale(node, a, b) ??
    channelScale(node, b, a);
  if (affine !== undefined) return affine;
  const operands = expressionAndScalar(a, b) ?? expressionAndScalar(b, a);
  if (operands !== undefined) return scaled(node, operands);
  const product =
    gatedByLayer(node, a, b) ?? gatedByLayer(node, b, a) ?? gated(node, a, b) ?? gated(node, b, a);
  if (product !== undefined) return product;
  const moment =
    normalized(node, a, b, 'inverse') ??
    normalized(node, b, a, 'inverse') ??
    (isMoment(a, 'centred') && isMoment(b, 'centred') && a.stage === b.stage
      ? squared(node, a)
      : undefined);
  if (moment !== undefined) return moment;
  throw refusal(node, 'multiplies values that form no known activation');
};

export const Div: Handler = (node, [a, b]) => {
  const sizes = sizeArithmetic(node, [a, b], {
    operation: (x, y) => Math.trunc(x / y),
    rightNeutral: 1,
  });
  if (sizes !== undefined) return sizes;
  const operands = expressionAndScalar(a, b);
  if (operands !== undefined) return scaled(node, { ...operands, scalar: 1 / operands.scalar });
  const layer = normalized(node, a, b, 'deviation');
  if (layer !== undefined) return layer;
  const quotient = softsign(node, a, b);
  if (quotient !== undefined) return quotient;
  if (isMoment(b, 'deviation') && scalarOf(a, 1 + b.view.length) === 1) {
    return settled(node, b, { ...b.form, step: 'inverse' });
  }
  throw refusal(node, 'divides values that form no known activation');
};

/** erf of slope·x. */
export const Erf: Handler = (node, [x]) => {
  const expression = asExpression(x);
  if (expression?.form.kind !== 'linear') throw refusal(node, 'is no part of a gelu');
  const slope = expression.form.scale;
  return settled(node, expression, { kind: 'erf', slope, gain: 1, offset: 0, power: 0 });
};

/** eˣ, from which elu is made. */
export const Exp: Handler = (node, [x]) => {
  const expression = asExpression(x);
  if (expression?.form.kind !== 'linear' || expression.form.scale !== 1) {
    throw refusal(node, 'is no part of an elu');
  }
  return settled(node, expression, { kind: 'exp', gain: 1, offset: 0 });
};

/** |x|, from which softsign is made. */
export const Abs: Handler = (node, [x]) => {
  const expression = asExpression(x);
  if (expression?.form.kind !== 'linear' || expression.form.scale !== 1) {
    throw refusal(node, 'is no part of a softsign');
  }
  return settled(node, expression, { kind: 'magnitude', offset: 0 });
};

/** x/(1 + |x|). */
function softsign(node: GraphNode, x: Value | undefined, divisor: Value | undefined) {
  if (x?.kind !== 'features' || divisor?.kind !== 'pending') return undefined;
  if (divisor.form.kind !== 'magnitude' || divisor.form.offset !== 1) return undefined;
  return haveOneSource(x, divisor) ? withLayer(node, x, { type: 'softsign' }) : undefined;
}

/** x·sigmoid(x) and x·tanh(softplus(x)). */
function gatedByLayer(node: GraphNode, x: Value | undefined, gate: Value | undefined) {
  if (x?.kind !== 'features' || gate?.kind !== 'features' || gate.order !== x.order) {
    return undefined;
  }
  const { layer, inputs } = gate.stage;
  const [inner] = inputs;
  if (layer.type === 'sigmoid' && inner === x.stage) return withLayer(node, x, { type: 'silu' });
  const isMish =
    layer.type === 'tanh' && inner?.layer.type === 'softplus' && inner.inputs[0] === x.stage;
  return isMish ? withLayer(node, x, { type: 'mish' }) : undefined;
}

/** scale·x times gain·erf(slope·x) + offset. */
function gated(node: GraphNode, a: Value | undefined, b: Value | undefined): Value | undefined {
  const [x, gate] = [asExpression(a), asExpression(b)];
  if (x?.form.kind !== 'linear' || gate?.form.kind !== 'erf' || gate.form.power !== 0) {
    return undefined;
  }
  if (!haveOneSource(x, gate)) return undefined;
  const { scale } = x.form;
  const { gain, offset } = gate.form;
  const nodes = [...new Set([...x.nodes, ...gate.nodes])];
  const form = { ...gate.form, power: 1, gain: scale * gain, offset: scale * offset } as const;
  return settled(node, { ...gate, nodes }, form);
}
