// A thousand trained networks and all eigenvalues of each: in how many directions does the loss curve?
//
// Two classes of points, a 2-6-6-2 network, a thousand random starts. Of 74 eigenvalues two or three are above 0.1 wherever
// training ended; the others are close to zero.

import { countOutliers, createNetwork, spectra, trainMany, twoBlobs, sgd } from 'eigenscape';

const starts = 1000;
const data = twoBlobs({ samples: 100, seed: 1 });
const spec = {
  input: [2],
  layers: [
    { type: 'dense', units: 6 },
    { type: 'relu' },
    { type: 'dense', units: 6 },
    { type: 'relu' },
    { type: 'dense', units: 2 },
  ],
  loss: 'softmaxCrossEntropy',
};
const network = createNetwork(spec);
const M = network.parameterCount;

// One row of parameters for each start [starts, M].
const points = new Float64Array(starts * M);
for (let start = 0; start < starts; start += 1) {
  points.set(createNetwork(spec, { seed: start }).parameters(), start * M);
}

const began = performance.now();
const runs = await trainMany(network, data, points, {
  optimizer: sgd({ learningRate: 0.1 }),
  batchSize: 'full',
  steps: 200,
});
const { terms } = await spectra(network, data, runs.parameters, { terms: ['hessian'] });
const seconds = (performance.now() - began) / 1000;

const counts = new Map();
for (let start = 0; start < starts; start += 1) {
  const values = terms.hessian.eigenvalues.subarray(start * M, (start + 1) * M);
  const { count } = countOutliers(values, { method: 'threshold', threshold: 0.1 });
  counts.set(count, (counts.get(count) ?? 0) + 1);
}

console.log(
  `${starts} networks of ${M} parameters trained, ${starts * M} eigenvalues, ${seconds.toFixed(1)} s`,
);
for (const [count, times] of [...counts].sort(([a], [b]) => a - b)) {
  console.log(
    `${String(count).padStart(2)} eigenvalues above 0.1: ${'█'.repeat(Math.ceil(times / 20))} ${times}`,
  );
}
