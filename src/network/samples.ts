// A dataset as the engine holds it for one network: checked against it once, and kept.

import { isDataset } from '../data/dataset.js';
import type { Dataset } from '../data/dataset.js';
import type { DType } from '../data/dtype.js';
import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import { callEngine } from '../long-call.js';
import { addon } from '../native.js';
import type { SamplesHandle } from '../native.js';
import type { LossObject } from './spec.js';
import { readTargets } from './targets.js';

/** What decides how a dataset is read. */
export interface SamplesUse {
  readonly input: readonly number[];
  readonly outputs: number;
  readonly loss: LossObject;
  readonly dtype: DType;
}

function requireFit(dataset: Dataset, use: SamplesUse): void {
  if (!isDataset(dataset)) {
    throw new EigenscapeError(
      'ERR_DATA',
      `the data is no dataset; make one with createDataset({ inputs, targets }) (given ${describeValue(dataset)})`,
      { details: { value: dataset } },
    );
  }
  const expected = use.input.reduce((product, extent) => product * extent, 1);
  if (dataset.inputSize !== expected) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `samples of the dataset have shape [${dataset.inputShape.join(', ')}], but the network's input is [${use.input.join(', ')}]`,
      { details: { inputShape: dataset.inputShape, expected: use.input } },
    );
  }
}

/** @throws EigenscapeError ERR_SHAPE or ERR_DATA when the dataset does not fit, before any computing */
export function samplesFor(dataset: Dataset, use: SamplesUse): SamplesHandle {
  requireFit(dataset, use);
  const ignore = use.loss.type === 'softmaxCrossEntropy' ? use.loss.ignoreIndex : undefined;
  const key = JSON.stringify([use.dtype, use.outputs, use.loss.type, ignore]);
  return dataset.engineCopy(key, () => {
    const { inputs, weights } = dataset.values;
    const targets = readTargets(dataset, use.loss, use.outputs);
    const { sampleCount: count, inputSize } = dataset;
    return callEngine(() =>
      addon().createSamples({ count, inputSize, inputs, ...targets, weights }, use.dtype),
    );
  });
}
