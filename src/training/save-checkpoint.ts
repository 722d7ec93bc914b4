// A network and where its training stands, into one safetensors file.

import * as v from 'valibot';

import { filePath } from '../data/file-bytes.js';
import type { FilePath } from '../data/file-bytes.js';
import { keep } from '../copies.js';
import { allocate } from '../data/dtype.js';
import type { DType } from '../data/dtype.js';
import { saveSafetensors } from '../data/save-safetensors.js';
import type { NamedTensor } from '../data/save-safetensors.js';
import { EigenscapeError } from '../errors.js';
import { inPieces } from '../in-pieces.js';
import { addon } from '../native.js';
import { requireNetwork } from '../network/network.js';
import type { Network } from '../network/network.js';
import type { LayerSpec } from '../network/spec.js';
import { longCallEntries, optionsOf, parseOptions } from '../options.js';
import { checkpointFormat, checkpointKey, planOf, sizeOf, stateName } from './checkpoint-file.js';
import type { CheckpointJson } from './checkpoint-file.js';
import { pack } from './packing.js';
import type { FloatArray, Packed } from './packing.js';
import type { TrainingRecord } from './record.js';
import type { TrainingState } from './state.js';
import type { TrainOptions } from './train.js';

/** What a checkpoint holds. */
export interface CheckpointContents<D extends DType = DType> {
  readonly network: Network<D>;
  /** Where training stands: `state` of the history that `train` returned. */
  readonly state?: TrainingState<D> | undefined;
  /** What `train` was called with; what of it is no plain data (functions, test data) is left out. */
  readonly options?: TrainOptions<D> | undefined;
  /** So far, from the beginning. */
  readonly records?: readonly TrainingRecord[] | undefined;
}

const contentsSchema = optionsOf({
  network: v.unknown(),
  state: v.optional(v.unknown()),
  options: v.optional(v.looseObject({}, 'the options of train')),
  records: v.optional(v.array(v.unknown(), 'a list of records')),
});
const optionsSchema = optionsOf({ signal: longCallEntries.signal });

/** Writes a network, and where its training stands, into one file; a file of that name is replaced as a
 *  whole, so that it is the old one or the new one whatever happens meanwhile.
 *
 *  It is a safetensors file: `safetensors.torch.load_file` finds the parameters by their names in
 *  `network.layout`, as in `model.load_state_dict(tensors, strict=False)`. The arrays of the optimizer are
 *  called `optimizer.…`.
 *  @throws EigenscapeError (rejects) ERR_FILE when it cannot be written, ERR_SPEC for a custom loss, which
 *  is code, ERR_NUMERIC when a parameter is not finite, ERR_ABORTED; the old file is then as it was, unless an
 *  abort came when the new one was already being put in its place, which it then is
 *  @example const history = await train(network, data, options);
 *  await saveCheckpoint('run.safetensors', { network, state: history.state }) */
export async function saveCheckpoint<D extends DType>(
  file: FilePath,
  contents: CheckpointContents<D>,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const path = filePath(file);
  parseOptions('saveCheckpoint', contentsSchema, contents);
  const { signal } = parseOptions('saveCheckpoint', optionsSchema, options);
  const { network, state, records = [] } = contents;
  requireNetwork('saveCheckpoint', network);
  refuseCustomLoss('saveCheckpoint', network.spec.loss);
  const plan = contents.options && planOf(contents.options);
  const { json, arrays } = pack({ state, options: plan, records });
  // Its parameters as they are now, without a copy.
  using own = network.clone();
  const kept = [...arrays].map(([name, array]) => {
    const dtype = array instanceof Float64Array ? 'float64' : 'float32';
    const copy = keep<FloatArray>(array);
    return { name, copy: () => copy((length) => allocate(dtype, length), signal) };
  });
  const copies = new Map<string, FloatArray>();
  for (const { name, copy } of kept) copies.set(name, await copy());
  await writeCheckpoint(path, own, { json, arrays: copies }, signal);
}

/** @param training is read while this runs, and must not change
 *  @internal */
export async function writeCheckpoint(
  path: string,
  network: Network,
  { json, arrays }: Packed,
  signal?: AbortSignal,
): Promise<void> {
  const { spec, dtype, layout, parameterCount } = network;
  const parameters = await network.copyParameters({ signal });
  await requireFinite(network, parameters, signal);
  const states = [...arrays].map(([name, data]) => ({
    path: name,
    data,
    dtype: data instanceof Float64Array ? ('float64' as const) : ('float32' as const),
    parts: data.length === parameterCount ? ('parameters' as const) : ('whole' as const),
  }));
  const text: CheckpointJson = {
    format: checkpointFormat,
    version: addon().machine().version,
    dtype,
    spec: pack(spec).json,
    parameters: layout.map(({ name }) => name),
    arrays: states.map(({ data: _, ...rest }) => rest),
    training: json,
  };
  const tensors = [
    ...byTensor(layout, parameters, ({ name }) => name),
    ...statisticsOf(network),
    ...states.flatMap(({ path: name, data, parts }) =>
      parts === 'parameters'
        ? byTensor(layout, data, (tensor) => stateName(name, tensor.name))
        : [{ name: stateName(name), shape: [data.length], data }],
    ),
  ];
  // Readers of PyTorch models look for this format.
  const metadata = new Map([
    ['format', 'pt'],
    [checkpointKey, JSON.stringify(text)],
  ]);
  await saveSafetensors(path, tensors, metadata, signal);
}

/** @throws EigenscapeError ERR_SPEC
 *  @internal */
export function refuseCustomLoss(call: string, loss: Network['spec']['loss']): void {
  if (typeof loss === 'string' || loss.type !== 'custom') return;
  const { name } = loss;
  const called = name === undefined ? '' : ` '${name}'`;
  throw new EigenscapeError(
    'ERR_SPEC',
    `${call}: the loss${called} is of type 'custom', functions that no checkpoint holds; keep ` +
      'network.parameters() by yourself, or use a loss of the library',
    { details: { call, loss: name ?? 'custom' } },
  );
}

async function requireFinite(
  network: Network,
  parameters: FloatArray,
  signal: AbortSignal | undefined,
): Promise<void> {
  await inPieces(parameters.length, signal, (first, last) => {
    const part = parameters.subarray(first, last);
    const bad = part.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw notFinite(network, first + bad, part[bad]);
  });
}

function notFinite({ layout }: Network, index: number, value: number | undefined) {
  const { name = '', offset = 0 } = layout.findLast((tensor) => tensor.offset <= index) ?? {};
  return new EigenscapeError(
    'ERR_NUMERIC',
    `saveCheckpoint: entry ${index - offset} of '${name}' is ${value}; a checkpoint holds finite ` +
      'parameters: go back to an earlier one, with a smaller learning rate',
    { details: { index, value } },
  );
}

type Layout = Network['layout'];

/** A vector over all parameters, tensor by tensor. */
function byTensor(
  layout: Layout,
  data: FloatArray,
  nameOf: (tensor: Layout[number]) => string,
): NamedTensor[] {
  return layout.map((tensor) => ({
    name: nameOf(tensor),
    shape: tensor.shape,
    data: data.subarray(tensor.offset, tensor.offset + sizeOf(tensor)),
  }));
}

/** `bn.running_mean` and `bn.running_var` beside a batchNorm's `bn.weight`, for PyTorch's users: what is
 *  loaded from here is the spec. */
function statisticsOf({ spec, layout, layerShapes, dtype }: Network): NamedTensor[] {
  return spec.layers.flatMap((layer, index): NamedTensor[] => {
    if (layer.type !== 'batchNorm') return [];
    const name = nameOf(layer, index);
    // Without scale and bias the layer has no tensor that names its module.
    const tensor = layout.find((entry) => entry.layer === name)?.name ?? `${name}.weight`;
    const module = /^(.+)\.(weight|bias)$/.exec(tensor)?.[1];
    if (module === undefined) return [];
    const shape = [layerShapes[index]?.[0] ?? 0];
    const array = (values: readonly number[] | undefined, value: number) => {
      const list = values ?? Array<number>(sizeOf({ shape })).fill(value);
      return dtype === 'float64' ? Float64Array.from(list) : Float32Array.from(list);
    };
    return [
      { name: `${module}.running_mean`, shape, data: array(layer.mean, 0) },
      { name: `${module}.running_var`, shape, data: array(layer.variance, 1) },
      { name: `${module}.num_batches_tracked`, shape: [], data: BigInt64Array.of(0n) },
    ];
  });
}

function nameOf(layer: LayerSpec, index: number): string {
  return layer.name ?? `${layer.type}${index}`;
}
