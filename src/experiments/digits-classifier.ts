// The system of figure 1 and of what follows it through training: digits, two hidden ReLU layers.

import type { Dataset } from '../data/dataset.js';
import { digits } from '../data/digits.js';
import { createNetwork } from '../network/create-network.js';
import type { Network } from '../network/network.js';
import { defineNetwork } from '../network/spec.js';

const TEST_SAMPLES = 797;
export const LEARNING_RATE = 0.1;
/** Until ‖R‖/‖H‖ is below 0.05. */
export const STEPS = 3000;
export const INITIALIZER = { type: 'normal', standardDeviation: 0.1 } as const;
export const CLASSES = 10;
export const DATA = 'UCI digits, standardized';

/** 64-50-30-10, M = 5,090 */
export const NETWORK = defineNetwork({
  input: [64],
  layers: [
    { type: 'dense', units: 50 },
    { type: 'relu' },
    { type: 'dense', units: 30 },
    { type: 'relu' },
    { type: 'dense', units: CLASSES },
  ],
  loss: 'softmaxCrossEntropy',
});

export interface TrainTest {
  readonly train: Dataset<'float64'>;
  readonly test: Dataset<'float64'>;
}

/** 1,000 samples to train on. */
export function digitsSplit(seed: number): TrainTest {
  return digits().standardize().split({ test: TEST_SAMPLES, seed });
}

export function classifier(seed: number): Network<'float64'> {
  return createNetwork(NETWORK, { seed, initializer: INITIALIZER, dtype: 'float64' });
}

/** For manifests of experiments on it. */
export const CLASSIFIER_CHOICES = {
  network: '64-50-30-10, ReLU',
  loss: 'softmax cross-entropy',
  data: DATA,
  'training samples': 1000,
  'initial weights': `${INITIALIZER.standardDeviation} · N(0, 1)`,
  optimizer: `gradient descent on all samples, learning rate ${LEARNING_RATE}`,
  arithmetic: 'float64',
} as const;
