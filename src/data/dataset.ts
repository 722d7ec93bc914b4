// Samples with their targets: an immutable, validated copy of what the caller gave.

import * as v from 'valibot';

import { EigenscapeError } from '../errors.js';
import { describeValue } from '../describe-value.js';
import { optionsOf, parseLongCall, parseOptions, seedOption } from '../options.js';
import { runJob } from '../long-call.js';
import { requireMemory } from '../memory.js';
import { addon } from '../native.js';
import type { RowsHandle, SamplesHandle } from '../native.js';
import type { LongCallOptions } from '../progress.js';
import { isStored, selectInputs, standardizeInputs } from './dataset-inputs.js';
import type { DatasetInputs } from './dataset-inputs.js';
import { allocate } from './dtype.js';
import type { ArrayOf, DType } from './dtype.js';
import { createRandom } from './random.js';

/** A dataset's arrays themselves, for the other rooms, which must not write to them.
 *  @internal */
export interface DatasetValues<D extends DType = DType> {
  /** [sampleCount, inputSize] row-major. */
  readonly inputs: DatasetInputs<D>;
  /** [sampleCount, targetWidth] row-major. */
  readonly targets: Float64Array;
  readonly targetWidth: number;
  /** Whether the targets came in as integers: by the type of their array, or number by number. */
  readonly integerTargets: boolean;
  /** How often each sample counts; undefined if each counts once. */
  readonly weights: Float64Array | undefined;
}

/** All that makes up a dataset; arrays in it are handed over, not copied.
 *  @internal */
export interface DatasetParts<D extends DType = DType> extends DatasetValues<D> {
  readonly dtype: D;
  readonly inputShape: readonly number[];
  readonly classCount: number | undefined;
}

/** Options of {@link Dataset.split}. */
export interface SplitOptions {
  /** A fraction in (0, 1), rounded to whole samples and at least one; or a number of samples. */
  readonly test: number;
  /** Of the shuffle; default 0. */
  readonly seed?: number | undefined;
}

/** Options of {@link Dataset.standardize}. */
export interface StandardizeOptions {
  /** Mean and variance are those over all samples of these datasets together; default: the dataset
   *  itself. */
  readonly over?: Dataset | readonly Dataset[] | undefined;
}

// Registered, so that datasets of a second copy of the library are known too.
const brand = Symbol.for('eigenscape.Dataset');

const splitOptions = optionsOf({ test: v.number('a fraction or a count'), seed: seedOption });

/** Immutable; `createDataset` and the loaders make it. With `stream: true` the loaders leave the inputs
 *  on disk: every call reads them chunk by chunk, as it needs them, and gives the same bits as from memory.
 *  The files stay open until the dataset, and all that were made from it, are disposed or collected; one
 *  that is changed meanwhile is ERR_DATA at the next call. */
export class Dataset<D extends DType = DType> {
  readonly sampleCount: number;
  /** Shape of one sample. */
  readonly inputShape: readonly number[];
  /** Entries of one sample: the product of inputShape. */
  readonly inputSize: number;
  /** Entries of one sample's target. */
  readonly targetWidth: number;
  /** 1 + the largest target, when each sample has one and all are integers of at least 0; the
   *  row width, when targets are rows of probabilities, summing to 1 within 1e-6; else
   *  undefined. Subsets keep it. */
  readonly classCount: number | undefined;
  /** How inputs are kept: 'float32' if they were given as a Float32Array. */
  readonly dtype: D;
  /** Whether the inputs stay on disk. */
  readonly streamed: boolean;
  readonly [brand] = true;
  #values: DatasetValues<D> | undefined;
  readonly #engineCopies = new Map<string, SamplesHandle>();

  private constructor({ dtype, inputShape, classCount, ...values }: DatasetParts<D>) {
    this.dtype = dtype;
    this.inputShape = Object.freeze([...inputShape]);
    this.inputSize = inputShape.reduce((product, extent) => product * extent, 1);
    this.sampleCount = values.targets.length / values.targetWidth;
    this.streamed = isStored(values.inputs);
    this.targetWidth = values.targetWidth;
    this.classCount = classCount;
    this.#values = values;
  }

  /** @internal */
  static from<D extends DType>(parts: DatasetParts<D>): Dataset<D> {
    return new Dataset(parts);
  }

  /** @internal */
  get values(): DatasetValues<D> {
    if (this.#values !== undefined) return this.#values;
    throw new EigenscapeError('ERR_DISPOSED', 'the dataset was disposed; load or create another', {
      details: { what: 'dataset' },
    });
  }

  /** What the engine holds of this dataset under `key`, made at the first call, freed with the dataset.
   *  @internal */
  engineCopy(key: string, make: () => SamplesHandle): SamplesHandle {
    const copy = this.#engineCopies.get(key) ?? make();
    this.#engineCopies.set(key, copy);
    return copy;
  }

  /** A copy of the inputs, [sampleCount, inputSize] row-major.
   *  @throws EigenscapeError ERR_SPEC when they stay on disk: see {@link load} */
  inputs(): ArrayOf[D] {
    const { inputs } = this.values;
    if (isStored(inputs)) {
      throw new EigenscapeError(
        'ERR_SPEC',
        'inputs: the inputs of this dataset stay on disk; read some of them into memory with ' +
          'await data.take(count).load()',
        { details: { call: 'inputs', sampleCount: this.sampleCount } },
      );
    }
    const copy = allocate(this.dtype, inputs.length);
    copy.set(inputs);
    return copy;
  }

  /** The same dataset with its inputs in memory.
   *  @throws EigenscapeError (rejects) ERR_DATA when a file was changed or an entry is not finite,
   *  ERR_MEMORY when the inputs do not fit
   *  @example (await data.subset([7]).load()).inputs() */
  async load(options: LongCallOptions = {}): Promise<Dataset<D>> {
    parseLongCall('load', options);
    const { values } = this;
    const { inputs: rows } = values;
    if (!isStored(rows)) return this.#with(values);
    const entries = this.sampleCount * this.inputSize;
    requireMemory(
      entries * (this.dtype === 'float32' ? 4 : 8),
      `data of ${entries} numbers`,
      'take fewer: data.take(count)',
    );
    const inputs = allocate(this.dtype, entries);
    await runJob(options, (job) => addon().readRows(rows, inputs, job));
    return this.#with({ ...values, inputs });
  }

  /** Frees what the engine holds of the data now, not when the garbage collector comes by, and closes
   *  files that nothing else reads. Calls under way and operators go on; datasets made from it stay. */
  [Symbol.dispose](): void {
    const rows = this.#values && isStored(this.#values.inputs) ? [this.#values.inputs] : [];
    const handles: (SamplesHandle | RowsHandle)[] = [...this.#engineCopies.values(), ...rows];
    for (const handle of handles) addon().release(handle);
    this.#engineCopies.clear();
    this.#values = undefined;
  }

  /** A copy of the targets, [sampleCount, targetWidth] row-major. */
  targets(): Float64Array {
    return this.values.targets.slice();
  }

  /** A copy of the sample weights, or undefined if every sample counts once. */
  weights(): Float64Array | undefined {
    return this.values.weights?.slice();
  }

  /** The first `count` samples.
   *  @throws EigenscapeError ERR_SPEC unless 1 ≤ count ≤ sampleCount */
  take(count: number): Dataset<D> {
    if (!Number.isSafeInteger(count) || count < 1 || count > this.sampleCount) {
      throw new EigenscapeError(
        'ERR_SPEC',
        `take: count is ${describeValue(count)}; expected an integer from 1 to ` +
          `${this.sampleCount}, the number of samples`,
        { details: { count, sampleCount: this.sampleCount } },
      );
    }
    return this.#select(Uint32Array.from({ length: count }, (_, index) => index));
  }

  /** The samples with these indices, in this order; an index may come twice.
   *  @throws EigenscapeError ERR_SPEC for an index that is no sample, ERR_SHAPE when there is
   *  none */
  subset(indices: ArrayLike<number>): Dataset<D> {
    const chosen = Array.from(indices);
    if (chosen.length === 0) {
      throw new EigenscapeError('ERR_SHAPE', 'subset: no index given; expected at least one', {
        details: { call: 'subset', given: 0 },
      });
    }
    const bad = chosen.findIndex(
      (index) => !Number.isSafeInteger(index) || index < 0 || index >= this.sampleCount,
    );
    if (bad >= 0) {
      throw new EigenscapeError(
        'ERR_SPEC',
        `subset: indices[${bad}] is ${describeValue(chosen[bad])}; expected an integer from 0 ` +
          `to ${this.sampleCount - 1}`,
        {
          details: {
            call: 'subset',
            index: bad,
            value: chosen[bad],
            sampleCount: this.sampleCount,
          },
        },
      );
    }
    return this.#select(chosen);
  }

  /** Two disjoint datasets that together hold every sample, in seeded random order.
   *  @throws EigenscapeError ERR_SPEC when either would be empty */
  split(options: SplitOptions): { readonly train: Dataset<D>; readonly test: Dataset<D> } {
    const { test, seed } = parseOptions('split', splitOptions, options);
    const count = test > 0 && test < 1 ? Math.max(1, Math.round(test * this.sampleCount)) : test;
    if (!Number.isSafeInteger(count) || count < 1 || count >= this.sampleCount) {
      throw new EigenscapeError(
        'ERR_SPEC',
        `split: test is ${test}; expected a fraction between 0 and 1, or a count from 1 to ` +
          `${this.sampleCount - 1}, so that of ${this.sampleCount} samples some remain for ` +
          'training',
        { details: { test, sampleCount: this.sampleCount } },
      );
    }
    const order = createRandom(seed).permutation(this.sampleCount);
    const trainCount = this.sampleCount - count;
    return {
      train: this.#select(order.subarray(0, trainCount)),
      test: this.#select(order.subarray(trainCount)),
    };
  }

  /** Every input column shifted and scaled to mean 0 and variance 1 (over the population, samples
   *  counted by weight); columns that are constant become 0. Targets and weights stay.
   *
   *  Without options over this dataset itself. So that training and test data are scaled by the
   *  same numbers, say over which: `test.standardize({ over: train })` uses those of the training
   *  data, `{ over: [train, test] }` those of both, as standardizing before `split` does.
   *
   *  Of data that stays on disk the numbers are found in two passes when they are first needed; what is
   *  thrown below is then thrown by the call that needs them.
   *  @throws EigenscapeError ERR_SHAPE when `over` has another inputSize, ERR_NUMERIC when a
   *  spread or a result is beyond the range of the dataset's numbers */
  standardize(options: StandardizeOptions = {}): Dataset<D> {
    const over = options.over ?? this;
    const references: readonly Dataset[] = isDataset(over) ? [over] : over;
    checkReferences(references, this.inputSize);
    const inputs = standardizeInputs(
      this.values.inputs,
      references.map((reference) => reference.values),
      { dtype: this.dtype, width: this.inputSize },
    );
    return this.#with({ ...this.values, inputs });
  }

  #select(indices: ArrayLike<number>): Dataset<D> {
    const { inputs, targets, targetWidth, integerTargets, weights } = this.values;
    const chosenTargets = new Float64Array(indices.length * targetWidth);
    const chosenWeights = weights && new Float64Array(indices.length);
    for (let place = 0; place < indices.length; place++) {
      const sample = indices[place] ?? 0;
      copyRow(targets, sample, chosenTargets, place, targetWidth);
      if (weights && chosenWeights) copyRow(weights, sample, chosenWeights, place, 1);
    }
    if (chosenWeights?.every((weight) => weight === 0) === true) {
      throw new EigenscapeError(
        'ERR_DATA',
        `All ${indices.length} chosen samples have weight 0; at least one must count`,
        { details: { sampleCount: indices.length } },
      );
    }
    return this.#with({
      inputs: selectInputs(inputs, indices, { dtype: this.dtype, width: this.inputSize }),
      targets: chosenTargets,
      targetWidth,
      integerTargets,
      weights: chosenWeights,
    });
  }

  #with(values: DatasetValues<D>): Dataset<D> {
    const { dtype, inputShape, classCount } = this;
    return new Dataset({ dtype, inputShape, classCount, ...values });
  }
}

/** True for datasets, also those of a second copy of the library in the same process. */
export function isDataset(value: unknown): value is Dataset {
  return typeof value === 'object' && value !== null && brand in value;
}

function checkReferences(references: unknown, inputSize: number): void {
  if (!Array.isArray(references) || references.length === 0 || !references.every(isDataset)) {
    throw new EigenscapeError(
      'ERR_SPEC',
      `standardize: over is ${describeValue(references)}; expected a dataset or an array of them`,
      { details: { call: 'standardize', option: 'over' } },
    );
  }
  const index = references.findIndex((reference) => reference.inputSize !== inputSize);
  if (index < 0) return;
  const given = references[index]?.inputSize;
  throw new EigenscapeError(
    'ERR_SHAPE',
    `standardize: dataset ${index} of over has ${given} inputs a sample; expected ${inputSize}`,
    { details: { index, given, expected: inputSize } },
  );
}

function copyRow(
  from: Float64Array,
  row: number,
  into: Float64Array,
  place: number,
  width: number,
): void {
  into.set(from.subarray(row * width, (row + 1) * width), place * width);
}
