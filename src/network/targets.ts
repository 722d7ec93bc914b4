// What a loss makes of a dataset's targets: classes, or rows of values; refused where they do not fit.

import type { Dataset } from '../data/dataset.js';
import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import type { LossObject } from './spec.js';

/** Classes with −1 where a sample is ignored [N], or rows of values [N, outputs]. */
export type LossTargets = { readonly classes: Int32Array } | { readonly rows: Float64Array };

function misfit(dataset: Dataset, outputs: number, expected: string): EigenscapeError {
  return new EigenscapeError(
    'ERR_SHAPE',
    `each target has ${String(dataset.targetWidth)} entries, but the network has ${String(outputs)} outputs; expected ${expected}`,
    { details: { targetWidth: dataset.targetWidth, outputs } },
  );
}

function badTarget(sample: number, value: number, expected: string): EigenscapeError {
  return new EigenscapeError(
    'ERR_DATA',
    `the target of sample ${String(sample)} is ${describeValue(value)}; expected ${expected}`,
    { details: { sample, value } },
  );
}

function readClasses(targets: Float64Array, outputs: number, ignoreIndex: number | undefined) {
  const classes = new Int32Array(targets.length);
  targets.forEach((value, sample) => {
    const ignored = value === ignoreIndex;
    if (!ignored && !(Number.isInteger(value) && value >= 0 && value < outputs)) {
      const ignoring = ignoreIndex === undefined ? '' : `, or ignoreIndex ${String(ignoreIndex)}`;
      throw badTarget(
        sample,
        value,
        `a class from 0 to ${String(outputs - 1)}, for a network of ${String(outputs)} outputs${ignoring}`,
      );
    }
    classes[sample] = ignored ? -1 : value;
  });
  return { classes };
}

function readProbabilities(targets: Float64Array, outputs: number) {
  for (let sample = 0; sample * outputs < targets.length; sample += 1) {
    const row = targets.subarray(sample * outputs, (sample + 1) * outputs);
    const outside = row.find((value) => value < 0 || value > 1);
    if (outside !== undefined) {
      throw badTarget(sample, outside, 'class probabilities from 0 to 1');
    }
    const sum = row.reduce((total, value) => total + value, 0);
    if (Math.abs(sum - 1) > 1e-6) {
      throw new EigenscapeError(
        'ERR_DATA',
        `the class probabilities of sample ${String(sample)} sum to ${String(sum)}; expected 1 (within 1e-6)`,
        { details: { sample, sum } },
      );
    }
  }
  return { rows: targets };
}

function readBinary(targets: Float64Array, outputs: number) {
  const bad = targets.findIndex((value) => value < 0 || value > 1);
  if (bad >= 0) {
    throw badTarget(Math.floor(bad / outputs), targets[bad] ?? NaN, 'values from 0 to 1');
  }
  return { rows: targets };
}

/** @throws EigenscapeError ERR_DATA naming the sample, its value and the allowed range; ERR_SHAPE when
 *  targets are not as wide as the loss needs */
export function readTargets(dataset: Dataset, loss: LossObject, outputs: number): LossTargets {
  const { targets, targetWidth } = dataset.values;
  switch (loss.type) {
    case 'softmaxCrossEntropy':
      if (targetWidth === 1) return readClasses(targets, outputs, loss.ignoreIndex);
      if (targetWidth === outputs) return readProbabilities(targets, outputs);
      throw misfit(dataset, outputs, 'one class per sample, or a row of probabilities');
    case 'meanSquaredError':
      if (targetWidth === outputs) return { rows: targets };
      throw misfit(dataset, outputs, 'one value per output (classes as rows, one-hot)');
    case 'binaryCrossEntropy':
      if (targetWidth === outputs) return readBinary(targets, outputs);
      throw misfit(dataset, outputs, 'one value from 0 to 1 per output');
    case 'custom':
      return { rows: new Float64Array(0) }; // its functions read the dataset's own
  }
}
