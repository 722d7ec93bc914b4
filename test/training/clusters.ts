// Three clusters, and a network that learns them: what most tests of train need.

import { createNetwork, gaussianClusters, sgd } from '../../src/index.js';

export const data = gaussianClusters({ samples: 200, classes: 3, dimensions: 10, seed: 4 });
export const testData = gaussianClusters({ samples: 50, classes: 3, dimensions: 10, seed: 5 });
export const fresh = () =>
  createNetwork({
    input: [10],
    layers: [{ type: 'dense', units: 20 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
    loss: 'softmaxCrossEntropy',
  });
export const optimizer = sgd({ learningRate: 0.01 });
/** Ends by an abort alone. */
export const endless = { optimizer, batchSize: 10, steps: 1e9, recordEvery: 1e9 } as const;
