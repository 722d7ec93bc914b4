// The pointwise functions that tests draw from, apart where second derivatives need it.

import { activationTypes, type ActivationType } from '../../src/network/spec.js';

/** Those with a kink: at 0, or where their second derivative jumps. */
export const kinkedActivations: readonly ActivationType[] = [
  'relu',
  'elu',
  'leakyRelu',
  'softsign',
];

/** All others. */
export const smoothActivations: readonly ActivationType[] = activationTypes.filter(
  (type) => !kinkedActivations.includes(type),
);
