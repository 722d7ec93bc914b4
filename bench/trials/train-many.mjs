// Gradient descent from many starting points, full batch: the runs of S6, a step of one of them.
//
// Floor: forward 2·N·M flops, gradients of the parameters as many, of the layers' inputs 2·N·M'.

import { denseSizes, denseSpec, stepFlops } from './network.mjs';

const widths = [2, 6, 6, 2];
const samples = 100;
const points = 200;
const layers = denseSizes(widths);
const size = layers.reduce((sum, layer) => sum + layer, 0);

export const trainManyTrial = {
  name: 'train-many',
  title: `gradient descent from ${points} points, ${widths.join('-')} ReLU, M = ${size}, N = 100, float64; time per step of a run`,
  problem: { kind: 'points', spec: denseSpec(widths), samples, points, scale: 0.5 },
  task: 'trainMany',
  learningRate: 0.1,
  steps: 100,
  unit: 'step',
  contenders: ['eigenscape', 'pytorch'],
  floor: {
    flops: samples * stepFlops(layers),
    counting: 'forward, and the gradients of parameters and inner inputs',
  },
};
