// What each type of layer may hold, and how the engine's operations are told.

import * as v from 'valibot';

import { nonnegativeNumber, optionsOf, positiveInteger } from '../options.js';
import type { Extent2d, LayerSpec } from './spec.js';

const finite = v.pipe(v.number('a finite number'), v.finite('a finite number'));
const common = {
  name: v.optional(v.pipe(v.string('a name'), v.minLength(1, 'a name'))),
  inputs: v.optional(v.array(v.string('names of layers'), 'a list of names of layers')),
};

const pair = 'an integer of at least 1, or two of them: [rows, columns]';
const extent = v.union([positiveInteger, v.strictTuple([positiveInteger, positiveInteger])], pair);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const padding = v.union(
  [count, v.strictTuple([count, count]), v.strictTuple([count, count, count, count])],
  'an integer of at least 0, [rows, columns], or [top, left, bottom, right]',
);

const affine = {
  scale: v.optional(v.boolean('true or false')),
  bias: v.optional(v.boolean('true or false')),
};

/** What each type of layer may hold; a type without an entry does not compile. */
export const layerSchemas = {
  dense: optionsOf({
    type: v.literal('dense'),
    units: positiveInteger,
    bias: v.optional(v.boolean('true or false')),
    ...common,
  }),
  conv2d: optionsOf({
    type: v.literal('conv2d'),
    filters: positiveInteger,
    kernelSize: extent,
    stride: v.optional(extent),
    padding: v.optional(padding),
    dilation: v.optional(extent),
    groups: v.optional(positiveInteger),
    bias: v.optional(v.boolean('true or false')),
    ...common,
  }),
  maxPool2d: optionsOf({
    type: v.literal('maxPool2d'),
    size: extent,
    stride: v.optional(extent),
    padding: v.optional(padding),
    dilation: v.optional(extent),
    ...common,
  }),
  avgPool2d: optionsOf({
    type: v.literal('avgPool2d'),
    size: extent,
    stride: v.optional(extent),
    padding: v.optional(padding),
    countPadding: v.optional(v.boolean('true or false')),
    ...common,
  }),
  globalAvgPool2d: optionsOf({ type: v.literal('globalAvgPool2d'), ...common }),
  batchNorm: optionsOf({
    type: v.literal('batchNorm'),
    mean: v.optional(v.array(finite, 'one finite number per channel')),
    variance: v.optional(v.array(nonnegativeNumber, 'one number of at least 0 per channel')),
    epsilon: v.optional(nonnegativeNumber),
    ...affine,
    ...common,
  }),
  layerNorm: optionsOf({
    type: v.literal('layerNorm'),
    epsilon: v.optional(nonnegativeNumber),
    ...affine,
    ...common,
  }),
  add: optionsOf({ type: v.literal('add'), ...common }),
  concat: optionsOf({ type: v.literal('concat'), ...common }),
  flatten: optionsOf({ type: v.literal('flatten'), ...common }),
  channelsFirst: optionsOf({ type: v.literal('channelsFirst'), ...common }),
  relu: optionsOf({ type: v.literal('relu'), ...common }),
  tanh: optionsOf({ type: v.literal('tanh'), ...common }),
  sigmoid: optionsOf({ type: v.literal('sigmoid'), ...common }),
  softplus: optionsOf({ type: v.literal('softplus'), ...common }),
  softsign: optionsOf({ type: v.literal('softsign'), ...common }),
  gelu: optionsOf({ type: v.literal('gelu'), ...common }),
  silu: optionsOf({ type: v.literal('silu'), ...common }),
  mish: optionsOf({ type: v.literal('mish'), ...common }),
  elu: optionsOf({ type: v.literal('elu'), alpha: v.optional(finite), ...common }),
  leakyRelu: optionsOf({ type: v.literal('leakyRelu'), alpha: v.optional(finite), ...common }),
} satisfies Record<LayerSpec['type'], v.GenericSchema>;

type Attributes = Readonly<Record<string, number | readonly number[]>>;

/** [rows, columns] */
export function both(extent: Extent2d): readonly number[] {
  return typeof extent === 'number' ? [extent, extent] : extent;
}

/** [top, left, bottom, right] */
export function sides(padding: number | readonly number[] = 0): readonly number[] {
  const list = typeof padding === 'number' ? [padding, padding] : padding;
  return list.length === 4 ? list : [...list, ...list];
}

/** The numbers of a layer, as the engine's operations call them. */
export function attributesOf(layer: LayerSpec): Attributes {
  switch (layer.type) {
    case 'dense':
      return { units: layer.units, bias: layer.bias === false ? 0 : 1 };
    case 'conv2d':
      return {
        filters: layer.filters,
        kernel: both(layer.kernelSize),
        stride: both(layer.stride ?? 1),
        padding: sides(layer.padding),
        dilation: both(layer.dilation ?? 1),
        groups: layer.groups ?? 1,
        bias: layer.bias === false ? 0 : 1,
      };
    case 'maxPool2d':
    case 'avgPool2d':
      return {
        kernel: both(layer.size),
        stride: both(layer.stride ?? layer.size),
        padding: sides(layer.padding),
        dilation: both((layer.type === 'maxPool2d' ? layer.dilation : undefined) ?? 1),
        countPadding: layer.type === 'avgPool2d' && layer.countPadding === false ? 0 : 1,
      };
    case 'batchNorm':
      return {
        mean: layer.mean ?? [],
        variance: layer.variance ?? [],
        epsilon: layer.epsilon ?? 1e-5,
        scale: layer.scale === false ? 0 : 1,
        bias: layer.bias === false ? 0 : 1,
      };
    case 'layerNorm':
      return {
        epsilon: layer.epsilon ?? 1e-5,
        scale: layer.scale === false ? 0 : 1,
        bias: layer.bias === false ? 0 : 1,
      };
    case 'elu':
    case 'leakyRelu':
      return layer.alpha === undefined ? {} : { alpha: layer.alpha };
    default:
      return {};
  }
}
