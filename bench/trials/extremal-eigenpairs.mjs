// The twenty largest and twenty smallest eigenpairs of a Hessian from its products, residuals within 1e-6 of
// the largest eigenvalue.
//
// Floor: as many products as ours takes, in blocks, as hessian-vector.mjs counts them, all in float64 (ours takes
// most of them in float32); orthogonalising their vectors is left out.

import { denseSpec, multiplications, productFlops } from './network.mjs';

const samples = 1000;
const spec = denseSpec([784, 70, 10]);
const products = 720;
const { perVector } = productFlops(multiplications(spec));

export const extremalEigenpairsTrial = {
  name: 'extremal-eigenpairs',
  title:
    '20 + 20 outermost eigenpairs of a Hessian, 784-70-10 ReLU, M = 55,660, N = 1,000, float64',
  problem: { kind: 'trained', spec, samples, steps: 100 },
  task: 'extremalEigenpairs',
  count: 20,
  accuracy: 1e-6,
  unit: 'search',
  contenders: ['eigenscape', 'scipy'],
  floor: {
    flops: products * samples * perVector,
    counting: `${products} products in blocks`,
  },
};
