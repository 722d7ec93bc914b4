// The library through `require`, which every Node that we support can do with an ES module.
const { createNetwork, digits, eigenvalues, hessian } = require('eigenscape');

async function main() {
  const layers = [{ type: 'dense', units: 4 }, { type: 'tanh' }, { type: 'dense', units: 10 }];
  const network = createNetwork({ input: [64], layers, loss: 'softmaxCrossEntropy' }, { seed: 1 });
  const imported = await import('eigenscape');
  if (imported.eigenvalues !== eigenvalues) throw new Error('require and import differ');
  const values = await eigenvalues(hessian(network, digits().standardize().take(100)));
  console.log(`ok ${values.length}`);
}

main();
