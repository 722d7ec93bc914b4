// The registry: every operator of ONNX that the importer knows, under the standard's name.

import type { Handler } from '../values.js';
import {
  Elu,
  Gelu,
  LeakyRelu,
  Mish,
  Relu,
  Sigmoid,
  Softplus,
  Softsign,
  Tanh,
} from './activations.js';
import { Abs, Add, Div, Erf, Exp, Mul, Sub } from './arithmetic.js';
import { Clip, Greater, GreaterOrEqual, Less, LessOrEqual, Max, Where } from './choices.js';
import { Cast, CastLike, Constant, Dropout, Identity } from './constants.js';
import { Conv } from './convolution.js';
import { Gemm, MatMul } from './dense.js';
import { LogSoftmax, Softmax } from './endings.js';
import { Concat, Sum } from './joining.js';
import { Pow, Reciprocal, ReduceMean, Sqrt } from './moments.js';
import { BatchNormalization, LayerNormalization } from './normalization.js';
import { Pad } from './padding.js';
import { AveragePool, GlobalAveragePool, MaxPool } from './pooling.js';
import { Flatten, Reshape, Squeeze, Unsqueeze } from './reshaping.js';
import { ConstantOfShape, Equal, Expand, Min, Mod, Range } from './size-arithmetic.js';
import { Gather, Shape, Slice } from './sizes.js';
import { Transpose } from './transpose.js';

const operators = {
  ...{ Conv, Gemm, MatMul, BatchNormalization, LayerNormalization },
  ...{ AveragePool, GlobalAveragePool, MaxPool, Pad, ReduceMean },
  ...{ Elu, Gelu, LeakyRelu, Mish, Relu, Sigmoid, Softplus, Softsign, Tanh },
  ...{ Add, Concat, Sum, Flatten, Reshape, Squeeze, Transpose, Unsqueeze },
  ...{ Softmax, LogSoftmax, Cast, CastLike, Constant, Dropout, Identity },
  // The arithmetic of activations and layer normalisation that a file spells out.
  ...{ Abs, Clip, Div, Erf, Exp, Greater, GreaterOrEqual, Less, LessOrEqual, Max, Mul, Pow },
  ...{ Reciprocal, Sqrt, Sub, Where },
  // The arithmetic of shapes.
  ...{ ConstantOfShape, Equal, Expand, Gather, Min, Mod, Range, Shape, Slice },
  /** scikit-learn's probabilities, each under the name of its class. */
  'ai.onnx.ml:ZipMap': Identity,
} as const satisfies Readonly<Record<string, Handler>>;

/** The operators that the importer knows, in the order in which messages list them. */
export const operatorNames: readonly string[] = Object.keys(operators);

const handlers: ReadonlyMap<string, Handler> = new Map(Object.entries(operators));

/** The handler of an operator, undefined for one that the importer does not know. */
export function handlerOf(operator: string): Handler | undefined {
  return handlers.get(operator);
}
