// A network too large for its matrix: a hundred thousand parameters. Products alone give the ends of the spectrum,
// its trace and how the rest is distributed, each with its error.

import {
  createNetwork,
  digits,
  estimate,
  extremalEigenpairs,
  hessian,
  spectralDensity,
  trace,
} from 'eigenscape';

const data = digits().standardize().take(200);
const network = createNetwork(
  {
    input: [64],
    layers: [{ type: 'dense', units: 1333 }, { type: 'relu' }, { type: 'dense', units: 10 }],
    loss: 'softmaxCrossEntropy',
  },
  { seed: 1, dtype: 'float32' },
);
const { methods } = await estimate(network, data);
const gigabytes = (methods.dense.bytes / 1e9).toFixed(0);
console.log(`${network.parameterCount} parameters; all eigenvalues would take ${gigabytes} GB`);

const operator = hessian(network, data);
const { largest } = await extremalEigenpairs(operator, { largest: 5, tolerance: 1e-3 });
largest.values.forEach((value, i) => {
  console.log(`eigenvalue ${value.toFixed(4)} within ${largest.residualNorms[i].toExponential(0)}`);
});

const { value, standardError } = await trace(operator, { method: 'hutchinson', products: 10 });
console.log(`trace ${value.toFixed(1)} ± ${standardError.toFixed(1)}`);

const { nodes, weights } = await spectralDensity(operator, { steps: 20, probes: 2 });
const [top] = largest.values;
const small = nodes.reduce(
  (sum, node, i) => sum + (Math.abs(node) < top / 100 ? weights[i] : 0),
  0,
);
console.log(
  `${(100 * small).toFixed(1)} % of the eigenvalues are below a hundredth of the largest`,
);
