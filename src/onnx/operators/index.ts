// The registry: every operator of ONNX that the importer knows, under the standard's name.

import type { Handler } from '../values.js';
import { Elu, Gelu, LeakyRelu, Relu, Sigmoid, Softplus, Tanh } from './activations.js';
import { Add, Div, Erf, Greater, Mul, Sub, Where } from './arithmetic.js';
import { Cast, CastLike, Constant, Dropout, Identity } from './constants.js';
import { Conv } from './convolution.js';
import { Gemm, MatMul } from './dense.js';
import { LogSoftmax, Softmax } from './endings.js';
import { AveragePool, GlobalAveragePool, MaxPool } from './pooling.js';
import { Flatten, Reshape, Squeeze, Transpose, Unsqueeze } from './reshaping.js';
import { Concat, Gather, Shape, Slice } from './sizes.js';

// One row per operator.
const operators: Readonly<Record<string, Handler>> = {
  Add,
  AveragePool,
  Cast,
  CastLike,
  Concat,
  Constant,
  Conv,
  Div,
  Dropout,
  Elu,
  Erf,
  Flatten,
  Gather,
  Gelu,
  Gemm,
  GlobalAveragePool,
  Greater,
  Identity,
  LeakyRelu,
  LogSoftmax,
  MatMul,
  MaxPool,
  Mul,
  Relu,
  Reshape,
  Shape,
  Sigmoid,
  Slice,
  Softmax,
  Softplus,
  Squeeze,
  Sub,
  Tanh,
  Transpose,
  Unsqueeze,
  Where,
};

/** The handler of an operator, undefined for one that the importer does not know. */
export function handlerOf(operator: string): Handler | undefined {
  return Object.hasOwn(operators, operator) ? operators[operator] : undefined;
}
