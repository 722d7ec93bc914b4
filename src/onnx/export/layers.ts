// What each type of layer is in ONNX, as operators of opset 17.

import { both, sides } from '../../network/layer-options.js';
import type {
  ActivationSpec,
  ActivationType,
  AvgPool2dSpec,
  LayerSpec,
  MaxPool2dSpec,
} from '../../network/spec.js';
import { EigenscapeError } from '../../errors.js';
import type { NodeParts } from './graph-builder.js';

type LayerType = LayerSpec['type'];
type SpecOf<Type extends LayerType> = Type extends ActivationType
  ? ActivationSpec
  : Extract<LayerSpec, { readonly type: Type }>;

/** Where a layer stands in the graph, and what it may add before its own node. */
export interface Place {
  /** Names of the values that it reads. */
  readonly inputs: readonly string[];
  /** Shape and name of its tensors of parameters. */
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** A node before the last one; gives the name of its result. */
  readonly step: (part: string, node: NodeParts) => string;
  /** A tensor that is no parameter, one per layer. */
  readonly tensor: (part: string, values: readonly number[]) => string;
  /** The same as a Constant node, which `importOnnx` takes for no parameter. */
  readonly constant: (part: string, shape: readonly number[], entry: number) => string;
  /** Shape of one sample behind the layer. */
  readonly shape: readonly number[];
  /** A number that the layers of the graph share. */
  readonly scalar: (name: string, value: number) => string;
}

/** Adds all nodes of a layer but the last, which it returns. */
type Rule<Type extends LayerType> = (layer: SpecOf<Type>, place: Place) => NodeParts;

// A type of layer without a rule does not compile.
const rules: { readonly [Type in LayerType]: Rule<Type> } = {
  dense: (_, place) => ({ ...withParameters('Gemm', place), attributes: { transB: { int: 1 } } }),
  conv2d: (layer, place) => ({
    ...withParameters('Conv', place),
    attributes: {
      kernel_shape: both(layer.kernelSize),
      strides: both(layer.stride ?? 1),
      pads: sides(layer.padding),
      dilations: both(layer.dilation ?? 1),
      group: { int: layer.groups ?? 1 },
    },
  }),
  maxPool2d: (layer, { inputs }) => ({
    operator: 'MaxPool',
    inputs,
    attributes: { ...window(layer), dilations: both(layer.dilation ?? 1) },
  }),
  avgPool2d: (layer, { inputs }) => ({
    operator: 'AveragePool',
    inputs,
    attributes: {
      ...window(layer),
      count_include_pad: { int: layer.countPadding === false ? 0 : 1 },
    },
  }),
  globalAvgPool2d: single('GlobalAveragePool'),
  flatten: single('Flatten'),
  channelsFirst: (_, { inputs }) => ({
    operator: 'Transpose',
    inputs,
    attributes: { perm: [0, 3, 1, 2] },
  }),
  batchNorm: ({ mean, variance, epsilon = 1e-5, scale, bias }, place) => {
    const [channels = 0] = place.shape;
    const affine = scaleAndShift({ scale, bias }, [channels], place);
    const statistics = [
      place.tensor('running_mean', mean ?? Array<number>(channels).fill(0)),
      place.tensor('running_var', variance ?? Array<number>(channels).fill(1)),
    ];
    return {
      operator: 'BatchNormalization',
      inputs: [...place.inputs, ...affine, ...statistics],
      attributes: { epsilon: { float: epsilon } },
    };
  },
  layerNorm: ({ epsilon = 1e-5, scale, bias }, place) => ({
    operator: 'LayerNormalization',
    inputs: [...place.inputs, ...scaleAndShift({ scale, bias }, place.shape, place)],
    attributes: { axis: { int: 1 }, epsilon: { float: epsilon } },
  }),
  // Sum takes any number of inputs; for two, Add is what readers look for.
  add: (_, { inputs }) => ({ operator: inputs.length === 2 ? 'Add' : 'Sum', inputs }),
  concat: (_, { inputs }) => ({ operator: 'Concat', inputs, attributes: { axis: { int: 1 } } }),
  relu: single('Relu'),
  tanh: single('Tanh'),
  sigmoid: single('Sigmoid'),
  softplus: single('Softplus'),
  softsign: single('Softsign'),
  // x·(1 + erf(x/√2))·½: the operator Gelu exists from opset 20 on.
  gelu: (_, { inputs: [x = ''], step, scalar }) => {
    const scaled = step('Div', {
      operator: 'Div',
      inputs: [x, scalar('square_root_of_2', Math.SQRT2)],
    });
    const erf = step('Erf', { operator: 'Erf', inputs: [scaled] });
    const sum = step('Add', { operator: 'Add', inputs: [erf, scalar('one', 1)] });
    const product = step('Mul', { operator: 'Mul', inputs: [x, sum] });
    return { operator: 'Mul', inputs: [product, scalar('half', 0.5)] };
  },
  silu: (_, { inputs: [x = ''], step }) => {
    const gate = step('Sigmoid', { operator: 'Sigmoid', inputs: [x] });
    return { operator: 'Mul', inputs: [x, gate] };
  },
  // x·tanh(softplus(x)): the operator Mish exists from opset 18 on.
  mish: (_, { inputs: [x = ''], step }) => {
    const softplus = step('Softplus', { operator: 'Softplus', inputs: [x] });
    const gate = step('Tanh', { operator: 'Tanh', inputs: [softplus] });
    return { operator: 'Mul', inputs: [x, gate] };
  },
  elu: ({ alpha = 1 }, { inputs }) => ({
    operator: 'Elu',
    inputs,
    attributes: { alpha: { float: alpha } },
  }),
  leakyRelu: ({ alpha = 0.01 }, { inputs }) => ({
    operator: 'LeakyRelu',
    inputs,
    attributes: { alpha: { float: alpha } },
  }),
};

/** The last node of a layer, those before it being added through `place`. */
export function nodeOf<Type extends LayerType>(
  layer: SpecOf<Type> & { readonly type: Type },
  place: Place,
): NodeParts {
  const rule: Rule<Type> = rules[layer.type];
  return rule(layer, place);
}

function single(operator: string) {
  return (_: LayerSpec, { inputs }: Place): NodeParts => ({ operator, inputs });
}

function withParameters(operator: string, { inputs, parameters }: Place) {
  return { operator, inputs: [...inputs, ...parameters.map(({ name }) => name)] };
}

/** The names of scale and bias, both of which the operator wants. */
function scaleAndShift(
  { scale, bias }: { readonly scale: boolean | undefined; readonly bias: boolean | undefined },
  shape: readonly number[],
  { parameters, constant }: Place,
): readonly string[] {
  const [first = '', second = ''] = parameters.map(({ name }) => name);
  return [
    scale === false ? constant('scale', shape, 1) : first,
    bias === false ? constant('bias', shape, 0) : scale === false ? first : second,
  ];
}

/** @throws EigenscapeError ERR_ONNX_UNSUPPORTED for padding as large as the undilated window, which no reader takes */
function window({ type, size, stride, padding }: MaxPool2dSpec | AvgPool2dSpec) {
  const kernel = both(size);
  if (sides(padding).some((side, index) => side >= (kernel[index % 2] ?? 0))) {
    throw new EigenscapeError(
      'ERR_ONNX_UNSUPPORTED',
      `exportOnnx: a ${type} layer has padding [${sides(padding).join(', ')}] for a dilated window of ` +
        `[${kernel.join(', ')}] entries; ONNX Runtime loads only padding smaller than the window without dilation`,
      { details: { call: 'exportOnnx', layer: type, padding: sides(padding), window: kernel } },
    );
  }
  return { kernel_shape: both(size), strides: both(stride ?? size), pads: sides(padding) };
}
