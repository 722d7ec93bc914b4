// Every trial, in the order in which it is run.

import { denseHessian } from './dense-hessian.mjs';
import { eigenvalues1000, eigenvalues300, eigenvalues4000 } from './eigenvalues.mjs';
import { hessianBlock, hessianVector } from './hessian-vector.mjs';
import { sgdStep } from './sgd-step.mjs';

export const trials = [
  denseHessian,
  sgdStep,
  hessianVector,
  hessianBlock,
  eigenvalues300,
  eigenvalues1000,
  eigenvalues4000,
];
