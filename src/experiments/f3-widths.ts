// Figures 3 and 5 of Sagun et al. 2017: one hidden layer of four widths on the same 1,000 images, trained by the same
// steps. Claims: the 120 largest eigenvalues coincide, so width adds no outliers (F3); the negative ends take
// one shape against rank / M, orders of magnitude below the outliers (F5).
//
// With one hidden ReLU layer R = [[0, B], [Bᵀ, 0]] with rank B ≤ n(C − 1), so at most (C − 1)·n eigenvalues
// of H are negative at width n. The paper fixes: n = 10, 30, 50, 70, 1,000 MNIST examples, the same step
// size and number of iterations. We chose: the whole spectrum instead of 120 values; at demo scale the
// embedded digits (64 inputs) instead of MNIST, gradient descent with learning rate 0.1, PyTorch's
// initial weights, 400 steps as in figure 1. There n = 10 is narrow for ten classes: it ends at a higher loss.

import { digits } from '../data/digits.js';
import type { Dataset } from '../data/dataset.js';
import { loadMnist } from '../data/idx.js';
import { EigenscapeError } from '../errors.js';
import { createNetwork } from '../network/network.js';
import { defineNetwork } from '../network/spec.js';
import type { LongCallOptions } from '../progress.js';
import { numberText } from '../report/number-text.js';
import { spectrum } from '../spectrum/spectrum.js';
import { sgd } from '../training/optimizer.js';
import { train } from '../training/train.js';
import { defineExperiment, manifestOf } from './experiment.js';
import type { Running } from './experiment.js';
import { stageProgress } from './stage-progress.js';
import { median } from './two-blobs.js';

const WIDTHS = [10, 30, 50, 70] as const;
const CLASSES = 10;
const SAMPLES = 1000;
const LEARNING_RATE = 0.1;
const STEPS = { demo: 400, paper: 5000 } as const;
/** As many as the paper plots. */
const LARGEST = 120;
/** Shares of M at which the negative ends are compared. */
const SHARES = [0.001, 0.002, 0.003, 0.005, 0.007, 0.01] as const;

interface Width {
  readonly units: number;
  readonly parameterCount: number;
  readonly loss: number;
  readonly errorEstimate: number;
  /** Ascending, all of them. */
  readonly eigenvalues: readonly number[];
}

export interface F3Result {
  readonly experiment: 'f3';
  readonly seed: number;
  readonly data: string;
  readonly steps: number;
  readonly widths: readonly Width[];
}

export const f3Widths = defineExperiment<F3Result>({
  id: 'f3',
  title: 'Figures 3 and 5: the same outliers and the same negative end at every width',
  run: runF3,
  check: (result) => {
    const { widths } = result;
    const spread = spreadOfLargest(result);
    const factor = spreadOfNegatives(result);
    const counts = widths.map(countNegative);
    return {
      largestCoincide: {
        claim: `The ${LARGEST} largest eigenvalues coincide: std/mean over widths is below 15 % (median over ranks).`,
        holds: spread < 0.15,
        measured: `${numberText(100 * spread)} %`,
      },
      fewNegatives: {
        claim: `At most ${CLASSES - 1}·n eigenvalues are negative at width n.`,
        holds: widths.every(({ units }, i) => (counts[i] ?? NaN) <= (CLASSES - 1) * units),
        measured: widths.map(({ units }, i) => `${counts[i] ?? NaN} at n = ${units}`).join(', '),
      },
      oneShape: {
        claim: 'Against rank / M from 0.1 to 1.0 % the negative ends agree within a factor of 2.',
        holds: factor < 2,
        measured: `a factor of ${numberText(factor)} at most`,
      },
    };
  },
  tabulate: ({ widths }) => [
    {
      caption: 'After training; negative eigenvalues are counted beyond the error estimate.',
      columns: ['n', 'M', 'loss', 'largest', 'rank 10', `rank ${LARGEST}`, 'least', 'negative'],
      rows: widths.map((width) => [
        String(width.units),
        width.parameterCount,
        width.loss,
        ...[1, 10, LARGEST].map((rank) => width.eigenvalues.at(-rank) ?? NaN),
        width.eigenvalues[0] ?? NaN,
        countNegative(width),
      ]),
    },
  ],
  draw: ({ widths }) => [
    {
      kind: 'lines',
      title: 'The largest eigenvalues coincide at four widths',
      subtitle: `The ${LARGEST} largest eigenvalues of the Hessian after training, in order.`,
      seriesTitle: 'network',
      series: widths.map(({ units, parameterCount, eigenvalues }) => ({
        name: `n = ${units}, M = ${parameterCount.toLocaleString('en')}`,
        x: Array.from({ length: LARGEST }, (_, i) => i + 1),
        y: Array.from({ length: LARGEST }, (_, i) => eigenvalues.at(-1 - i) ?? NaN),
      })),
      x: { title: 'rank', format: 'd' },
      y: { title: 'eigenvalue', scale: 'logarithmic' },
    },
    {
      kind: 'lines',
      title: 'The negative end takes one shape when ranks are counted as shares of M',
      subtitle: 'The least eigenvalues in order, up to 2 % of M.',
      seriesTitle: 'network',
      series: widths.map(({ units, parameterCount, eigenvalues }) => {
        const shown = eigenvalues.slice(0, Math.ceil(0.02 * parameterCount));
        return {
          name: `n = ${units}`,
          x: shown.map((_, i) => (100 * (i + 1)) / parameterCount),
          y: shown,
        };
      }),
      x: { title: 'rank / M, per cent' },
      y: { title: 'eigenvalue' },
    },
  ],
  summarize: (result) =>
    `The ${LARGEST} largest eigenvalues of four widths differ by ${numberText(100 * spreadOfLargest(result), 2)} % ` +
    `(std/mean, median over ranks); the negative ends by a factor of ${numberText(spreadOfNegatives(result), 2)} at most.`,
  manifest: ({ seed, data, steps }) =>
    manifestOf('F3 and F5', {
      seed,
      network: `inputs-n-${CLASSES} ReLU, n = ${WIDTHS.join(', ')}`,
      loss: 'softmax cross-entropy',
      data,
      samples: SAMPLES,
      'initial weights': 'PyTorch’s',
      optimizer: `gradient descent, learning rate ${LEARNING_RATE}`,
      steps,
      arithmetic: 'float64',
    }),
});

async function runF3({
  seed,
  scale,
  dataDirectory,
  piece,
  onProgress,
  signal,
  threads,
}: Running): Promise<F3Result> {
  const steps = STEPS[scale];
  const { data, name } = await images(scale, dataDirectory);
  const stage = stageProgress('widths', WIDTHS.length, onProgress);
  const widths: Width[] = [];
  for (const units of WIDTHS) {
    widths.push(
      await piece(`width-${units}`, () =>
        measureWidth(units, { data, seed, steps, signal, threads }),
      ),
    );
    stage.finished(1);
  }
  return { experiment: 'f3', seed, data: name, steps, widths };
}

async function images(
  scale: 'demo' | 'paper',
  directory: string | undefined,
): Promise<{ readonly data: Dataset; readonly name: string }> {
  if (scale === 'demo') return { data: digits().standardize().take(SAMPLES), name: 'UCI digits' };
  if (directory === undefined) {
    throw new EigenscapeError(
      'ERR_DATA',
      'f3 at the paper’s scale needs MNIST; give the folder of its IDX files by --data-dir',
      { details: { option: '--data-dir' } },
    );
  }
  const { train: all } = await loadMnist(directory, { dtype: 'float64' });
  return { data: all.take(SAMPLES), name: 'MNIST' };
}

async function measureWidth(
  units: number,
  {
    data,
    seed,
    steps,
    ...options
  }: LongCallOptions & {
    readonly data: Dataset;
    readonly seed: number;
    readonly steps: number;
  },
): Promise<Width> {
  const inputs = data.inputShape.reduce((product, extent) => product * extent, 1);
  const spec = defineNetwork({
    input: [inputs],
    layers: [{ type: 'dense', units }, { type: 'relu' }, { type: 'dense', units: CLASSES }],
    loss: 'softmaxCrossEntropy',
  });
  using network = createNetwork(spec, { seed, dtype: 'float64' });
  await train(network, data, {
    optimizer: sgd({ learningRate: LEARNING_RATE }),
    batchSize: 'full',
    steps,
    recordEvery: steps,
    ...options,
  });
  const { terms, loss, parameterCount } = await spectrum(network, data, {
    terms: ['hessian'],
    method: 'dense',
    ...options,
  });
  const { eigenvalues, errorEstimate } = terms.hessian;
  return { units, parameterCount, loss, errorEstimate, eigenvalues: Array.from(eigenvalues) };
}

function countNegative({ eigenvalues, errorEstimate }: Width): number {
  return eigenvalues.filter((value) => value < -errorEstimate).length;
}

/** std/mean over widths of the eigenvalue of each rank: the median over ranks. */
function spreadOfLargest({ widths }: F3Result): number {
  const ranks = Array.from({ length: LARGEST }, (_, i) => i + 1);
  return median(
    ranks.map((rank) => {
      const values = widths.map(({ eigenvalues }) => eigenvalues.at(-rank) ?? NaN);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      return Math.sqrt(squares / (values.length - 1)) / mean;
    }),
  );
}

/** Largest over smallest |λ| of the widths at each share of M: the largest of these. */
function spreadOfNegatives({ widths }: F3Result): number {
  return Math.max(
    ...SHARES.map((share) => {
      const moduli = widths.map(({ eigenvalues, parameterCount }) =>
        Math.abs(eigenvalues[Math.max(0, Math.round(share * parameterCount) - 1)] ?? NaN),
      );
      return Math.max(...moduli) / Math.min(...moduli);
    }),
  );
}
