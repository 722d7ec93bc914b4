// Products with the Hessian, at a point that stays: one vector, and a block of them.

import { smallConvolutional } from './convolutional.mjs';
import {
  denseSizes,
  denseSpec,
  multiplications,
  problem,
  productFlops,
  samples,
} from './network.mjs';

const count = 16;
const counting = 'forward and adjoint once, tangent and tangent-adjoint per vector';

/** @param {string} network what stands in the title
 *  @param {readonly number[]} layers multiplications per sample of each layer */
function trialsOf(prefix, network, problem, layers, contenders) {
  const { perVector, shared } = productFlops(layers);
  const flops = (block) => problem.samples * (perVector + shared / block);
  const common = { problem, task: 'products' };
  const alone = {
    ...common,
    name: `${prefix}hessian-vector`,
    title: `one Hessian-vector product, ${network}`,
    count: 1,
    unit: 'product',
    contenders,
    floor: { flops: flops(1), counting },
  };
  const block = {
    ...common,
    name: `${prefix}hessian-block`,
    title: `a block of ${count} Hessian-vector products, ${network}; time per vector`,
    count,
    unit: 'vector',
    contenders: ['eigenscape', 'pytorch'],
    floor: { flops: flops(count), counting },
  };
  return [alone, block];
}

export const [hessianVector, hessianBlock] = trialsOf(
  '',
  '100-30-30-10 ReLU, M = 4,270, N = 1,000, float64',
  problem,
  denseSizes([100, 30, 30, 10]),
  ['eigenscape', 'pytorch', 'jax-js', 'tensorflow-js'],
);

const float32 = { kind: 'network', samples, vectors: count, dtype: 'float32' };
const wide = [784, 70, 10];

export const [wideHessianVector, wideHessianBlock] = trialsOf(
  'wide-',
  '784-70-10 ReLU, M = 55,660, N = 1,000, float32',
  { ...float32, spec: denseSpec(wide) },
  denseSizes(wide),
  ['eigenscape', 'pytorch', 'jax-js', 'tensorflow-js'],
);

export const [convolutionalHessianVector, convolutionalHessianBlock] = trialsOf(
  'convolutional-',
  'conv 10@5×5, pool, conv 20@5×5, pool, 50, 10, M = 21,840, N = 1,000, float32',
  { ...float32, spec: smallConvolutional },
  multiplications(smallConvolutional),
  ['eigenscape', 'pytorch'],
);
