// Losses written in TypeScript that the engine knows too, and one that it does not.

import type { CustomLossSpec, LossTarget } from '../../src/index.js';

function softmax(outputs: Float64Array): Float64Array {
  const most = outputs.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = outputs.map((f) => Math.exp(f - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** Softmax cross-entropy of classes, or of rows of probabilities. */
export const writtenCrossEntropy: CustomLossSpec = {
  type: 'custom',
  name: 'cross-entropy',
  value(outputs, target) {
    const most = outputs.reduce((a, b) => Math.max(a, b), -Infinity);
    const logSum = most + Math.log(outputs.reduce((sum, f) => sum + Math.exp(f - most), 0));
    return outputs.reduce((sum, f, c) => sum + shareOf(target, c) * (logSum - f), 0);
  },
  gradient: (outputs, target) => softmax(outputs).map((p, c) => p - shareOf(target, c)),
  hessian(outputs) {
    const p = softmax(outputs);
    return Array.from(p, (pi, i) => p.map((pj, j) => (i === j ? pi : 0) - pi * pj));
  },
};

function shareOf(target: LossTarget, c: number): number {
  if (typeof target !== 'number') return target[c] ?? NaN;
  return target === c ? 1 : 0;
}

/** Mean over outputs of (f − t)², with a flat Hessian. */
export const writtenSquaredError: CustomLossSpec = {
  type: 'custom',
  value: (f, t: Float64Array) => f.reduce((sum, x, c) => sum + (x - at(t, c)) ** 2, 0) / f.length,
  gradient: (f, t: Float64Array) => f.map((x, c) => (2 * (x - at(t, c))) / f.length),
  hessian: (f) =>
    Float64Array.from({ length: f.length ** 2 }, (_, i) =>
      i % (f.length + 1) === 0 ? 2 / f.length : 0,
    ),
};

function at(values: Float64Array, index: number): number {
  return values[index] ?? NaN;
}

/** ℓ = sin f_0 · cos f_1 + f_0 f_1 t: its Hessian has eigenvalues of both signs. Needs two outputs. */
export const saddle: CustomLossSpec = {
  type: 'custom',
  name: 'saddle',
  value: ([a = 0, b = 0], t: number) => Math.sin(a) * Math.cos(b) + a * b * t,
  gradient: ([a = 0, b = 0], t: number) => [
    Math.cos(a) * Math.cos(b) + b * t,
    -Math.sin(a) * Math.sin(b) + a * t,
  ],
  hessian([a = 0, b = 0], t: number) {
    const mixed = -Math.cos(a) * Math.sin(b) + t;
    return [
      [-Math.sin(a) * Math.cos(b), mixed],
      [mixed, -Math.sin(a) * Math.cos(b)],
    ];
  },
};
