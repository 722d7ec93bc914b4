// Activations that are one node each.

import type { ActivationType } from '../../network/spec.js';
import { inAnyOrder, refusal, withLayer, type Handler } from '../values.js';

export const Relu = activation('relu');
export const Tanh = activation('tanh');
export const Sigmoid = activation('sigmoid');
/** x·tanh(softplus(x)), since opset 18. */
export const Mish = activation('mish');

export const Softplus = activation('softplus');
export const Softsign = activation('softsign');

/** x if x ≥ 0, else alpha·(eˣ − 1). */
export const Elu = activation('elu', 1);

/** x if x ≥ 0, else alpha·x. */
export const LeakyRelu = activation('leakyRelu', 0.01);

/** ½·x·(1 + erf(x/√2)), since opset 20. */
export const Gelu: Handler = (node, [x], context) => {
  const approximate = node.attributes.text('approximate', 'none');
  if (approximate !== 'none') {
    throw refusal(
      node,
      `approximate = '${approximate}' is not supported; the library's gelu is exact (nn.GELU())`,
    );
  }
  return activation('gelu')(node, [x], context);
};

function activation(type: ActivationType, defaultAlpha?: number): Handler {
  return (node, [x]) => {
    const input = inAnyOrder(node, x, 'its input');
    if (defaultAlpha === undefined) return withLayer(node, input, { type });
    const alpha = node.attributes.decimal('alpha', defaultAlpha);
    if (!Number.isFinite(alpha)) throw refusal(node, `alpha = ${alpha} is not finite`);
    return withLayer(node, input, alpha === defaultAlpha ? { type } : { type, alpha });
  };
}
