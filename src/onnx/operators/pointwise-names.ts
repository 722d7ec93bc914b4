// ONNX's operators that keep the shape of what they read, whether this library has them or not.

const pointwise: ReadonlySet<string> = new Set([
  ...['Abs', 'Acos', 'Acosh', 'Add', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Cast', 'CastLike', 'Ceil'],
  ...['Celu', 'Clip', 'Cos', 'Cosh', 'Div', 'Dropout', 'Elu', 'Equal', 'Erf', 'Exp', 'Floor'],
  ...['Gelu', 'Greater', 'GreaterOrEqual', 'HardSigmoid', 'HardSwish', 'Hardmax', 'LeakyRelu'],
  ...[
    'LayerNormalization',
    'BatchNormalization',
    'Less',
    'LessOrEqual',
    'Log',
    'LogSoftmax',
    'Max',
  ],
  ...['Min', 'Mish', 'Mod', 'Mul', 'Neg', 'Not', 'PRelu', 'Pow', 'Reciprocal', 'Relu', 'Round'],
  ...[
    'Selu',
    'Shrink',
    'Sigmoid',
    'Sign',
    'Sin',
    'Sinh',
    'Softmax',
    'Softplus',
    'Softsign',
    'Sqrt',
  ],
  ...['Sub', 'Swish', 'Tan', 'Tanh', 'ThresholdedRelu', 'Where'],
]);

export function isPointwise(operator: string): boolean {
  return pointwise.has(operator);
}
