// Two solutions and what lies between them: two starts, each trained until it is right, and the loss on the straight line that
// joins them.

import { barrier, createNetwork, digits, interpolate, sgd, train } from 'eigenscape';

const data = digits().standardize().take(400);
const spec = {
  input: [64],
  layers: [{ type: 'dense', units: 16 }, { type: 'relu' }, { type: 'dense', units: 10 }],
  loss: 'softmaxCrossEntropy',
};
const [first, second] = await Promise.all(
  [1, 2].map(async (seed) => {
    const network = createNetwork(spec, { seed });
    await train(network, data, {
      optimizer: sgd({ learningRate: 0.2 }),
      batchSize: 50,
      steps: 800,
      seed,
    });
    return network;
  }),
);

const coefficients = Array.from({ length: 11 }, (_, i) => i / 10);
const { losses, accuracies } = await interpolate(first, first, second, { data, coefficients });
coefficients.forEach((alpha, i) => {
  const bar = '█'.repeat(Math.round(20 * losses[i]));
  console.log(
    `α ${alpha.toFixed(1)}  loss ${losses[i].toFixed(3)}  accuracy ${accuracies[i].toFixed(2)} ${bar}`,
  );
});

const { height, at } = await barrier(first, first, second, { data });
console.log(`the barrier is ${height.toFixed(3)} high, at α = ${at.toFixed(2)}`);
