// An independent oracle: the outputs of a perceptron by the formulas, one number at a time.

import type { ActivationSpec, NetworkSpec } from '../../src/network/spec.js';

/** Outputs [outputs] of one sample. */
export function naiveForward(
  { spec, parameters }: { readonly spec: NetworkSpec; readonly parameters: ArrayLike<number> },
  sample: readonly number[],
): number[] {
  let at = 0;
  const next = () => parameters[at++] ?? NaN;
  let x = [...sample];
  for (const layer of spec.layers) {
    if (layer.type === 'dense') {
      const products = Array.from({ length: layer.units }, () =>
        x.reduce((sum, value) => sum + next() * value, 0),
      );
      x = layer.bias === false ? products : products.map((product) => product + next());
    } else if (layer.type !== 'flatten') {
      x = x.map((value) => activation(layer as ActivationSpec, value));
    }
  }
  if (at !== parameters.length) throw new Error(`${at} of ${parameters.length} parameters read`);
  return x;
}

function activation({ type, alpha }: ActivationSpec, x: number): number {
  switch (type) {
    case 'relu':
      return Math.max(x, 0);
    case 'tanh':
      return Math.tanh(x);
    case 'sigmoid':
      return 1 / (1 + Math.exp(-x));
    case 'softplus':
      return Math.log1p(Math.exp(x));
    case 'softsign':
      return x / (1 + Math.abs(x));
    case 'gelu':
      return 0.5 * x * (1 + erf(x / Math.SQRT2));
    case 'silu':
      return x / (1 + Math.exp(-x));
    case 'mish':
      return x * Math.tanh(Math.log1p(Math.exp(x)));
    case 'elu':
      return x > 0 ? x : (alpha ?? 1) * Math.expm1(x);
    case 'leakyRelu':
      return x > 0 ? x : (alpha ?? 0.01) * x;
  }
}

/** erf x = 2/√π · Σ (−1)ᵏ x²ᵏ⁺¹ / (k!·(2k+1)), for the moderate |x| of tests. */
function erf(x: number): number {
  let [term, sum] = [x, x];
  for (let k = 1; k < 120; k++) {
    term *= (-x * x) / k;
    sum += term / (2 * k + 1);
  }
  return Math.abs(x) > 4.5 ? Math.sign(x) : (2 / Math.sqrt(Math.PI)) * sum;
}
