// One step of stochastic gradient descent, or of Adam, averaged over many.

import { alexNet, leNet } from './convolutional.mjs';
import { layerSizes, multiplications, problem, stepFlops } from './network.mjs';

const counting = 'forward, and the gradients of parameters and inner inputs';
const common = {
  task: 'steps',
  optimizer: 'sgd',
  unit: 'step',
  contenders: ['eigenscape', 'pytorch'],
};

export const sgdStep = {
  ...common,
  name: 'sgd-step',
  title: 'one SGD step, 100-30-30-10 ReLU, batch 10, float64',
  problem,
  batch: 10,
  contenders: ['eigenscape', 'pytorch', 'tensorflow-js', 'jax-js'],
  learningRate: 0.1,
  checkedSteps: 500,
  steps: 20_000,
  floor: { flops: 10 * stepFlops(layerSizes), counting },
};

/** The same steps by Adam: moments are read and written beside the parameters. */
export const adamStep = {
  ...sgdStep,
  name: 'adam-step',
  title: 'one Adam step, 100-30-30-10 ReLU, batch 10, float64',
  optimizer: 'adam',
  contenders: ['eigenscape', 'pytorch', 'tensorflow-js'],
  learningRate: 0.001,
};

/** Two batches of data, in float32. A call records the loss over all of them at both ends: steps enough that
 *  this is little of the time. */
function convolutional(name, title, spec, batch) {
  return {
    ...common,
    name: `sgd-step-${name}`,
    title: `one SGD step, ${title}, batch ${batch.toLocaleString('en')}, float32`,
    problem: { kind: 'network', spec, samples: 2 * batch, vectors: 1, dtype: 'float32' },
    batch,
    learningRate: 0.01,
    checkedSteps: 2,
    steps: 20,
    floor: { flops: batch * stepFlops(multiplications(spec)), counting },
  };
}

export const sgdStepLeNet = convolutional(
  'lenet',
  'LeNet (20@5×5, pool, 50@5×5, pool, 500, 10 on 28 × 28, M = 431,080)',
  leNet,
  512,
);
export const sgdStepAlexNet = convolutional(
  'alexnet',
  'bare AlexNet (64@5×5, pool 3/2, 64@5×5, pool 3/2, 384, 192, 10 on 3 × 32 × 32)',
  alexNet,
  1000,
);
