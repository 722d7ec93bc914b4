// Samples with their targets: an immutable, validated copy of what the caller gave.

import * as v from 'valibot';

import { EigenscapeError } from '../errors.js';
import { describeValue } from '../describe-value.js';
import { optionsOf, parseOptions, seedOption } from '../options.js';
import { createRandom } from './random.js';
import { allocate } from './dtype.js';
import type { ArrayOf, DType } from './dtype.js';
import { applyScales, columnScales } from './standardization.js';

/** A dataset's arrays themselves, for the other rooms, which must not write to them.
 *  @internal */
export interface DatasetValues<D extends DType = DType> {
  /** [sampleCount, inputSize] row-major. */
  readonly inputs: ArrayOf[D];
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

export interface SplitOptions {
  /** A fraction in (0, 1), rounded to whole samples and at least one; or a number of samples. */
  readonly test: number;
  /** Of the shuffle; default 0. */
  readonly seed?: number | undefined;
}

export interface StandardizeOptions {
  /** Mean and variance are those over all samples of these datasets together; default: the dataset
   *  itself. */
  readonly over?: Dataset | readonly Dataset[] | undefined;
}

// Registered, so that datasets of a second copy of the library are known too.
const brand = Symbol.for('eigenscape.Dataset');

const splitOptions = optionsOf({ test: v.number('a fraction or a count'), seed: seedOption });

/** Immutable; `createDataset` and the loaders make it. */
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
  readonly [brand] = true;
  readonly #values: DatasetValues<D>;

  private constructor({ dtype, inputShape, classCount, ...values }: DatasetParts<D>) {
    this.dtype = dtype;
    this.inputShape = Object.freeze([...inputShape]);
    this.inputSize = inputShape.reduce((product, extent) => product * extent, 1);
    this.sampleCount = values.inputs.length / this.inputSize;
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
    return this.#values;
  }

  /** A copy of the inputs, [sampleCount, inputSize] row-major. */
  inputs(): ArrayOf[D] {
    const copy = allocate(this.dtype, this.#values.inputs.length);
    copy.set(this.#values.inputs);
    return copy;
  }

  /** A copy of the targets, [sampleCount, targetWidth] row-major. */
  targets(): Float64Array {
    return this.#values.targets.slice();
  }

  /** A copy of the sample weights, or undefined if every sample counts once. */
  weights(): Float64Array | undefined {
    return this.#values.weights?.slice();
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
      throw new EigenscapeError('ERR_SHAPE', 'subset: no index given; expected at least one');
    }
    const bad = chosen.findIndex(
      (index) => !Number.isSafeInteger(index) || index < 0 || index >= this.sampleCount,
    );
    if (bad >= 0) {
      throw new EigenscapeError(
        'ERR_SPEC',
        `subset: indices[${bad}] is ${describeValue(chosen[bad])}; expected an integer from 0 ` +
          `to ${this.sampleCount - 1}`,
        { details: { position: bad, index: chosen[bad], sampleCount: this.sampleCount } },
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
   *  @throws EigenscapeError ERR_SHAPE when `over` has another inputSize, ERR_NUMERIC when a
   *  spread or a result is beyond the range of the dataset's numbers */
  standardize(options: StandardizeOptions = {}): Dataset<D> {
    const over = options.over ?? this;
    const references: readonly Dataset[] = isDataset(over) ? [over] : over;
    checkReferences(references, this.inputSize);
    const scales = columnScales(
      references.map((reference) => reference.values),
      this.inputSize,
    );
    const inputs = allocate(this.dtype, this.#values.inputs.length);
    applyScales(this.#values.inputs, scales, inputs);
    return this.#with({ ...this.#values, inputs });
  }

  #select(indices: ArrayLike<number>): Dataset<D> {
    const { inputs, targets, targetWidth, integerTargets, weights } = this.#values;
    const chosenInputs = allocate(this.dtype, indices.length * this.inputSize);
    const chosenTargets = new Float64Array(indices.length * targetWidth);
    const chosenWeights = weights && new Float64Array(indices.length);
    for (let place = 0; place < indices.length; place++) {
      const sample = indices[place] ?? 0;
      copyRow(inputs, sample, chosenInputs, place, this.inputSize);
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
      inputs: chosenInputs,
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
  from: Float64Array | Float32Array,
  row: number,
  into: Float64Array | Float32Array,
  place: number,
  width: number,
): void {
  into.set(from.subarray(row * width, (row + 1) * width), place * width);
}
