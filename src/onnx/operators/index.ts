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

type Layer = 'Conv' | 'Gemm' | 'MatMul' | 'Flatten' | 'Softmax' | 'LogSoftmax';
type Pooling = 'AveragePool' | 'GlobalAveragePool' | 'MaxPool';
type Activation = 'Elu' | 'Gelu' | 'LeakyRelu' | 'Relu' | 'Sigmoid' | 'Softplus' | 'Tanh';
type Arithmetic = 'Add' | 'Div' | 'Erf' | 'Greater' | 'Mul' | 'Sub' | 'Where';
type PassedOn = 'Cast' | 'CastLike' | 'Constant' | 'Dropout' | 'Identity';
type Reshaping = 'Reshape' | 'Squeeze' | 'Transpose' | 'Unsqueeze';
type ShapePart = 'Concat' | 'Gather' | 'Shape' | 'Slice';

export type OperatorName =
  Layer | Pooling | Activation | Arithmetic | PassedOn | Reshaping | ShapePart;

// One row per operator: a name without a handler does not compile.
const operators: Readonly<Record<OperatorName, Handler>> = {
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
  return isOperatorName(operator) ? operators[operator] : undefined;
}

function isOperatorName(operator: string): operator is OperatorName {
  return Object.hasOwn(operators, operator);
}
