// From a NetworkSpec as a user wrote it to one that is whole: checked, named, wired by index.

import { types } from 'node:util';

import * as v from 'valibot';

import { describeValue } from '../describe-value.js';
import { optionsOf, parseOptions, positiveInteger } from '../options.js';
import { EigenscapeError } from '../errors.js';
import type { NativeLayer, NativeSpec } from '../native.js';
import { attributesOf, layerSchemas } from './layer-options.js';
import type { CustomLossSpec, LayerSpec, LossObject, NetworkSpec } from './spec.js';

const weight = v.pipe(
  v.number('finite numbers of at least 0'),
  v.finite('finite numbers of at least 0'),
  v.minValue(0, 'finite numbers of at least 0'),
);
const smoothing = 'a number from 0 to 1';

/** One function of a custom loss. */
function lossFunction<F>() {
  const expected = 'a function of one sample (outputs, target) that is not async';
  return v.custom<F>(
    (value) => typeof value === 'function' && !types.isAsyncFunction(value),
    expected,
  );
}

const lossSchemas = {
  softmaxCrossEntropy: optionsOf({
    type: v.literal('softmaxCrossEntropy'),
    labelSmoothing: v.optional(
      v.pipe(v.number(smoothing), v.minValue(0, smoothing), v.maxValue(1, smoothing)),
    ),
    classWeights: v.optional(
      v.pipe(
        v.array(weight, 'a list of one number per class'),
        v.minLength(1, 'a list of one number per class'),
        v.check((weights) => weights.some((value) => value > 0), 'at least one weight above 0'),
      ),
    ),
    ignoreIndex: v.optional(v.pipe(v.number('an integer'), v.safeInteger('an integer'))),
  }),
  meanSquaredError: optionsOf({ type: v.literal('meanSquaredError') }),
  binaryCrossEntropy: optionsOf({ type: v.literal('binaryCrossEntropy') }),
  custom: optionsOf({
    type: v.literal('custom'),
    name: v.optional(v.pipe(v.string('a name'), v.minLength(1, 'a name'))),
    value: lossFunction<CustomLossSpec['value']>(),
    gradient: lossFunction<CustomLossSpec['gradient']>(),
    hessian: lossFunction<CustomLossSpec['hessian']>(),
  }),
} satisfies Record<LossObject['type'], v.GenericSchema>;

const specSchema = optionsOf({
  input: v.pipe(
    v.array(positiveInteger, 'the shape of one sample, such as [784]'),
    v.minLength(1, 'the shape of one sample, such as [784]'),
  ),
  layers: v.pipe(v.array(v.unknown(), 'a list of layers'), v.minLength(1, 'at least one layer')),
  loss: v.unknown(),
});

/** A spec whose layers all have names and inputs. */
export interface ParsedSpec {
  readonly spec: NetworkSpec;
  readonly loss: LossObject;
  readonly layerNames: readonly string[];
  readonly native: NativeSpec;
}

function isKey<Table extends object>(table: Table, key: unknown): key is keyof Table & string {
  return typeof key === 'string' && Object.hasOwn(table, key);
}

function unknownType(what: string, place: string, type: unknown, table: object): EigenscapeError {
  const given = typeof type === 'string' ? `'${type}'` : describeValue(type);
  return new EigenscapeError(
    'ERR_SPEC',
    `createNetwork: ${place} has the unknown type ${given}; known ${what}: ${Object.keys(table).join(', ')}`,
    { details: { type, known: Object.keys(table) } },
  );
}

function typeOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
}

function parseLayer(layer: unknown, index: number): LayerSpec {
  const type = typeOf(layer);
  const place = `layer ${String(index)}`;
  if (!isKey(layerSchemas, type)) throw unknownType('types', place, type, layerSchemas);
  return parseOptions(`createNetwork: ${place} (${type})`, layerSchemas[type], layer);
}

function parseLoss(loss: unknown): LossObject {
  const whole = typeof loss === 'string' ? { type: loss } : loss;
  const type = typeOf(whole);
  if (!isKey(lossSchemas, type)) throw unknownType('losses', 'the loss', type, lossSchemas);
  const options = type === 'custom' ? asLossOptions(whole) : whole;
  return parseOptions(`createNetwork: loss ${type}`, lossSchemas[type], options);
}

/** An instance of a class may hold more than a loss has, for the use of its functions, which are called on it;
 *  of a literal an unknown option is a slip of the pen. */
function asLossOptions(loss: unknown): unknown {
  if (typeof loss !== 'object' || loss === null) return loss;
  const prototype: unknown = Object.getPrototypeOf(loss);
  if (prototype === Object.prototype || prototype === null) return loss;
  const known = Object.keys(lossSchemas.custom.entries).filter((key) => key in loss);
  const read = (key: string): unknown => Reflect.get(loss, key);
  const own = (value: unknown): unknown =>
    typeof value === 'function' && !types.isAsyncFunction(value) ? value.bind(loss) : value;
  return Object.fromEntries(known.map((key) => [key, own(read(key))]));
}

/** `dense0`, `relu1` … where a layer has no name of its own. */
function nameLayers(layers: readonly LayerSpec[]): readonly string[] {
  const names = layers.map((layer, index) => layer.name ?? `${layer.type}${String(index)}`);
  const seen = new Set(['input']);
  for (const name of names) {
    if (seen.has(name)) {
      throw new EigenscapeError(
        'ERR_SPEC',
        `createNetwork: two layers are called '${name}' ('input' is the network's input); names must differ`,
        { details: { name } },
      );
    }
    seen.add(name);
  }
  return names;
}

/** For each layer the values that it reads: 0 for the input, i + 1 for layer i. */
function wireLayers(
  layers: readonly LayerSpec[],
  names: readonly string[],
): readonly (readonly number[])[] {
  const read = new Set<number>();
  const wires = layers.map((layer, index) => {
    const inputs = layer.inputs?.map((name) => {
      const value = name === 'input' ? 0 : names.indexOf(name) + 1;
      if ((name !== 'input' && value === 0) || value > index) {
        const known = ['input', ...names.slice(0, index)].join(', ');
        throw new EigenscapeError(
          'ERR_SPEC',
          `createNetwork: layer '${names[index] ?? ''}' reads '${name}', which is not before it; before it are ${known}`,
          { details: { layer: names[index], input: name } },
        );
      }
      return value;
    }) ?? [index];
    for (const value of inputs) read.add(value);
    return inputs;
  });
  const idle = names.findIndex((_, index) => index + 1 < names.length && !read.has(index + 1));
  if (idle >= 0) {
    throw new EigenscapeError(
      'ERR_SPEC',
      `createNetwork: no layer reads '${names[idle] ?? ''}', and it is not the last one`,
      { details: { layer: names[idle] } },
    );
  }
  return wires;
}

/** @throws EigenscapeError ERR_SPEC, naming the layer, the option, its value and what was expected */
export function parseSpec(given: unknown): ParsedSpec {
  const {
    input,
    layers: rawLayers,
    loss: rawLoss,
  } = parseOptions('createNetwork', specSchema, given);
  const layers = rawLayers.map(parseLayer);
  const loss = parseLoss(rawLoss);
  const layerNames = nameLayers(layers);
  const wires = wireLayers(layers, layerNames);
  const nativeLayers = layers.map((layer, index): NativeLayer => ({
    type: layer.type,
    name: layerNames[index] ?? '',
    inputs: wires[index] ?? [],
    attributes: attributesOf(layer),
  }));
  return {
    spec: {
      input,
      layers,
      loss: typeof rawLoss === 'string' && loss.type !== 'custom' ? loss.type : loss,
    },
    loss,
    layerNames,
    native: {
      input,
      layers: nativeLayers,
      loss: loss.type === 'custom' ? { type: 'custom' } : loss,
    },
  };
}
