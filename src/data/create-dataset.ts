// From arrays in any form to a Dataset: how many samples there are, and whether all fits together.

import { types } from 'node:util';

import * as v from 'valibot';

import { EigenscapeError } from '../errors.js';
import { Dataset } from './dataset.js';
import { optionsOf, parseOptions } from '../options.js';
import { isShape, measureRows, readRows } from './sample-rows.js';
import type { MeasuredRows, SampleRows } from './sample-rows.js';
import { StoredArray } from './stored-array.js';
import type { DType } from './dtype.js';

/** Inputs in memory, or those of `loadNpy(file, { stream: true })`. */
export type InputRows = SampleRows | StoredArray;

/** What {@link createDataset} takes. */
export interface DatasetOptions<Inputs extends InputRows = InputRows> {
  /** Samples: rows, `{ data, shape }` as `loadNpy` returns it, flat and row-major, or on disk. */
  readonly inputs: Inputs;
  /** For each sample a class as an integer, one value, or a row of values or class
   *  probabilities. Which of these it is, the loss decides. */
  readonly targets: SampleRows;
  /** Shape of one sample; default: the shape that came with the inputs, else [entries of a
   *  sample]. */
  readonly inputShape?: readonly number[] | undefined;
  /** One for each sample, at least 0: how often it counts. Default: each once. */
  readonly weights?: SampleRows | undefined;
}

const datasetOptions = optionsOf({
  inputs: v.unknown(),
  targets: v.unknown(),
  inputShape: v.optional(v.unknown()),
  weights: v.optional(v.unknown()),
});

type DTypeOfArray<A> = A extends Float32Array ? 'float32' : 'float64';
/** 'float32' for a Float32Array, with or without a shape; known when it runs for inputs on disk;
 *  'float64' for all else. */
export type DTypeOfInputs<Inputs> = Inputs extends StoredArray
  ? DType
  : Inputs extends { readonly data: infer A }
    ? DTypeOfArray<A>
    : DTypeOfArray<Inputs>;

/** A dataset from arrays, all of them copied and checked before this returns.
 *
 *  The number of samples N is the number of rows; else shape[0]; else, for flat inputs, their
 *  length over the product of inputShape; else the number of targets. A flat float array of N·C
 *  targets is rows of C. Inputs are kept as float32 if they are a Float32Array, else as float64.
 *  @throws EigenscapeError ERR_SHAPE for ragged, empty or ill-fitting arrays; ERR_DATA for an
 *  entry that is NaN, infinite, no number, or an integer beyond 2⁵³, and for weights below 0 or
 *  all 0; the message names the sample, the entry and the value. ERR_SPEC when an argument is no
 *  array at all
 *
 *  Inputs on disk stay there; of them, the entries are checked when they are read.
 *  @example createDataset({ inputs: [[0, 1], [1, 0]], targets: [0, 1] }) */
export function createDataset<Inputs extends InputRows>(
  options: DatasetOptions<Inputs>,
): Dataset<DTypeOfInputs<Inputs>>;
export function createDataset(options: DatasetOptions): Dataset {
  parseOptions('createDataset', datasetOptions, options);
  const stored = options.inputs instanceof StoredArray ? options.inputs : undefined;
  const inputs = stored ? measureStored(stored) : measureRows('inputs', options.inputs);
  const targets = measureRows('targets', options.targets);
  const givenShape = checkInputShape(options.inputShape);
  const sampleCount = countSamples(inputs, targets, givenShape);
  const inputSize = inputs.length / sampleCount;
  const inputShape = givenShape ?? shapeOfSample(inputs.shape) ?? [inputSize];
  if (size(inputShape) !== inputSize) {
    throw misfit(
      `inputs have ${inputSize} entries a sample; expected ${size(inputShape)} for inputShape ` +
        `[${inputShape.join(', ')}]`,
      { given: inputSize, expected: size(inputShape), inputShape },
    );
  }
  const targetWidth = countTargets(targets, sampleCount);
  const kept = stored
    ? { dtype: stored.dtype, inputs: stored.share() }
    : keepInputs(readRows(inputs, inputSize).data);
  const { data, integers: integerTargets } = readRows(targets, targetWidth);
  const targetValues = Float64Array.from(data);
  return Dataset.from<DType>({
    ...kept,
    targets: targetValues,
    targetWidth,
    integerTargets,
    weights: readWeights(options.weights, sampleCount),
    inputShape,
    classCount: countClasses(targetValues, targetWidth),
  });
}

function keepInputs(inputs: Float64Array | Float32Array) {
  return { dtype: inputs instanceof Float32Array ? 'float32' : 'float64', inputs } as const;
}

function measureStored({ shape }: StoredArray): MeasuredRows {
  return { name: 'inputs', length: size(shape), shape, pieces: [] };
}

function checkInputShape(inputShape: unknown): readonly number[] | undefined {
  if (inputShape === undefined) return undefined;
  if (isShape(inputShape) && inputShape.length > 0 && !inputShape.includes(0)) return inputShape;
  throw misfit(
    `inputShape is ${JSON.stringify(inputShape)}; expected integers of at least 1, one or more`,
    { inputShape },
  );
}

function countSamples(
  inputs: MeasuredRows,
  targets: MeasuredRows,
  inputShape: readonly number[] | undefined,
): number {
  if (inputs.shape?.[0] !== undefined) return inputs.shape[0];
  const { length } = inputs;
  if (inputShape === undefined) {
    const targetCount = targets.shape?.[0] ?? targets.length;
    if (length % targetCount === 0) return targetCount;
    throw misfit(
      `inputs have ${length} entries, which ${targetCount} targets do not divide; pass ` +
        'inputShape, or rows',
      { given: length, targetCount },
    );
  }
  const inputSize = size(inputShape);
  if (length % inputSize === 0) return length / inputSize;
  throw misfit(
    `inputs have ${length} entries; expected a multiple of ${inputSize} for inputShape ` +
      `[${inputShape.join(', ')}]`,
    { given: length, expected: inputSize, inputShape },
  );
}

/** Entries of one of `sampleCount` samples. Only floats may come as flat rows of several: of class
 *  labels a second one for each sample is a mistake. */
function countTargets(targets: MeasuredRows, sampleCount: number): number {
  const [piece] = targets.pieces;
  const mayBeRows =
    targets.shape !== undefined || types.isFloat64Array(piece) || types.isFloat32Array(piece);
  const given = targets.shape?.[0] ?? targets.length;
  const width = targets.length / sampleCount;
  const fits = targets.shape ? given === sampleCount : Number.isInteger(width);
  if (fits && (width === 1 || mayBeRows)) return width;
  throw misfit(
    `targets have ${given} ${targets.shape ? 'rows' : 'entries'}; expected ${sampleCount}, one ` +
      'for each sample of inputs (several values a sample: pass rows)',
    { name: 'targets', given, expected: sampleCount },
  );
}

function shapeOfSample(shape: readonly number[] | undefined): readonly number[] | undefined {
  return shape && (shape.length > 1 ? shape.slice(1) : [1]);
}

function readWeights(given: unknown, sampleCount: number): Float64Array | undefined {
  if (given === undefined) return undefined;
  const rows = measureRows('weights', given);
  if (rows.length !== sampleCount) {
    throw misfit(
      `weights have ${rows.length} entries; expected ${sampleCount}, one for each sample`,
      {
        name: 'weights',
        given: rows.length,
        expected: sampleCount,
      },
    );
  }
  const weights = Float64Array.from(readRows(rows, 1).data);
  const negative = weights.findIndex((weight) => weight < 0);
  if (negative >= 0) {
    throw new EigenscapeError(
      'ERR_DATA',
      `weights: sample ${negative} is ${weights[negative]}; expected at least 0`,
      { details: { name: 'weights', sample: negative, value: weights[negative] } },
    );
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total > 0 && total < Infinity) return weights;
  throw new EigenscapeError(
    'ERR_DATA',
    total === 0
      ? `weights are 0 for all ${sampleCount} samples; at least one must count`
      : 'weights sum to more than float64 holds; scale them down',
    { details: { name: 'weights', total } },
  );
}

/** See {@link Dataset.classCount}.
 *  @internal */
export function countClasses(targets: Float64Array, width: number): number | undefined {
  if (width === 1) {
    const classes = targets.every((target) => Number.isSafeInteger(target) && target >= 0);
    return classes
      ? 1 + targets.reduce((largest, target) => Math.max(largest, target), 0)
      : undefined;
  }
  for (let start = 0; start < targets.length; start += width) {
    const row = targets.subarray(start, start + width);
    const sum = row.reduce((partial, probability) => partial + probability, 0);
    if (!(Math.abs(sum - 1) <= 1e-6) || row.some((probability) => probability < 0))
      return undefined;
  }
  return width;
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

function misfit(message: string, details: Readonly<Record<string, unknown>>): EigenscapeError {
  return new EigenscapeError('ERR_SHAPE', message, { details });
}
