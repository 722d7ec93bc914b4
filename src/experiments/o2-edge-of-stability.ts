// What the paper could not see in two spectra: the largest eigenvalue through all of training (Cohen et al. 2021). Claims:
// under full-batch gradient descent it rises until 2/η, where steps along its vector begin to grow; there it
// stays, and the loss goes on falling, though not at every step.
//
// We chose: 64-50-30-10 tanh on 1,000 of the embedded digits under mean squared error (under cross-entropy it falls
// again as soon as all samples are fitted, before it comes to 2/η), PyTorch's initial weights, three step sizes,
// the eigenvalue every so many steps. "There" is the last third of the steps.

import { createDataset } from '../data/create-dataset.js';
import type { Dataset } from '../data/dataset.js';
import { digits } from '../data/digits.js';
import { createNetwork } from '../network/create-network.js';
import { defineNetwork } from '../network/spec.js';
import type { LongCallOptions } from '../progress.js';
import { numberText } from '../report/number-text.js';
import { sgd } from '../training/optimizer.js';
import { train } from '../training/train.js';
import { digestOf } from './data-digest.js';
import { defineExperiment, manifestOf } from './experiment.js';
import type { Running } from './experiment.js';
import { stageProgress } from './stage-progress.js';
import { median } from './two-blobs.js';

const SAMPLES = 1000;
const CLASSES = 10;
const LEARNING_RATES = [2, 2.5, 3] as const;
const SCALES = { demo: { steps: 2000, every: 40 }, paper: { steps: 20_000, every: 50 } } as const;
/** How far from 2/η, as a share of it, λ may stay. */
const NEAR = 0.1;

const NETWORK = defineNetwork({
  input: [64],
  layers: [
    { type: 'dense', units: 50 },
    { type: 'tanh' },
    { type: 'dense', units: 30 },
    { type: 'tanh' },
    { type: 'dense', units: CLASSES },
  ],
  loss: 'meanSquaredError',
});

interface Run {
  readonly learningRate: number;
  readonly steps: readonly number[];
  readonly losses: readonly number[];
  readonly largest: readonly number[];
}

export interface O2Result {
  readonly experiment: 'o2';
  readonly seed: number;
  readonly runs: readonly Run[];
}

export const o2EdgeOfStability = defineExperiment<O2Result>({
  id: 'o2',
  title: 'Our own 2: sharpness rises to 2/η and stays there',
  run: runO2,
  check: ({ runs }) => ({
    rises: {
      claim: 'The largest eigenvalue begins below 2/η and rises to it, at every step size.',
      holds: runs.every(
        (run) => relative(run)[0] !== undefined && begins(run) < 1 && peak(run) >= 1,
      ),
      measured: list(
        runs,
        (run) => `${numberText(begins(run))} to ${numberText(peak(run))} of 2/η`,
      ),
    },
    staysThere: {
      claim: `In the last third of the steps it stays there: its median is within ${100 * NEAR} % of 2/η.`,
      holds: runs.every((run) => Math.abs(settled(run) - 1) <= NEAR),
      measured: list(runs, (run) => `${numberText(settled(run))} of 2/η`),
    },
    lossFalls: {
      claim: 'The loss goes on falling meanwhile.',
      holds: runs.every((run) => fall(run) > 1),
      measured: list(runs, (run) => `by a factor of ${numberText(fall(run))} over the last third`),
    },
  }),
  tabulate: ({ runs }) => [
    {
      caption: 'λ is the largest eigenvalue of the Hessian.',
      columns: ['η', '2/η', 'λ at the start', 'largest λ', 'λ, last third', 'last loss'],
      rows: runs.map((run) => [
        String(run.learningRate),
        2 / run.learningRate,
        run.largest[0] ?? NaN,
        Math.max(...run.largest),
        (settled(run) * 2) / run.learningRate,
        run.losses.at(-1) ?? NaN,
      ]),
    },
  ],
  draw: ({ runs }) => [
    {
      kind: 'lines',
      title: 'The largest eigenvalue rises to 2/η and stays there',
      subtitle: 'In units of 2/η, through full-batch gradient descent at three step sizes.',
      seriesTitle: 'step size',
      series: [
        ...runs.map((run) => ({ name: nameOf(run), x: run.steps, y: relative(run) })),
        edge(runs),
      ],
      x: { title: 'steps', format: ',d' },
      y: { title: 'largest eigenvalue · η / 2' },
    },
    {
      kind: 'lines',
      title: 'The loss goes on falling at the edge of stability',
      seriesTitle: 'step size',
      series: runs.map((run) => ({ name: nameOf(run), x: run.steps, y: run.losses })),
      x: { title: 'steps', format: ',d' },
      y: { title: 'loss', scale: 'logarithmic' },
    },
  ],
  summarize: ({ runs }) =>
    `With step sizes ${runs.map(({ learningRate }) => learningRate).join(', ')} the largest eigenvalue ends at ` +
    `${runs.map((run) => numberText(settled(run))).join(', ')} of 2/η.`,
  manifest: ({ seed, runs }) =>
    manifestOf('Our own 2 (edge of stability, Cohen et al. 2021)', {
      seed,
      network: `64-50-30-${CLASSES}, tanh`,
      loss: 'mean squared error against one-hot targets',
      data: 'UCI digits, standardized',
      'data, SHA-256': digestOf(oneHotDigits()),
      samples: SAMPLES,
      'initial weights': 'PyTorch’s',
      optimizer: `gradient descent on all samples, learning rates ${LEARNING_RATES.join(', ')}`,
      steps: runs[0]?.steps.at(-1) ?? 0,
      'eigenvalue every': runs[0]?.steps[1] ?? 0,
      arithmetic: 'float64',
    }),
});

async function runO2({
  seed,
  scale,
  piece,
  onProgress,
  signal,
  threads,
}: Running): Promise<O2Result> {
  const data = oneHotDigits();
  const stage = stageProgress('step sizes', LEARNING_RATES.length, onProgress);
  const runs: Run[] = [];
  for (const learningRate of LEARNING_RATES) {
    runs.push(
      await piece(`rate-${learningRate}`, () =>
        follow(learningRate, data, { ...SCALES[scale], seed, signal, threads }),
      ),
    );
    stage.finished(1);
  }
  return { experiment: 'o2', seed, runs };
}

function oneHotDigits(): Dataset<'float64'> {
  const data = digits().standardize().take(SAMPLES);
  const targets = Array.from(data.targets(), (target) =>
    Array.from({ length: CLASSES }, (_, c) => (c === target ? 1 : 0)),
  );
  return createDataset({ inputs: data.inputs(), targets, inputShape: data.inputShape });
}

interface Following extends LongCallOptions {
  readonly seed: number;
  readonly steps: number;
  readonly every: number;
}

async function follow(
  learningRate: number,
  data: Dataset,
  { seed, steps, every, ...options }: Following,
): Promise<Run> {
  using network = createNetwork(NETWORK, { seed, dtype: 'float64' });
  const { records } = await train(network, data, {
    optimizer: sgd({ learningRate }),
    batchSize: 'full',
    steps,
    recordEvery: every,
    track: { every },
    ...options,
  });
  return {
    learningRate,
    steps: records.map(({ step }) => step),
    losses: records.map(({ loss }) => loss),
    largest: records.map(({ edges }) => edges?.largest.values[0] ?? NaN),
  };
}

/** λ in units of 2/η. */
function relative({ largest, learningRate }: Run): readonly number[] {
  return largest.map((value) => (value * learningRate) / 2);
}

function begins(run: Run): number {
  return relative(run)[0] ?? NaN;
}

function peak(run: Run): number {
  return Math.max(...relative(run));
}

function settled(run: Run): number {
  return median(lastThird(relative(run)));
}

/** By what factor the loss falls over the last third, from the median of its first tenth to that of its last. */
function fall({ losses }: Run): number {
  const last = lastThird(losses);
  const tenth = Math.ceil(last.length / 10);
  return median(last.slice(0, tenth)) / median(last.slice(-tenth));
}

function lastThird(values: readonly number[]): readonly number[] {
  return values.slice(Math.floor((2 * values.length) / 3));
}

function list(runs: readonly Run[], text: (run: Run) => string): string {
  return runs.map((run) => `${text(run)} at η = ${run.learningRate}`).join(', ');
}

function nameOf({ learningRate }: Run): string {
  return `η = ${learningRate}`;
}

function edge(runs: readonly Run[]): { name: string; x: number[]; y: number[] } {
  return { name: '2/η', x: [0, runs[0]?.steps.at(-1) ?? 0], y: [1, 1] };
}
