// H = G + R: what of the Hessian is the Gauss-Newton term, and what the residual? At a random start R is as large as H; after
// training G makes the outliers, and R the negative eigenvalues.

import {
  createNetwork,
  digits,
  frobeniusNorm,
  gaussNewton,
  hessian,
  residual,
  sgd,
  spectrum,
  train,
} from 'eigenscape';

const data = digits().standardize().take(300);
const network = createNetwork(
  {
    input: [64],
    layers: [{ type: 'dense', units: 10 }, { type: 'relu' }, { type: 'dense', units: 10 }],
    loss: 'softmaxCrossEntropy',
  },
  { seed: 3 },
);

for (const when of ['at the start', 'after training']) {
  if (when === 'after training') {
    await train(network, data, {
      optimizer: sgd({ learningRate: 0.2 }),
      batchSize: 'full',
      steps: 400,
    });
  }
  const { terms, loss } = await spectrum(network, data, {
    terms: ['hessian', 'gaussNewton', 'residual'],
  });
  const [H, G, R] = await Promise.all(
    [hessian, gaussNewton, residual].map(
      async (make) => (await frobeniusNorm(make(network, data))).value,
    ),
  );
  console.log(
    `${when}: loss ${loss.toFixed(3)}, ‖G‖/‖H‖ ${(G / H).toFixed(3)}, ‖R‖/‖H‖ ${(R / H).toFixed(3)}`,
  );
  for (const [name, { eigenvalues, errorEstimate }] of Object.entries(terms)) {
    const negative = eigenvalues.filter((value) => value < -errorEstimate).length;
    console.log(
      `  ${name.padEnd(11)} from ${eigenvalues[0].toFixed(4)} to ${eigenvalues.at(-1).toFixed(4)}, ${negative} negative`,
    );
  }
}
