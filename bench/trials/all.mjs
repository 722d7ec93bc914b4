// Every trial, in the order in which it is run.

import { denseHessian } from './dense-hessian.mjs';
import { eigenvalueTrials } from './eigenvalues.mjs';
import { extremalEigenpairsTrial } from './extremal-eigenpairs.mjs';
import {
  convolutionalHessianBlock,
  convolutionalHessianVector,
  hessianBlock,
  hessianVector,
  wideHessianBlock,
  wideHessianVector,
} from './hessian-vector.mjs';
import { manySpectra434, manySpectra74 } from './many-spectra.mjs';
import { adamStep, sgdStep, sgdStepAlexNet, sgdStepLeNet } from './sgd-step.mjs';
import { trainManyTrial } from './train-many.mjs';

export const trials = [
  denseHessian,
  sgdStep,
  adamStep,
  sgdStepLeNet,
  sgdStepAlexNet,
  hessianVector,
  hessianBlock,
  wideHessianVector,
  wideHessianBlock,
  convolutionalHessianVector,
  convolutionalHessianBlock,
  ...eigenvalueTrials,
  extremalEigenpairsTrial,
  manySpectra74,
  manySpectra434,
  trainManyTrial,
];
