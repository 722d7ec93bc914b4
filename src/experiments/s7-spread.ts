// Figure S7 of Sagun, Bottou, LeCun 2016: the two-blobs system while the blobs grow into each other.
// Claim: the top two eigenvalues grow with the blobs' standard deviation: data that are harder to separate
// make a sharper solution.
//
// We chose: the network with M = 74, standard deviations from 0.2 to 1.2, learning rate 0.5, until ‖∇L‖ ≤ 1e-4
// or 20,000 steps (blobs that overlap are not learnt to the end; such runs are measured where they stand,
// and counted), medians over several starts and data sets.

import { createNetwork } from '../network/create-network.js';
import { numberText } from '../report/number-text.js';
import { digestOf } from './data-digest.js';
import { defineExperiment, manifestOf } from './experiment.js';
import type { Running } from './experiment.js';
import { stageProgress } from './stage-progress.js';
import {
  GRADIENT_NORM,
  LEARNING_RATE,
  SAMPLES,
  blobs,
  median,
  networkOfWidth,
  randomStarts,
  trainAndMeasure,
} from './two-blobs.js';

const UNITS = 6;
const STANDARD_DEVIATIONS = [0.2, 0.4, 0.6, 0.8, 1, 1.2] as const;
const STEPS = 20_000;
const STARTS = { demo: 10, paper: 50 } as const;

interface Spread {
  readonly standardDeviation: number;
  readonly largest: number;
  readonly second: number;
  readonly loss: number;
  readonly unfinished: number;
}

export interface S7Result {
  readonly experiment: 's7';
  readonly seed: number;
  readonly starts: number;
  readonly spreads: readonly Spread[];
}

export const s7Spread = defineExperiment<S7Result>({
  id: 's7',
  title: 'Figure S7: blobs that overlap more make the top two eigenvalues grow',
  run: runS7,
  check: ({ spreads }) => {
    const grows = (of: (spread: Spread) => number): boolean =>
      rankCorrelation(
        spreads.map((each) => each.standardDeviation),
        spreads.map(of),
      ) >= 0.8;
    const list = (of: (spread: Spread) => number): string =>
      spreads.map((each) => numberText(of(each))).join(', ');
    return {
      largestGrows: {
        claim:
          'The largest eigenvalue grows with the standard deviation (rank correlation at least 0.8).',
        holds: grows(({ largest }) => largest),
        measured: list(({ largest }) => largest),
      },
      secondGrows: {
        claim: 'So does the second.',
        holds: grows(({ second }) => second),
        measured: list(({ second }) => second),
      },
    };
  },
  tabulate: ({ spreads, starts }) => [
    {
      caption: `Medians over ${starts} starts, each with its own data, at ‖∇L‖ ≤ ${GRADIENT_NORM} or after ${STEPS} steps (unfinished).`,
      columns: ['standard deviation', 'λ₁', 'λ₂', 'loss', 'unfinished'],
      rows: spreads.map(({ standardDeviation, largest, second, loss, unfinished }) => [
        String(standardDeviation),
        largest,
        second,
        loss,
        unfinished,
      ]),
    },
  ],
  draw: ({ spreads }) => {
    const x = spreads.map(({ standardDeviation }) => standardDeviation);
    return [
      {
        kind: 'lines',
        title: 'Harder data, sharper solutions: the top two eigenvalues grow with the blobs',
        subtitle: 'Medians over starts and data sets, at the end of training.',
        seriesTitle: 'eigenvalue',
        series: [
          { name: 'largest', x, y: spreads.map(({ largest }) => largest) },
          { name: 'second', x, y: spreads.map(({ second }) => second) },
        ],
        x: { title: 'standard deviation of each blob' },
        y: { title: 'eigenvalue', scale: 'logarithmic' },
      },
    ];
  },
  summarize: ({ spreads }) => {
    const [first, last] = [spreads[0], spreads.at(-1)];
    return (
      `From standard deviation ${first?.standardDeviation ?? NaN} to ${last?.standardDeviation ?? NaN} the top ` +
      `eigenvalue goes from ${numberText(first?.largest ?? NaN)} to ${numberText(last?.largest ?? NaN)}.`
    );
  },
  manifest: ({ seed, starts }) =>
    manifestOf('S7', {
      seed,
      starts,
      network: `2-${UNITS}-${UNITS}-2 ReLU`,
      loss: 'softmax cross-entropy',
      data: `two blobs, ${SAMPLES} samples, standardized, a data set for each start`,
      'standard deviations': STANDARD_DEVIATIONS,
      'data, SHA-256': digestOf(
        ...STANDARD_DEVIATIONS.flatMap((deviation) =>
          Array.from({ length: starts }, (_, i) => blobs(deviation, seed + i)),
        ),
      ),
      'initial weights': '0.1 · N(0, 1)',
      optimizer: `gradient descent, learning rate ${LEARNING_RATE}`,
      'stop at gradient norm': GRADIENT_NORM,
      'steps at most': STEPS,
    }),
});

async function runS7({
  seed,
  scale,
  piece,
  onProgress,
  signal,
  threads,
}: Running): Promise<S7Result> {
  const starts = STARTS[scale];
  const stage = stageProgress('standard deviations', STANDARD_DEVIATIONS.length, onProgress);
  const spreads: Spread[] = [];
  for (const standardDeviation of STANDARD_DEVIATIONS) {
    const measure = (): Promise<Spread> =>
      measureSpread(standardDeviation, { starts, seed, signal, threads });
    spreads.push(await piece(`spread-${standardDeviation}`, measure));
    stage.finished(1);
  }
  return { experiment: 's7', seed, starts, spreads };
}

async function measureSpread(
  standardDeviation: number,
  {
    starts,
    seed,
    ...options
  }: {
    readonly starts: number;
    readonly seed: number;
    readonly signal: AbortSignal | undefined;
    readonly threads: number | undefined;
  },
): Promise<Spread> {
  const spec = networkOfWidth(UNITS);
  using network = createNetwork(spec, { dtype: 'float64' });
  const runs = await Promise.all(
    randomStarts(spec, starts, seed).map((start, i) =>
      trainAndMeasure(network, blobs(standardDeviation, seed + i), [start], {
        steps: STEPS,
        measureUnfinished: true,
        ...options,
      }),
    ),
  );
  const spectra = runs.flatMap((run) => run.spectra);
  return {
    standardDeviation,
    largest: median(spectra.map((values) => values.at(-1) ?? NaN)),
    second: median(spectra.map((values) => values.at(-2) ?? NaN)),
    loss: median(runs.flatMap(({ losses }) => losses)),
    unfinished: runs.reduce((sum, { unfinished }) => sum + unfinished, 0),
  };
}

/** Spearman's: 1 − 6 Σd²/(n(n² − 1)) with d the differences of ranks. */
function rankCorrelation(x: readonly number[], y: readonly number[]): number {
  const ranks = (values: readonly number[]): number[] =>
    values.map((value) => values.filter((other) => other < value).length);
  const [a, b] = [ranks(x), ranks(y)];
  const n = x.length;
  const squares = a.reduce((sum, rank, i) => sum + (rank - (b[i] ?? 0)) ** 2, 0);
  return 1 - (6 * squares) / (n * (n * n - 1));
}
