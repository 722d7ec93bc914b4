// Figure S8 of Sagun, Bottou, LeCun 2016: gradient descent (GD) and stochastic gradient descent (SGD), and the
// straight line between the two at every step, from the same initial point and from two different ones.
// Claim: from one start the loss along the line stays flat all through training; from two it falls as the
// ends do, but is less flat.
//
// We chose: 64-30-10 ReLU on 1,000 of the embedded digits (standardized), learning rate 0.1, SGD with batches of
// 100 in order, a line every few steps. Flatness is the largest excess of the loss over the chord
// between its ends, in units of the initial loss.

import type { Dataset } from '../data/dataset.js';
import { digits } from '../data/digits.js';
import { trackInterpolation } from '../landscape/track-interpolation.js';
import { createNetwork } from '../network/create-network.js';
import { defineNetwork } from '../network/spec.js';
import type { LongCallOptions } from '../progress.js';
import type { Chart } from '../report/chart.js';
import { numberText } from '../report/number-text.js';
import { sgd } from '../training/optimizer.js';
import type { TrainingState } from '../training/state.js';
import { train } from '../training/train.js';
import { digestOf } from './data-digest.js';
import { defineExperiment, manifestOf } from './experiment.js';
import type { Running } from './experiment.js';
import { stageProgress } from './stage-progress.js';
import { median } from './two-blobs.js';

const TEST_SAMPLES = 797;
const BATCH = 100;
const LEARNING_RATE = 0.1;
const SCALES = {
  demo: { steps: 400, every: 10, seeds: 3 },
  paper: { steps: 5000, every: 50, seeds: 10 },
} as const;
/** Of the initial loss: below it a line counts as flat. */
const FLAT = 0.05;

const NETWORK = defineNetwork({
  input: [64],
  layers: [{ type: 'dense', units: 30 }, { type: 'relu' }, { type: 'dense', units: 10 }],
  loss: 'softmaxCrossEntropy',
});

interface Line {
  readonly step: number;
  readonly losses: readonly number[];
  /** The largest excess over the chord, as a loss. */
  readonly barrier: number;
}

interface Pair {
  readonly same: readonly Line[];
  readonly different: readonly Line[];
}

export interface S8Result {
  readonly experiment: 's8';
  readonly seed: number;
  readonly steps: number;
  readonly coefficients: readonly number[];
  /** One for each seed. */
  readonly pairs: readonly Pair[];
}

const COEFFICIENTS = Array.from({ length: 11 }, (_, i) => i / 10);
const STARTS = ['same', 'different'] as const;
type Starts = (typeof STARTS)[number];
const LABELS = { same: 'one start', different: 'two starts' } as const;

export const s8Lines = defineExperiment<S8Result>({
  id: 's8',
  title: 'Figure S8: the line between gradient descent and its stochastic form, at every step',
  run: runS8,
  check: (result) => {
    const [same, different] = [worst(result, 'same'), worst(result, 'different')];
    const fall = ends(result, 'different');
    return {
      flatFromOneStart: {
        claim: `From one start every line is flat: it exceeds its chord by less than ${100 * FLAT} % of the initial loss.`,
        holds: same < FLAT,
        measured: `${numberText(100 * same)} % at most, the median over seeds`,
      },
      lessFlatFromTwo: {
        claim: 'From two starts the lines are less flat.',
        holds: different > same,
        measured: `${numberText(100 * different)} % against ${numberText(100 * same)} %`,
      },
      fallsFromTwo: {
        claim: 'From two starts the loss in the middle of the line falls through training, too.',
        holds: fall.last < fall.first,
        measured: `from ${numberText(fall.first)} to ${numberText(fall.last)} (medians over seeds)`,
      },
    };
  },
  tabulate: (result) => [
    {
      caption:
        'Excess over the chord between the ends, in per cent of the initial loss, and the loss in the ' +
        'middle of the last line; medians over seeds.',
      columns: ['starts', 'largest excess', 'loss in the middle, first', 'last'],
      rows: STARTS.map((starts) => {
        const { first, last } = ends(result, starts);
        return [LABELS[starts], 100 * worst(result, starts), first, last];
      }),
    },
  ],
  draw: (result) => [
    {
      kind: 'lines',
      title: 'From one start the line stays flat; from two starts it does not',
      subtitle: 'Largest excess of the loss over the chord between GD and SGD, medians over seeds.',
      seriesTitle: 'from',
      series: STARTS.map((starts) => {
        const steps = result.pairs[0]?.[starts].map(({ step }) => step) ?? [];
        const y = steps.map((_, i) => median(result.pairs.map((pair) => excess(pair[starts], i))));
        return { name: LABELS[starts], x: steps, y };
      }),
      x: { title: 'training step', format: ',d' },
      y: { title: 'excess / initial loss' },
    },
    ...STARTS.map((starts) => drawLines(result, starts)),
  ],
  summarize: (result) =>
    `Lines between GD and SGD exceed their chord by ${numberText(100 * worst(result, 'same'))} % of the initial loss ` +
    `at most from one start, by ${numberText(100 * worst(result, 'different'))} % from two.`,
  manifest: ({ seed, steps, pairs }) =>
    manifestOf('S8', {
      seed,
      seeds: pairs.length,
      network: '64-30-10 ReLU',
      loss: 'softmax cross-entropy',
      data: `UCI digits, standardized, ${1797 - TEST_SAMPLES} training samples`,
      'data, SHA-256': digestOf(trainingDigits(seed)),
      'learning rate': LEARNING_RATE,
      'batch of SGD': BATCH,
      steps,
    }),
});

function trainingDigits(seed: number): Dataset<'float64'> {
  return digits().standardize().split({ test: TEST_SAMPLES, seed }).train;
}

async function runS8({
  seed,
  scale,
  piece,
  onProgress,
  signal,
  threads,
}: Running): Promise<S8Result> {
  const { steps, every, seeds } = SCALES[scale];
  const data = trainingDigits(seed);
  const stage = stageProgress('seeds', seeds, onProgress);
  const pairs: Pair[] = [];
  for (let i = 0; i < seeds; ++i) {
    const shared = { data, steps, every, seed: seed + 2 * i, signal, threads };
    const pair = await piece(`seed-${i}`, async () => ({
      same: await linesBetween({ ...shared, otherSeed: shared.seed }),
      different: await linesBetween({ ...shared, otherSeed: shared.seed + 1 }),
    }));
    pairs.push(pair);
    stage.finished(1);
  }
  return { experiment: 's8', seed, steps, coefficients: COEFFICIENTS, pairs };
}

interface Trajectory extends LongCallOptions {
  readonly data: Dataset;
  readonly steps: number;
  readonly every: number;
  readonly seed: number;
}

/** Lines from GD, started with `seed`, to SGD, started with `otherSeed`. */
async function linesBetween({
  otherSeed,
  ...common
}: Trajectory & { readonly otherSeed: number }): Promise<readonly Line[]> {
  const { data, every, signal, threads } = common;
  const first = await trajectory({ ...common, batchSize: 'full' });
  const second = await trajectory({ ...common, seed: otherSeed, batchSize: BATCH });
  using network = createNetwork(NETWORK, { dtype: 'float64' });
  const lines = await trackInterpolation(network, first, second, {
    data,
    coefficients: COEFFICIENTS,
    signal,
    threads,
  });
  return lines.map(({ losses, barrier }, i) => ({
    step: i * every,
    losses: Array.from(losses),
    barrier,
  }));
}

/** Parameters at the start and after each stretch of `every` steps. */
async function trajectory({
  data,
  steps,
  every,
  seed,
  batchSize,
  signal,
  threads,
}: Trajectory & { readonly batchSize: number | 'full' }): Promise<Float64Array[]> {
  using network = createNetwork(NETWORK, { seed, dtype: 'float64' });
  const points = [network.parameters()];
  let resumeFrom: TrainingState<'float64'> | undefined;
  for (let step = every; step <= steps; step += every) {
    const { state } = await train(network, data, {
      optimizer: sgd({ learningRate: LEARNING_RATE }),
      batchSize,
      steps: every,
      recordEvery: every,
      resumeFrom,
      signal,
      threads,
    });
    resumeFrom = state;
    points.push(network.parameters());
  }
  return points;
}

/** Excess of line i over its chord, in units of the loss at the start of GD. */
function excess(lines: readonly Line[], i: number): number {
  return (lines[i]?.barrier ?? NaN) / (lines[0]?.losses[0] ?? NaN);
}

/** The largest over training; median over seeds. */
function worst({ pairs }: S8Result, starts: Starts): number {
  return median(
    pairs.map((pair) => Math.max(...pair[starts].map((_, i) => excess(pair[starts], i)))),
  );
}

function ends(
  { pairs }: S8Result,
  starts: Starts,
): { readonly first: number; readonly last: number } {
  const middle = COEFFICIENTS.length >> 1;
  const at = (index: number): number =>
    median(pairs.map((pair) => pair[starts].at(index)?.losses[middle] ?? NaN));
  return { first: at(0), last: at(-1) };
}

function drawLines({ pairs, coefficients }: S8Result, starts: Starts): Chart {
  const lines = pairs[0]?.[starts] ?? [];
  const shown = [0, 0.1, 0.25, 0.5, 1].map((share) => Math.round(share * (lines.length - 1)));
  return {
    kind: 'lines',
    title: `The loss from GD (0) to SGD (1), ${LABELS[starts]}`,
    subtitle: 'One line for each of five moments of training, the first seed.',
    seriesTitle: 'step',
    series: shown.flatMap((i) => {
      const line = lines[i];
      return line === undefined
        ? []
        : [{ name: `step ${line.step}`, x: coefficients, y: line.losses }];
    }),
    x: { title: 'coefficient' },
    y: { title: 'training loss', scale: 'logarithmic' },
  };
}
