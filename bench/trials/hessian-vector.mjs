// Products with the Hessian, at a point that stays: one vector, and a block of them.
//
// Floor: tangent and tangent-adjoint pass of a vector are 2·N·(2M + 4M') flops, M' being the parameters
// of all layers but the first; forward and adjoint, 2·N·(M + M'), are shared by a block.

import { innerCount, parameterCount, problem, samples } from './network.mjs';

const perVector = 2 * samples * (2 * parameterCount + 4 * innerCount);
const shared = 2 * samples * (parameterCount + innerCount);
const network = `100-30-30-10 ReLU, M = ${parameterCount.toLocaleString('en')}, N = 1,000, float64`;
const counting = 'forward and adjoint once, tangent and tangent-adjoint per vector';

export const hessianVector = {
  name: 'hessian-vector',
  title: `one Hessian-vector product, ${network}`,
  problem,
  task: 'products',
  count: 1,
  unit: 'product',
  contenders: ['eigenscape', 'pytorch', 'jax-js'],
  floor: { flops: perVector + shared, counting },
};

export const hessianBlock = {
  name: 'hessian-block',
  title: `a block of 16 Hessian-vector products, ${network}; time per vector`,
  problem,
  task: 'products',
  count: 16,
  unit: 'vector',
  contenders: ['eigenscape', 'pytorch'],
  floor: { flops: perVector + shared / 16, counting },
};
