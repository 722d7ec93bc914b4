// A network and where its training stood, from the file that saveCheckpoint wrote.

import * as v from 'valibot';

import { filePath } from '../data/file-bytes.js';
import type { FilePath } from '../data/file-bytes.js';
import { allocate } from '../data/dtype.js';
import type { DType } from '../data/dtype.js';
import { loadSafetensors } from '../data/safetensors.js';
import type { LoadSafetensorsOptions, Safetensors } from '../data/safetensors.js';
import { damaged, digestKey } from '../data/safetensors-header.js';
import { isEigenscapeError } from '../errors.js';
import { runJob } from '../long-call.js';
import { longCallEntries, optionsOf, parseOptions } from '../options.js';
import { addon } from '../native.js';
import { createNetworkFrom } from '../network/create-network.js';
import type { Network } from '../network/network.js';
import type { NetworkSpec } from '../network/spec.js';
import {
  checkpointFormat,
  checkpointKey,
  checkpointSchema,
  elementTypes,
  stateName,
} from './checkpoint-file.js';
import type { CheckpointJson, TrainingPlan } from './checkpoint-file.js';
import { unpack } from './packing.js';
import type { FloatArray } from './packing.js';
import type { TrainingRecord } from './record.js';
import type { TrainingState } from './state.js';
import type { TrainingCall } from './train.js';

/** What was saved. */
export interface Checkpoint<D extends DType = DType> {
  readonly network: Network<D>;
  /** Goes into `train` as `resumeFrom`; undefined when it was not saved. */
  readonly state: TrainingState<D> | undefined;
  /** Steps taken: those of the state, else 0. */
  readonly step: number;
  /** What `train` was asked to do, as it is to be called again to do the rest; checkpoints go into the same
   *  file. Undefined when it was not saved. */
  readonly options: (TrainingPlan & Pick<TrainingCall, 'checkpoint'>) | undefined;
  readonly records: readonly TrainingRecord[];
}

const optionsSchema = optionsOf({
  signal: longCallEntries.signal,
  onProgress: longCallEntries.onProgress,
});

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
// createNetworkFrom checks it.
const specSchema = v.custom<NetworkSpec>(isObject);
const trainingSchema = v.object({
  state: v.optional(v.custom<TrainingState>(isObject)),
  options: v.optional(v.custom<TrainingPlan>(isObject)),
  records: v.optional(v.array(v.custom<TrainingRecord>(isObject)), []),
});

const checkpointingSchema = v.object({ checkpoint: v.object({ every: v.number() }) });

/** What `saveCheckpoint` or `train` with `checkpoint` wrote. Training goes on from it with the bits of a run
 *  that never stopped.
 *  @throws EigenscapeError (rejects) ERR_DATA when the file is absent, cut, has any other byte than was
 *  written, or is no checkpoint; the message names the file and what is wrong; ERR_ABORTED
 *  @example const { network, state, options } = await loadCheckpoint('run.safetensors');
 *  await train(network, data, { ...options, resumeFrom: state }) */
export async function loadCheckpoint(
  file: FilePath,
  options: LoadSafetensorsOptions = {},
): Promise<Checkpoint> {
  const path = filePath(file);
  const long = parseOptions('loadCheckpoint', optionsSchema, options);
  const { signal } = long;
  const stored = await loadSafetensors(path, long);
  const json = jsonOf(path, stored);
  try {
    const network = await networkOf(json, stored, signal);
    const arrays = await arraysOf(json, stored, signal);
    const {
      state,
      options: plan,
      records,
    } = v.parse(trainingSchema, unpack(json.training, arrays));
    const checkpoint = v.is(checkpointingSchema, plan)
      ? { checkpoint: { file: path, every: plan.checkpoint.every, records } }
      : {};
    return {
      network,
      state,
      step: state?.step ?? 0,
      options: plan && { ...plan, ...checkpoint },
      records,
    };
  } catch (error) {
    // The digest is right, so this was written by another version, or by hand.
    const isSpec = isEigenscapeError(error) && ['ERR_SPEC', 'ERR_SHAPE'].includes(error.code);
    if (isSpec || v.isValiError(error) || error instanceof SyntaxError) {
      throw damaged(path, `is no whole checkpoint: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

function jsonOf(path: string, { metadata }: Safetensors): CheckpointJson {
  const text = metadata.get(checkpointKey);
  if (text === undefined || !metadata.has(digestKey)) {
    throw damaged(
      path,
      'is a safetensors file, but no checkpoint that saveCheckpoint wrote; parameters that others saved ' +
        'are read by loadNetwork(spec, file)',
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, `'${checkpointKey}' in its metadata is no JSON`, { cause });
  }
  const { success, output, issues } = v.safeParse(checkpointSchema, json);
  if (success) return output;
  const { format, version } = v.is(versionSchema, json) ? json : {};
  throw damaged(
    path,
    format === checkpointFormat || format === undefined
      ? `'${checkpointKey}' in its metadata: ${v.getDotPath(issues[0]) ?? 'the value'}: ${issues[0].message}`
      : `is a checkpoint of format ${format}, by version ${version} of eigenscape; this version reads ` +
          `format ${checkpointFormat}: update it`,
    { details: { format, version } },
  );
}

const versionSchema = v.object({ format: v.number(), version: v.string() });

async function networkOf(
  { spec, dtype, parameters: names }: CheckpointJson,
  stored: Safetensors,
  signal: AbortSignal | undefined,
): Promise<Network> {
  const tensors = names.map((name) => floatTensor(stored, name, dtype));
  const network = await createNetworkFrom(
    v.parse(specSchema, unpack(spec, new Map())),
    tensors.map(({ data }) => data),
    { dtype, tensorNames: names },
    signal,
  );
  network.layout.forEach(({ name, shape }, index) => {
    if (shape.join() === tensors[index]?.shape.join()) return;
    throw new SyntaxError(`'${name}' is not of shape [${shape.join(', ')}]`);
  });
  return network;
}

/** Arrays of the training state by their paths, those in parts put together. */
async function arraysOf(
  { arrays, parameters }: CheckpointJson,
  stored: Safetensors,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, FloatArray>> {
  const whole = new Map<string, FloatArray>();
  for (const { path, dtype, parts } of arrays) {
    const names = parts === 'parameters' ? parameters : [undefined];
    const data = names.map((name) => floatTensor(stored, stateName(path, name), dtype).data);
    whole.set(path, await concatenated(dtype, data, signal));
  }
  return whole;
}

function floatTensor({ tensors }: Safetensors, name: string, dtype: DType) {
  const { type, data, shape = [] } = tensors.get(name) ?? {};
  const isFloat = data instanceof Float64Array || data instanceof Float32Array;
  if (isFloat && type === elementTypes[dtype]) return { data, shape };
  throw new SyntaxError(`the tensor '${name}' of type ${elementTypes[dtype]} is missing`);
}

/** On another thread: arrays over all parameters are large. */
function concatenated(
  dtype: DType,
  parts: readonly FloatArray[],
  signal: AbortSignal | undefined,
): Promise<FloatArray> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return runJob({ signal }, (job) => addon().joinArrays(parts, allocate(dtype, length), job));
}
