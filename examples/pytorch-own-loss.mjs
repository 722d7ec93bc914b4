// Weights that PyTorch saved, under a loss that the library does not have: the focal loss of Lin et al. (2017), which weighs a
// sample by (1 − p)^γ, p the probability of its class.

import { createDataset, eigenvalues, hessian, loadNetwork, loadNpy } from 'eigenscape';

const folder = new URL('pytorch/', import.meta.url);
const gamma = 2;

/** p [C] from the outputs f [C]. */
function softmax(outputs) {
  const top = Math.max(...outputs);
  const exponentials = Array.from(outputs, (f) => Math.exp(f - top));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((e) => e / sum);
}

// With p = p_t: ℓ = −(1 − p)^γ log p; ∂p/∂f_c = p(δ_ct − p_c); ℓ as a function of p has the derivatives ℓ' and ℓ''.
const first = (p) => gamma * (1 - p) ** (gamma - 1) * Math.log(p) - (1 - p) ** gamma / p;
const second = (p) =>
  -gamma * (gamma - 1) * (1 - p) ** (gamma - 2) * Math.log(p) +
  (2 * gamma * (1 - p) ** (gamma - 1)) / p +
  (1 - p) ** gamma / p ** 2;

const focal = {
  type: 'custom',
  name: 'focal',
  value: (outputs, t) => {
    const p = softmax(outputs)[t];
    return -((1 - p) ** gamma) * Math.log(p);
  },
  gradient: (outputs, t) => {
    const q = softmax(outputs);
    return q.map((qc, c) => first(q[t]) * q[t] * ((c === t) - qc));
  },
  hessian: (outputs, t) => {
    const q = softmax(outputs);
    const p = q[t];
    const slope = (c) => p * ((c === t) - q[c]); // ∂p/∂f_c
    return q.map((_, c) =>
      q.map((_, d) => {
        const curved = slope(d) * ((c === t) - q[c]) - p * q[c] * ((c === d) - q[d]); // ∂²p/∂f_c∂f_d
        return second(p) * slope(c) * slope(d) + first(p) * curved;
      }),
    );
  },
};

const data = createDataset({
  inputs: await loadNpy(new URL('inputs.npy', folder)),
  targets: await loadNpy(new URL('targets.npy', folder)),
});
const layers = [{ type: 'dense', units: 12 }, { type: 'gelu' }, { type: 'dense', units: 3 }];

for (const loss of ['softmaxCrossEntropy', focal]) {
  const spec = { input: [20], layers, loss };
  const network = await loadNetwork(spec, new URL('model.safetensors', folder));
  const values = await eigenvalues(hessian(network, data));
  const name = typeof loss === 'string' ? loss : loss.name;
  console.log(
    `${name}: loss ${await network.loss(data)}, eigenvalues from ${values[0]} to ${values.at(-1)}`,
  );
}
