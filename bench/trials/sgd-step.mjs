// One step of stochastic gradient descent, averaged over many.
//
// Floor: forward 2·b·M flops, gradients of the parameters as many, of the layers' inputs 2·b·M'.

import { innerCount, parameterCount, problem } from './network.mjs';

const batch = 10;

export const sgdStep = {
  name: 'sgd-step',
  title: 'one SGD step, 100-30-30-10 ReLU, batch 10, float64',
  problem,
  task: 'sgd',
  batch,
  learningRate: 0.1,
  checkedSteps: 500,
  unit: 'step',
  contenders: ['eigenscape', 'pytorch'],
  floor: {
    flops: 2 * batch * (2 * parameterCount + innerCount),
    counting: 'forward, and the gradients of parameters and inner inputs',
  },
};
