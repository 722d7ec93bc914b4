// The operators of a network on data, by name.

import {
  empiricalFisher,
  gaussNewton,
  gradientCovariance,
  hessian,
  monteCarloFisher,
  residual,
} from '../../src/index.js';

export const makers = {
  hessian,
  gaussNewton,
  residual,
  empiricalFisher,
  gradientCovariance,
  monteCarloFisher,
} as const;
