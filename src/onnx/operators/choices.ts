// Comparisons, Where, Max and Clip: the ways to write an activation that changes its formula at a point.
//
//   relu       where(x > 0, x, 0), max(x, 0), clip(x, 0)
//   leakyRelu  where(x > 0, x, alpha·x), max(x, alpha·x)
//   elu        where(x > 0, x, alpha·(eˣ − 1))
//   softplus   where(x > 20, x, softplus(x)), as PyTorch's dynamo exporter writes it

import type { ActivationType } from '../../network/spec.js';
import type { GraphNode } from '../graph.js';
import { inAnyOrder, refusal, withLayer } from '../values.js';
import type { FeaturesValue, Handler, PendingValue, Value } from '../values.js';
import {
  asExpression,
  expressionAndScalar,
  haveOneSource,
  linearScale,
  scalarOf,
  settled,
} from './forms.js';
import { chosenSizes, sizeArithmetic } from './size-arithmetic.js';

export const Greater = comparison((x, y) => x > y, false);
export const GreaterOrEqual = comparison((x, y) => x >= y, false);
export const Less = comparison((x, y) => x < y, true);
export const LessOrEqual = comparison((x, y) => x <= y, true);

/** x beside a constant, or sizes beside each other. */
function comparison(holds: (x: number, y: number) => boolean, reversed: boolean): Handler {
  return (node, [x, y]) => {
    const sizes = sizeArithmetic(node, [x, y], { operation: (a, b) => Number(holds(a, b)) });
    if (sizes !== undefined) return sizes;
    const straight = expressionAndScalar(x, y);
    const operands = straight ?? expressionAndScalar(y, x);
    if (operands?.expression.form.kind !== 'linear' || operands.expression.form.scale !== 1) {
      throw refusal(node, 'compares values where no layer of this library does');
    }
    return settled(node, operands.expression, {
      kind: 'above',
      threshold: operands.scalar,
      reversed: straight === undefined ? !reversed : reversed,
    });
  };
}

/** An activation that is x above a point. At the point itself both formulas agree, or (softplus, above
 *  20) differ by less than 2.1e-9. */
export const Where: Handler = (node, [condition, x, y], { note }) => {
  const sizes = chosenSizes(node, condition, x, y);
  if (sizes !== undefined) return sizes;
  if (condition?.kind === 'pending' && condition.form.kind === 'above') {
    const { threshold, reversed } = condition.form;
    const [above, below] = reversed ? [y, x] : [x, y];
    if (above?.kind === 'features' && haveOneSource(above, condition)) {
      if (threshold >= 20 && isSoftplusOf(above, below)) {
        note(
          `Where '${node.name}': PyTorch's switch to x above 20 is dropped; softplus is exact here.`,
        );
        return below;
      }
      const activation = threshold === 0 ? belowZero(above, below) : undefined;
      if (activation !== undefined) return withLayer(node, above, activation);
    }
  }
  throw refusal(node, 'chooses between values where no layer of this library does');
};

function isSoftplusOf(x: FeaturesValue, y: Value | undefined): y is FeaturesValue {
  return (
    y?.kind === 'features' && y.stage.layer.type === 'softplus' && y.stage.inputs[0] === x.stage
  );
}

/** The activation that is x above zero and `below` under it. */
function belowZero(
  x: FeaturesValue,
  below: Value | undefined,
): { readonly type: ActivationType; readonly alpha?: number } | undefined {
  if (scalarOf(below, 1 + x.view.length) === 0) return { type: 'relu' };
  const expression = asExpression(below);
  if (expression === undefined || !haveOneSource(x, expression)) return undefined;
  const { form } = expression;
  if (form.kind === 'linear') return { type: 'leakyRelu', alpha: decimal(form.scale) };
  if (form.kind !== 'exp' || form.offset !== -form.gain) return undefined;
  return { type: 'elu', alpha: decimal(form.gain) };
}

/** The largest of x and 0, or of x and alpha·x. */
export const Max: Handler = (node, inputs) => {
  const [a, b] = inputs;
  const sizes = sizeArithmetic(node, [a, b], { operation: Math.max });
  if (sizes !== undefined && inputs.length === 2) return sizes;
  const layer = inputs.length === 2 ? (largest(node, a, b) ?? largest(node, b, a)) : undefined;
  if (layer !== undefined) return layer;
  throw refusal(node, 'takes the largest of values where no layer of this library does');
};

function largest(node: GraphNode, x: Value | undefined, other: Value | undefined) {
  if (x?.kind !== 'features') return undefined;
  if (scalarOf(other, 1 + x.view.length) === 0) return withLayer(node, x, { type: 'relu' });
  const scale = linearScale(other);
  if (!isPending(other) || scale === undefined || !haveOneSource(x, other)) return undefined;
  const isLeaky = scale > 0 && scale < 1;
  return isLeaky ? withLayer(node, x, { type: 'leakyRelu', alpha: decimal(scale) }) : undefined;
}

function isPending(value: Value | undefined): value is PendingValue {
  return value?.kind === 'pending';
}

/** clip(x, 0) is relu. The bounds were attributes before opset 11. */
export const Clip: Handler = (node, [x, low, high]) => {
  const input = inAnyOrder(node, x, 'its input');
  const bound = (name: 'min' | 'max', value: Value | undefined, fallback: number): number => {
    if (value === undefined) return node.attributes.float(name) ?? fallback;
    const scalar = scalarOf(value, 1);
    if (scalar === undefined) throw refusal(node, `its ${name} must be one constant number`);
    return scalar;
  };
  const [min, max] = [bound('min', low, -Infinity), bound('max', high, Infinity)];
  // The largest float32, with which exporters say that there is no bound.
  const isOpen = (value: number) => value >= 3.4e38;
  if (isOpen(max) && min === 0) return withLayer(node, input, { type: 'relu' });
  if (isOpen(max) && isOpen(-min)) return input;
  throw refusal(node, `clips to [${min}, ${max}]; only [0, ∞), which is relu, is supported`);
};

/** As it was written, before float32 rounded it. */
function decimal(value: number): number {
  const short = Number(value.toPrecision(7));
  return Math.abs(short - value) <= 2 ** -24 * Math.abs(value) ? short : value;
}
