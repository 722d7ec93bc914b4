// What a checkpoint file holds, and where: parameters under their names in the layout, statistics of
// batchNorm as PyTorch names them, arrays of the training state under `optimizer.`, and the rest as
// one JSON text in the file's metadata.

import * as v from 'valibot';

import type { DType } from '../data/dtype.js';
import type { TrainOptions } from './train.js';

/** The key of the JSON text in the metadata. */
export const checkpointKey = 'eigenscape';

/** Counts up when older versions could no longer read what is written. */
export const checkpointFormat = 1;

/** The JSON text. */
export const checkpointSchema = v.object({
  format: v.literal(checkpointFormat),
  version: v.string(),
  dtype: v.picklist(['float64', 'float32']),
  spec: v.unknown(),
  /** Names of the parameter tensors, in the order of the layout. */
  parameters: v.array(v.string()),
  /** The arrays in `training`: whole, or in parts that belong to the parameter tensors. */
  arrays: v.array(
    v.object({
      path: v.string(),
      dtype: v.picklist(['float64', 'float32']),
      parts: v.picklist(['whole', 'parameters']),
    }),
  ),
  /** What `pack` made of the state, the options and the records. */
  training: v.unknown(),
});

export type CheckpointJson = v.InferOutput<typeof checkpointSchema>;

/** The name of an array of the training state, or of its part that belongs to a parameter tensor. */
export function stateName(path: string, tensor?: string): string {
  const name = path.startsWith('state.') ? path.replace('state', 'optimizer') : `training.${path}`;
  return tensor === undefined ? name : `${name}.${tensor}`;
}

/** The type of a tensor's elements in the file. */
export const elementTypes = { float64: 'F64', float32: 'F32' } as const satisfies Record<
  DType,
  string
>;

export function sizeOf({ shape }: { readonly shape: readonly number[] }): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

const notPlain = [
  'signal',
  'onProgress',
  'threads',
  'testData',
  'onRecord',
  'resumeFrom',
  'checkpoint',
] as const;

type Each<Options, Keys extends string> = Options extends unknown ? Omit<Options, Keys> : never;

/** What train was asked to do: its options, as far as they are plain data. */
export type TrainingPlan = Each<TrainOptions, (typeof notPlain)[number]>;

/** A {@link TrainingPlan}, which is to be packed. */
export function planOf(options: object): Readonly<Record<string, unknown>> {
  const entries: [string, unknown][] = Object.entries(options);
  return Object.fromEntries(entries.filter(([key]) => !notPlain.some((name) => name === key)));
}
