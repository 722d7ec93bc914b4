// Figures 4 and 6 of Sagun et al. 2017: one convolutional network trained on the same 1,000 images with small and with
// large batches, at one fixed learning rate, for the same number of steps. Claims: the large batch leaves as
// many outliers, but larger ones (F4); some eigenvalues stay negative, far smaller than the outliers (F6).
//
// The paper fixes: 1,000 MNIST examples, two blocks of convolution, ReLU and maximum, two dense layers, batches of 10
// and 512, the 40 largest eigenvalues, the negative end up to 2 % of M. We chose: sizes of the layers, five
// seeds (each gives both runs the same start), batches reshuffled in every pass, the elbow of the 40 largest
// (elbow.ts) as threshold, fixed before any run, a rate of 0.05. Both runs of a seed take as many steps as the small
// batch needs until it fits the data, in whole thousands: before that it is still under way, having seen one
// image where the large batch has seen fifty, and its spectrum is that of a higher loss.

import { hessian } from '../curvature/operator.js';
import type { Dataset } from '../data/dataset.js';
import { digits } from '../data/digits.js';
import { createNetwork } from '../network/create-network.js';
import type { Network } from '../network/network.js';
import { defineNetwork } from '../network/spec.js';
import type { NetworkSpec } from '../network/spec.js';
import type { LongCallOptions } from '../progress.js';
import { countOutliers } from '../spectrum/outliers.js';
import { extremalEigenpairs } from '../spectrum/extremal-eigenpairs.js';
import { sgd } from '../training/optimizer.js';
import type { TrainingState } from '../training/state.js';
import { train } from '../training/train.js';
import { digestOf } from './data-digest.js';
import { elbowThreshold } from './elbow.js';
import { defineExperiment, manifestOf } from './experiment.js';
import type { Running, Scale } from './experiment.js';
import { checkF4, drawF4, summarizeF4, tabulateF4 } from './f4-figure.js';
import { mnistImages, shrunken } from './image-sets.js';
import { stageProgress } from './stage-progress.js';

const SAMPLES = 1000;
const LEARNING_RATE = 0.05;
/** Below it the data are fitted; looked at after every so many steps, and so often at most. */
const FITTED = { loss: 0.01, every: 1000, times: 30 } as const;
const SEEDS = 5;
export const BATCHES = [10, 512] as const;
/** As many as the paper plots. */
const LARGEST = 40;
/** Of M: as far as the paper plots the negative end. */
const NEGATIVE_SHARE = 0.02;
const SIZES = {
  demo: { filters: [4, 8], kernelSize: 3, padding: 1, units: 16 },
  paper: { filters: [10, 20], kernelSize: 5, padding: 0, units: 50 },
} as const;

/** One network, trained. */
export interface F4Run {
  readonly seed: number;
  readonly batch: number;
  readonly steps: number;
  readonly loss: number;
  readonly parameterCount: number;
  /** Descending. */
  readonly largest: readonly number[];
  /** Ascending: the least 2 % of M. */
  readonly smallest: readonly number[];
  /** The largest ‖Hv − λv‖ over all pairs. */
  readonly residual: number;
  readonly converged: boolean;
  readonly threshold: number;
  readonly counts: { readonly elbow: number; readonly gap: number; readonly ratio: number };
}

export interface F4Result {
  readonly experiment: 'f4';
  readonly seed: number;
  readonly scale: Scale;
  readonly data: string;
  readonly digest: string;
  /** Two of each seed: the small batch, then the large. */
  readonly runs: readonly F4Run[];
}

export const f4BatchSizes = defineExperiment<F4Result>({
  id: 'f4',
  title: 'Figures 4 and 6: large batches leave as many outliers as small ones, but larger',
  run: runF4,
  check: checkF4,
  tabulate: tabulateF4,
  draw: drawF4,
  summarize: summarizeF4,
  manifest: ({ seed, scale, data, digest, runs }) =>
    manifestOf('F4 and F6', {
      seed,
      seeds: runs.length / BATCHES.length,
      scale,
      network:
        `2 × (convolution, ReLU, maximum), dense ${SIZES[scale].units}, ReLU, dense 10; ` +
        `filters ${SIZES[scale].filters.join(' and ')} of ${SIZES[scale].kernelSize} × ${SIZES[scale].kernelSize}`,
      loss: 'softmax cross-entropy',
      data,
      'data, SHA-256': digest,
      samples: SAMPLES,
      'initial weights': 'PyTorch’s',
      'learning rate': LEARNING_RATE,
      batches: BATCHES,
      order: 'shuffled in every pass',
      steps: runs.flatMap(({ batch, steps }) => (batch === BATCHES[0] ? [steps] : [])),
      'rule for steps':
        `of both runs of a seed: until the loss of the small batch is below ${FITTED.loss}, ` +
        `looked at every ${FITTED.every} steps, ${FITTED.every * FITTED.times} at most`,
      'threshold rule': `elbow of the ${LARGEST} largest`,
      arithmetic: 'float64',
    }),
});

async function runF4({
  seed: first,
  scale,
  dataDirectory,
  piece,
  onProgress,
  ...options
}: Running): Promise<F4Result> {
  const { data, name } = await images(scale, dataDirectory);
  const stage = stageProgress('runs', SEEDS * BATCHES.length, onProgress);
  const { signal, threads } = options;
  const runs: F4Run[] = [];
  for (let seed = first; seed < first + SEEDS; ++seed) {
    let steps: number | undefined;
    for (const batch of BATCHES) {
      const choice = { seed, batch, steps, scale, signal, threads };
      const run = await piece(`seed-${seed}-batch-${batch}`, () => measureRun(data, choice));
      steps ??= run.steps;
      runs.push(run);
      stage.finished(1);
    }
  }
  return { experiment: 'f4', seed: first, scale, data: name, digest: digestOf(data), runs };
}

async function images(
  scale: Scale,
  directory: string | undefined,
): Promise<{ readonly data: Dataset<'float64'>; readonly name: string }> {
  if (scale === 'demo' && directory === undefined) {
    const data = digits({ shape: 'image' }).standardize().take(SAMPLES);
    return { data, name: 'UCI digits, standardized' };
  }
  const { data, name } = await mnistImages('f4', directory, 'float64');
  const taken = data.take(SAMPLES);
  if (scale === 'paper') return { data: taken, name };
  const small = shrunken(taken, 8).standardize();
  return {
    data: small,
    name: `${name}, averaged to ${small.inputShape.slice(1).join(' × ')}, standardized`,
  };
}

interface RunChoice extends LongCallOptions {
  readonly seed: number;
  readonly batch: number;
  /** Undefined: until the data are fitted. */
  readonly steps: number | undefined;
  readonly scale: Scale;
}

/** Trains one network and measures both ends of its Hessian. */
async function measureRun(
  data: Dataset<'float64'>,
  { scale, ...choice }: RunChoice,
): Promise<F4Run> {
  const { seed, batch, signal, threads } = choice;
  const options = { signal, threads };
  using network = createNetwork(specOf(data.inputShape, scale), { seed, dtype: 'float64' });
  const { steps, loss } = await fit(network, data, choice);
  const { parameterCount } = network;
  using operator = hessian(network, data);
  const ends = await extremalEigenpairs(operator, {
    largest: LARGEST,
    smallest: Math.ceil(NEGATIVE_SHARE * parameterCount),
    ...options,
  });
  const descending = Array.from(ends.largest.values);
  const ascending = [...descending].reverse();
  const threshold = elbowThreshold(ascending, LARGEST);
  const both = [ends.largest, ends.smallest];
  return {
    seed,
    batch,
    steps,
    loss,
    parameterCount,
    largest: descending,
    smallest: Array.from(ends.smallest.values),
    residual: Math.max(...both.flatMap(({ residualNorms }) => Array.from(residualNorms))),
    converged: both.every(({ converged }) => converged.every(Boolean)),
    threshold,
    counts: {
      elbow: countOutliers(ascending, { method: 'threshold', threshold }).count,
      gap: countOutliers(ascending, { method: 'gap', among: LARGEST }).count,
      ratio: countOutliers(ascending, { method: 'ratio', among: LARGEST }).count,
    },
  };
}

/** Trains so many steps, or until the data are fitted. */
async function fit(
  network: Network<'float64'>,
  data: Dataset,
  { seed, batch, steps, ...options }: Omit<RunChoice, 'scale'>,
): Promise<{ readonly steps: number; readonly loss: number }> {
  let resumeFrom: TrainingState<'float64'> | undefined;
  for (let times = 1; ; ++times) {
    const { state, records } = await train(network, data, {
      optimizer: sgd({ learningRate: LEARNING_RATE }),
      batchSize: batch,
      order: 'shuffled',
      steps: FITTED.every,
      recordEvery: FITTED.every,
      seed,
      resumeFrom,
      ...options,
    });
    resumeFrom = state;
    const loss = records.at(-1)?.loss ?? NaN;
    const enough = steps === undefined ? loss < FITTED.loss : state.step >= steps;
    if (enough || times === FITTED.times) return { steps: state.step, loss };
  }
}

function specOf(input: readonly number[], scale: Scale): NetworkSpec {
  const { filters, kernelSize, padding, units } = SIZES[scale];
  return defineNetwork({
    input: [...input],
    layers: [
      ...filters.flatMap((count) => [
        { type: 'conv2d', filters: count, kernelSize, padding } as const,
        { type: 'relu' } as const,
        { type: 'maxPool2d', size: 2 } as const,
      ]),
      { type: 'flatten' },
      { type: 'dense', units },
      { type: 'relu' },
      { type: 'dense', units: 10 },
    ],
    loss: 'softmaxCrossEntropy',
  });
}
