// What a stage is to the library: the layer's spec and its tensors.

import { EigenscapeError } from '../errors.js';
import type { LayerSpec } from '../network/spec.js';
import type { Parameter, Stage } from './values.js';

/** In the library's order. */
export function parametersOf({ layer }: Stage): readonly Parameter[] {
  if (!('weight' in layer)) return [];
  return layer.bias === undefined ? [layer.weight] : [layer.weight, layer.bias];
}

/** The spec of a layer.
 *  @param place its name and inputs, where they are not the default */
export function layerSpec(
  { layer, shape }: Stage,
  place: Pick<LayerSpec, 'name' | 'inputs'>,
): LayerSpec {
  switch (layer.type) {
    case 'dense':
      return { type: 'dense', units: shape[0] ?? 0, ...biasOption(layer), ...place };
    case 'conv2d':
      return { ...layer.options, ...biasOption(layer), ...place };
    case 'batchNorm': {
      const { type, epsilon, mean, variance } = layer;
      return { type, mean: [...mean.values], variance: [...variance.values], epsilon, ...place };
    }
    case 'layerNorm':
      return { type: 'layerNorm', epsilon: layer.epsilon, ...place };
    case 'flatten':
    case 'globalAvgPool2d':
    case 'add':
    case 'concat':
    case 'channelsFirst':
      return { type: layer.type, ...place };
    case 'input':
    case 'softmax':
    case 'binaryProbabilities':
    case 'zeroPad':
    case 'refused':
      throw new EigenscapeError('ERR_INTERNAL', `An ONNX stage '${layer.type}' is no layer.`, {
        details: { type: layer.type },
      });
    default:
      return { ...layer, ...place };
  }
}

function biasOption({ bias }: { readonly bias: Parameter | undefined }) {
  return bias === undefined ? { bias: false } : {};
}

/** @throws EigenscapeError ERR_DATA when a tensor of the layer holds what no network can have */
export function checkTensors(stage: Stage): void {
  const { layer } = stage;
  for (const tensor of parametersOf(stage)) checkEntries(tensor, entriesOf(layer.type), 'finite');
  if (layer.type !== 'batchNorm') return;
  checkEntries(layer.mean, '[channels]', 'finite');
  checkEntries(layer.variance, '[channels]', 'finite and at least 0');
}

function entriesOf(type: Stage['layer']['type']): string {
  switch (type) {
    case 'conv2d':
      return '[filters, channels, height, width]';
    case 'batchNorm':
      return '[channels]';
    case 'layerNorm':
      return 'a sample';
    default:
      return '[units, inputs]';
  }
}

function checkEntries(
  { name, values }: Parameter,
  place: string,
  expected: 'finite' | 'finite and at least 0',
): void {
  const least = expected === 'finite' ? -Infinity : 0;
  const index = values.findIndex((value) => !Number.isFinite(value) || value < least);
  if (index < 0) return;
  throw new EigenscapeError(
    'ERR_DATA',
    `Tensor '${name}' holds ${values[index] ?? NaN} at entry ${index} of ${place}; weights and ` +
      `statistics must be ${expected}. Was the training divergent?`,
    { details: { tensor: name, index } },
  );
}
