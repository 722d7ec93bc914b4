// Sharpness through training: under gradient descent of a fixed learning rate η the largest eigenvalue of the Hessian
// rises to 2/η, where steps along its vector would grow, and stays about there (the edge of stability, Cohen et al. 2021).

import { createDataset, createNetwork, digits, sgd, train } from 'eigenscape';

const learningRate = 3;
const images = digits().standardize().take(200);
// Mean squared error wants a value for each output: the classes as rows of ten.
const rows = Array.from(images.targets(), (label) =>
  Array.from({ length: 10 }, (_, c) => +(c === label)),
);
const data = createDataset({ inputs: images.inputs(), inputShape: [64], targets: rows });
const network = createNetwork(
  {
    input: [64],
    layers: [
      { type: 'dense', units: 16 },
      { type: 'tanh' },
      { type: 'dense', units: 16 },
      { type: 'tanh' },
      { type: 'dense', units: 10 },
    ],
    loss: 'meanSquaredError',
  },
  { seed: 1 },
);

const { records } = await train(network, data, {
  optimizer: sgd({ learningRate }),
  batchSize: 'full',
  steps: 1000,
  track: { every: 100, largest: 1 },
});

for (const { step, loss, edges } of records) {
  const sharpness = edges?.largest.values[0];
  if (sharpness === undefined) continue;
  const bar = '█'.repeat(Math.round((30 * sharpness * learningRate) / 2));
  console.log(
    `${String(step).padStart(5)}  loss ${loss.toFixed(4)}  λ ${sharpness.toFixed(3).padStart(6)} ${bar}`,
  );
}
console.log(`2/η is ${(2 / learningRate).toFixed(3)}`);
