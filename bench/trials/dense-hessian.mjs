// All M² entries of the Hessian.
//
// Floor: with E[n, i, p] the curvature between unit i of layer m and unit p of layer l, entry
// (i j, p q) is Σ_n a_m[n, j]·E[n, i, p]·a_l[n, q]. Blocks l < m are 2·N·M_l·M_m flops; a diagonal block
// is symmetric in (i, p) and in (j, q), so a quarter of that. A ReLU unit p is active in about half
// of the samples, and only those enter its products.

import { layerSizes, parameterCount, problem, samples } from './network.mjs';

const gigaflops = (flops) => (flops / 1e9).toFixed(1);

/** Flops when layer l's units enter the products of `active(l)` of the samples. */
function flops(active) {
  let sum = 0;
  for (const [l, size] of layerSizes.entries()) {
    sum += (2 * samples * size ** 2 * active(l)) / 4;
    for (const later of layerSizes.slice(l + 1)) sum += 2 * samples * size * later * active(l);
  }
  return sum;
}

const output = layerSizes.length - 1;
const relu = flops((layer) => (layer === output ? 1 : 0.5));

export const denseHessian = {
  name: 'dense-hessian',
  title: `dense Hessian, 100-30-30-10 ReLU, M = ${parameterCount.toLocaleString('en')}, N = 1,000, float64`,
  problem,
  task: 'denseHessian',
  unit: 'matrix',
  contenders: ['eigenscape', 'pytorch', 'jax-js', 'tensorflow-js'],
  floor: {
    flops: relu,
    counting: `all symmetry and half of the samples for a ReLU unit; ${gigaflops(flops(() => 1))} GFLOP without the latter`,
  },
};
