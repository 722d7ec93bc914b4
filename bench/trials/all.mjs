// Every trial, in the order in which it is run.

import { denseHessian } from './dense-hessian.mjs';
import { eigenvalues1000, eigenvalues300, eigenvalues4000 } from './eigenvalues.mjs';
import { hessianBlock, hessianVector } from './hessian-vector.mjs';
import { manySpectra434, manySpectra74 } from './many-spectra.mjs';
import { sgdStep } from './sgd-step.mjs';
import { trainManyTrial } from './train-many.mjs';

export const trials = [
  denseHessian,
  sgdStep,
  hessianVector,
  hessianBlock,
  eigenvalues300,
  eigenvalues1000,
  eigenvalues4000,
  manySpectra74,
  manySpectra434,
  trainManyTrial,
];
