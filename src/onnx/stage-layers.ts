// What a stage is to the library: the layer's spec and its tensors.

import type { DType } from '../data/dtype.js';
import { EigenscapeError } from '../errors.js';
import { largestMagnitude } from './magnitudes.js';
import type { LayerSpec } from '../network/spec.js';
import type { Parameter, Stage } from './values.js';

/** In the library's order. */
export function parametersOf({ layer }: Stage): readonly Parameter[] {
  if (!('weight' in layer)) return [];
  return [layer.weight, layer.bias].filter((tensor) => tensor !== undefined);
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
      const statistics = { mean: [...mean.numbers.values], variance: [...variance.numbers.values] };
      return { type, ...statistics, epsilon, ...affineOptions(layer), ...place };
    }
    case 'layerNorm':
      return { type: 'layerNorm', epsilon: layer.epsilon, ...affineOptions(layer), ...place };
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

function affineOptions({ weight, bias }: Record<'weight' | 'bias', Parameter | undefined>) {
  return { ...(weight === undefined ? { scale: false } : {}), ...biasOption({ bias }) };
}

/** A tensor of a layer, and what its entries may be. */
export interface ExpectedTensor {
  readonly tensor: Parameter;
  readonly place: string;
  readonly least: number;
  /** A magnitude that is known to occur. */
  readonly known: number;
}

/** The parameters of a layer.
 *  @param known magnitude of the largest parameter, as this library's own files say it */
export function expectedParameters(stage: Stage, known: number): readonly ExpectedTensor[] {
  const place = entriesOf(stage.layer.type);
  return parametersOf(stage).map((tensor) => ({ tensor, place, least: -Infinity, known }));
}

/** @throws EigenscapeError ERR_DATA when a statistic of the layer is none */
export function checkStatistics({ layer }: Stage): void {
  if (layer.type !== 'batchNorm') return;
  const { mean, variance } = layer;
  const place = '[channels]';
  const of = (tensor: Parameter) => tensor.numbers.values;
  checkEntries({ tensor: mean, place, least: -Infinity, known: 0 }, of(mean), 0);
  checkEntries({ tensor: variance, place, least: 0, known: Infinity }, of(variance), 0);
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

/** @param values entries of the tensor from `first` on
 *  @throws EigenscapeError ERR_DATA when one is what no network can have */
export function checkEntries(
  { tensor, place, least, known }: ExpectedTensor,
  values: Float64Array,
  first: number,
): void {
  const { name } = tensor;
  const most = Math.max(known, largestMagnitude[dtypeOf(tensor)]);
  // A plain loop: there may be millions of entries.
  let index = 0;
  while (index < values.length && isWithin(values[index] ?? NaN, least, most)) index += 1;
  if (index === values.length) return;
  const value = values[index] ?? NaN;
  const isRange = Number.isFinite(value) && value >= least;
  const why = isRange
    ? `whose square no ${dtypeOf(tensor)} can hold, so that outputs would overflow in the precision of the ` +
      'file. Is the file damaged, or was the training divergent?'
    : `weights and statistics must be finite${least === 0 ? ' and at least 0' : ''}. Was the training divergent?`;
  throw new EigenscapeError(
    'ERR_DATA',
    `Tensor '${name}' holds ${value} at entry ${first + index} of ${place}${isRange ? ',' : ';'} ${why}`,
    { details: { tensor: name, index: first + index } },
  );
}

function isWithin(value: number, least: number, most: number): boolean {
  return value >= least && value <= most && value >= -most && Number.isFinite(value);
}

function dtypeOf({ type }: Parameter): DType {
  return type.name === 'float64' ? 'float64' : 'float32';
}
