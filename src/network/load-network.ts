// A network from a spec and the tensors of a safetensors file, as PyTorch users keep them.

import * as v from 'valibot';

import { describeValue } from '../describe-value.js';
import { filePath } from '../data/file-bytes.js';
import type { FilePath } from '../data/file-bytes.js';
import { allocate } from '../data/dtype.js';
import type { DType } from '../data/dtype.js';
import { loadSafetensors } from '../data/safetensors.js';
import type { SafetensorsTensor } from '../data/safetensors.js';
import { EigenscapeError } from '../errors.js';
import { inPieces } from '../in-pieces.js';
import { longCallEntries, optionsOf, parseOptions, wordOption } from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { matchState } from './match-state.js';
import type { WantedTensor } from './match-state.js';
import { createNetworkFrom } from './create-network.js';
import { Network } from './network.js';
import { parseSpec } from './parse-spec.js';
import type { ParsedSpec } from './parse-spec.js';
import type { NetworkSpec } from './spec.js';

/** Options of {@link loadNetwork}. */
export interface LoadNetworkOptions<D extends DType = 'float64'> extends Pick<
  LongCallOptions,
  'signal' | 'onProgress'
> {
  /** Precision of the network, whatever the file's is; default 'float64', which holds every value
   *  exactly. */
  readonly dtype?: D | undefined;
  /** Where names differ: from a layer of the spec to a module of the file, `{ dense0: 'fc1' }`, or from
   *  tensor to tensor, `{ 'dense0.weight': 'W1' }`. */
  readonly names?: Readonly<Record<string, string>> | undefined;
  /** Called with a sentence when values are rounded; by default a process warning. */
  readonly onNote?: ((note: string) => void) | undefined;
}

const optionsSchema = optionsOf({
  dtype: wordOption(['float64', 'float32']),
  names: v.optional(v.record(v.string(), v.string('a name in the file'), 'names by names'), {}),
  onNote: v.optional(
    v.custom<(note: string) => void>((value) => typeof value === 'function', 'a function'),
  ),
  signal: longCallEntries.signal,
  onProgress: longCallEntries.onProgress,
});

const statistics = { running_mean: 'mean', running_var: 'variance' } as const;

/** The network of `spec` with the parameters of a safetensors file, such as
 *  `safetensors.torch.save_file(model.state_dict(), …)` writes; running means and variances of BatchNorm
 *  become the statistics of batchNorm layers.
 *
 *  A layer takes the tensors of the module of its name. Layers without such a module take what is left by
 *  its shapes and, for equal shapes, the numbers in its names ('0.weight', '2.weight', '10.weight'). The
 *  tensors keep their names in `network.layout`.
 *  @throws EigenscapeError (rejects) ERR_SHAPE listing every tensor that is missing, left over or of another
 *  shape; ERR_DATA for files that are absent, damaged or not finite; ERR_SPEC; ERR_ABORTED
 *  @example const network = await loadNetwork(spec, 'model.safetensors', { names: { dense0: 'fc1' } }) */
export async function loadNetwork<D extends DType = 'float64'>(
  spec: NetworkSpec,
  file: FilePath,
  options: LoadNetworkOptions<D> = {},
): Promise<Network<D>> {
  const parsedOptions = parseOptions('loadNetwork', optionsSchema, options);
  const { dtype, names, onNote = warn, ...long } = parsedOptions;
  const parsed = parseSpec(spec);
  const wanted = wantedTensors(parsed);
  requireKnownNames(wanted, names);
  const path = filePath(file);
  const { tensors } = await loadSafetensors(path, long);
  const { sources, problems } = matchState(wanted, tensors, names);
  if (problems.length > 0) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `${path}: its tensors are not those of the network: ${problems.join('; ')}; call layers as the ` +
        "file does, or map their names, as in { names: { dense0: 'fc1' } }",
      { details: { file: path, problems } },
    );
  }
  const found = new Map(
    [...sources].flatMap(([tensor, source]) => {
      const stored = tensors.get(source);
      return stored === undefined ? [] : [[tensor, { ...stored, source }] as const];
    }),
  );
  const { signal } = long;
  const parameters = await parametersOf(path, wanted, found, { dtype, onNote, signal });
  const tensorNames = wanted.flatMap((tensor) =>
    isStatistic(tensor.tensor) ? [] : [found.get(tensor)?.source ?? ''],
  );
  const named = { dtype: options.dtype, tensorNames };
  return createNetworkFrom(withStatistics(path, parsed, found), [parameters], named, signal);
}

type Found = ReadonlyMap<WantedTensor, SafetensorsTensor & { readonly source: string }>;

function isStatistic(tensor: string): tensor is keyof typeof statistics {
  return Object.hasOwn(statistics, tensor);
}

/** In the order of the layout; after the parameters of a batchNorm layer, if it has any, its statistics. */
function wantedTensors({ spec, layerNames }: ParsedSpec): readonly WantedTensor[] {
  const types = new Map(layerNames.map((name, index) => [name, spec.layers[index]]));
  const whole = spec.layers.map((layer) =>
    layer.type === 'batchNorm' ? { ...layer, scale: true, bias: true } : layer,
  );
  const parsed = parseSpec({ ...spec, layers: whole });
  using network = Network.from({ parsed, dtype: 'float64', tensorNames: undefined });
  return network.layout.flatMap(({ layer, tensor, shape }) => {
    const wanted = { layer, tensor, shape };
    const own = types.get(layer);
    if (own?.type !== 'batchNorm') return [wanted];
    const isGiven = tensor === 'bias' ? own.bias !== false : own.scale !== false;
    const stored = tensor === 'bias' ? Object.keys(statistics) : [];
    return [
      ...(isGiven ? [wanted] : []),
      ...stored.map((name) => ({ layer, tensor: name, shape })),
    ];
  });
}

function requireKnownNames(
  wanted: readonly WantedTensor[],
  names: Readonly<Record<string, string>>,
): void {
  const known = new Set(wanted.flatMap(({ layer, tensor }) => [layer, `${layer}.${tensor}`]));
  const stranger = Object.keys(names).find((name) => !known.has(name));
  if (stranger === undefined) return;
  throw new EigenscapeError(
    'ERR_SPEC',
    `loadNetwork: option 'names' holds ${describeValue(stranger)}; the layers and tensors of the spec are ` +
      [...known].join(', '),
    { details: { name: stranger, known: [...known] } },
  );
}

interface ReadOptions {
  readonly dtype: DType;
  readonly onNote: (note: string) => void;
  readonly signal: AbortSignal | undefined;
}

async function parametersOf(
  path: string,
  wanted: readonly WantedTensor[],
  found: Found,
  { dtype, onNote, signal }: ReadOptions,
): Promise<Float64Array | Float32Array> {
  const parts = wanted.flatMap((tensor) => {
    const stored = isStatistic(tensor.tensor) ? undefined : found.get(tensor);
    return stored === undefined ? [] : [stored];
  });
  const parameters = allocate(
    dtype,
    parts.reduce((sum, { data }) => sum + data.length, 0),
  );
  let offset = 0;
  const rounded: string[] = [];
  for (const { source, data } of parts) {
    const own = { isRounded: false };
    await inPieces(data.length, signal, (first, last) => {
      const values = finiteValues(path, source, data, { first, last, dtype });
      parameters.set(values, offset + first);
      const stored = parameters.subarray(offset + first, offset + last);
      own.isRounded ||= stored.some((value, index) => value !== values[index]);
    });
    if (own.isRounded) rounded.push(`'${source}'`);
    offset += data.length;
  }
  if (rounded.length > 0) {
    onNote(`${path}: values of ${rounded.join(', ')} are rounded to the network's ${dtype}.`);
  }
  return parameters;
}

/** @throws EigenscapeError ERR_DATA naming the entry that is not finite in the network's precision */
function finiteValues(
  path: string,
  source: string,
  data: SafetensorsTensor['data'],
  { first, last, dtype }: { readonly first: number; readonly last: number; readonly dtype: DType },
): Float64Array | Float32Array {
  const part = data.subarray(first, last);
  const isFloat = part instanceof Float64Array || part instanceof Float32Array;
  const values = isFloat ? part : Float64Array.from(part, Number);
  const round = dtype === 'float32' ? Math.fround : Number;
  const bad = values.findIndex((value) => !Number.isFinite(round(value)));
  if (bad < 0) return values;
  throw new EigenscapeError(
    'ERR_DATA',
    `${path}: entry ${first + bad} of '${source}' is ${values[bad]}; expected a finite number of ${dtype}`,
    { details: { file: path, tensor: source, entry: first + bad, value: values[bad] } },
  );
}

/** The spec with the statistics that were found. */
function withStatistics(path: string, { spec, layerNames }: ParsedSpec, found: Found): NetworkSpec {
  const layers = spec.layers.map((layer, index) => {
    if (layer.type !== 'batchNorm') return layer;
    const entries = [...found]
      .filter(([tensor]) => tensor.layer === layerNames[index])
      .flatMap(([{ tensor }, { source, data }]) =>
        isStatistic(tensor)
          ? [
              [
                statistics[tensor],
                [
                  ...finiteValues(path, source, data, {
                    first: 0,
                    last: data.length,
                    dtype: 'float64',
                  }),
                ],
              ] as const,
            ]
          : [],
      );
    return { ...layer, ...Object.fromEntries(entries) };
  });
  return { ...spec, layers };
}

function warn(note: string): void {
  process.emitWarning(note, { type: 'EigenscapeNote' });
}
