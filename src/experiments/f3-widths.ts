// Figures 3 and 5 of Sagun et al. 2017: one hidden layer of four widths on the same 1,000 images, trained by the same
// steps. Claims: the 120 largest eigenvalues coincide, so width adds no outliers (F3); the negative ends take
// one shape against rank / M, orders of magnitude below the outliers (F5).
//
// With one hidden ReLU layer R = [[0, B], [Bᵀ, 0]] with rank B ≤ n(C − 1), so at most (C − 1)·n eigenvalues
// of H are negative at width n. The paper fixes: n = 10, 30, 50, 70, 1,000 MNIST examples, the same step
// size and number of iterations. We chose: the whole spectrum instead of 120 values, gradient descent with
// learning rate 0.1, PyTorch's initial weights, pixels from 0 to 1; at demo scale the embedded digits (64 inputs)
// instead of MNIST, 1,000 steps, medians over three seeds.
//
// n = 10 is narrow for ten classes: in some runs it ends at a higher loss than the others, and its eigenvalues
// are larger by as much. The more steps, the larger that difference; between n = 30, 50 and 70 it stays at 3 %. (With standardized
// columns instead of pixels from 0 to 1, all depends on the seed: 11 to 21 % after 400 steps.)

import { createDataset } from '../data/create-dataset.js';
import { digits } from '../data/digits.js';
import type { Dataset } from '../data/dataset.js';
import { createNetwork } from '../network/create-network.js';
import { defineNetwork } from '../network/spec.js';
import type { LongCallOptions } from '../progress.js';
import { numberText } from '../report/number-text.js';
import { spectrum } from '../spectrum/spectrum.js';
import { sgd } from '../training/optimizer.js';
import { train } from '../training/train.js';
import { digestOf } from './data-digest.js';
import { defineExperiment, manifestOf } from './experiment.js';
import type { Running } from './experiment.js';
import { handwritten } from './handwritten.js';
import type { Handwritten } from './handwritten.js';
import { stageProgress } from './stage-progress.js';
import { median } from './two-blobs.js';

const WIDTHS = [10, 30, 50, 70] as const;
const CLASSES = 10;
const SAMPLES = 1000;
const LEARNING_RATE = 0.1;
const STEPS = { demo: 1000, paper: 5000 } as const;
const SEEDS = 3;
/** The largest pixel of the embedded digits; MNIST's are scaled when they are read. */
const WHITE = 16;
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
  /** SHA-256 of the data. */
  readonly digest: string;
  readonly steps: number;
  /** One for each seed. */
  readonly runs: readonly F3Run[];
}

export interface F3Run {
  readonly seed: number;
  readonly widths: readonly Width[];
}

export const f3Widths = defineExperiment<F3Result>({
  id: 'f3',
  title: 'Figures 3 and 5: the same outliers and the same negative end at every width',
  run: runF3,
  check: ({ runs }) => {
    const [spreads, factors] = [runs.map(spreadOfLargest), runs.map(spreadOfNegatives)];
    const counts = WIDTHS.map((units) => ({ units, found: negativesAt(runs, units) }));
    return {
      largestCoincide: {
        claim:
          `The ${LARGEST} largest eigenvalues coincide: std/mean over widths is below 15 % ` +
          '(median over ranks, and over seeds).',
        holds: median(spreads) < 0.15,
        measured: `${numberText(100 * median(spreads))} %; by seed ${spreads.map((each) => numberText(100 * each)).join(', ')} %`,
      },
      fewNegatives: {
        claim: `At most ${CLASSES - 1}·n eigenvalues are negative at width n, in every run.`,
        holds: counts.every(({ units, found }) => Math.max(...found) <= (CLASSES - 1) * units),
        measured: counts
          .map(({ units, found }) => `${found.join(', ')} at n = ${units}`)
          .join('; '),
      },
      oneShape: {
        claim:
          'Against rank / M from 0.1 to 1.0 % the negative ends agree within a factor of 2 (median over seeds).',
        holds: median(factors) < 2,
        measured: `a factor of ${numberText(median(factors))} at most; by seed ${factors.map((each) => numberText(each)).join(', ')}`,
      },
    };
  },
  tabulate: ({ runs }) => [
    {
      caption: 'After training; negative eigenvalues are counted beyond the error estimate.',
      columns: ['run', 'M', 'loss', 'largest', 'rank 10', `rank ${LARGEST}`, 'least', 'negative'],
      rows: runs.flatMap(({ seed, widths }) =>
        widths.map((width) => [
          `seed ${seed}, n = ${width.units}`,
          width.parameterCount,
          width.loss,
          ...[1, 10, LARGEST].map((rank) => width.eigenvalues.at(-rank) ?? NaN),
          width.eigenvalues[0] ?? NaN,
          countNegative(width),
        ]),
      ),
    },
  ],
  draw: ({ runs: [{ widths } = { widths: [] }] }) => [
    {
      kind: 'lines',
      title: 'The largest eigenvalues coincide at four widths',
      subtitle: `The ${LARGEST} largest eigenvalues of the Hessian after training, in order; the first seed.`,
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
      subtitle: 'The least eigenvalues in order, up to 2 % of M; the first seed.',
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
  summarize: ({ runs }) =>
    `The ${LARGEST} largest eigenvalues of four widths differ by ${numberText(100 * median(runs.map(spreadOfLargest)), 2)} % ` +
    `(std/mean, median over ranks); the negative ends by a factor of ${numberText(median(runs.map(spreadOfNegatives)), 2)} at most ` +
    `(medians over ${runs.length} seeds).`,
  manifest: ({ seed, data, digest, steps, runs }) =>
    manifestOf('F3 and F5', {
      seed,
      seeds: runs.length,
      network: `inputs-n-${CLASSES} ReLU, n = ${WIDTHS.join(', ')}`,
      loss: 'softmax cross-entropy',
      data,
      'data, SHA-256': digest,
      samples: SAMPLES,
      'initial weights': 'PyTorch’s',
      optimizer: `gradient descent, learning rate ${LEARNING_RATE}`,
      steps,
      arithmetic: 'float64',
    }),
});

async function runF3({
  seed: first,
  scale,
  dataDirectory,
  piece,
  onProgress,
  signal,
  threads,
}: Running): Promise<F3Result> {
  const steps = STEPS[scale];
  const { data, name } =
    scale === 'demo'
      ? pixelsOfDigits()
      : await handwritten('f3', SAMPLES, { scale, dataDirectory });
  const stage = stageProgress('networks', SEEDS * WIDTHS.length, onProgress);
  const runs: F3Run[] = [];
  for (let seed = first; seed < first + SEEDS; ++seed) {
    const widths: Width[] = [];
    for (const units of WIDTHS) {
      const measure = () => measureWidth(units, { data, seed, steps, signal, threads });
      widths.push(await piece(`seed-${seed}-width-${units}`, measure));
      stage.finished(1);
    }
    runs.push({ seed, widths });
  }
  return { experiment: 'f3', seed: first, data: name, digest: digestOf(data), steps, runs };
}

/** The embedded digits with pixels from 0 to 1, as MNIST's are read. */
function pixelsOfDigits(): Handwritten {
  const all = digits();
  const inputs = all.inputs().map((pixel) => pixel / WHITE);
  const data = createDataset({ inputs, targets: all.targets(), inputShape: all.inputShape });
  return { data: data.take(SAMPLES), name: 'UCI digits, pixels from 0 to 1' };
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

function negativesAt(runs: readonly F3Run[], units: number): readonly number[] {
  return runs.flatMap(({ widths }) =>
    widths.filter((width) => width.units === units).map(countNegative),
  );
}

function countNegative({ eigenvalues, errorEstimate }: Width): number {
  return eigenvalues.filter((value) => value < -errorEstimate).length;
}

/** std/mean over widths of the eigenvalue of each rank: the median over ranks. */
function spreadOfLargest({ widths }: F3Run): number {
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
function spreadOfNegatives({ widths }: F3Run): number {
  return Math.max(
    ...SHARES.map((share) => {
      const moduli = widths.map(({ eigenvalues, parameterCount }) =>
        Math.abs(eigenvalues[Math.max(0, Math.round(share * parameterCount) - 1)] ?? NaN),
      );
      return Math.max(...moduli) / Math.min(...moduli);
    }),
  );
}
