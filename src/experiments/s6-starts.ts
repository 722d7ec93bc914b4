// Figure S6 of Sagun, Bottou, LeCun 2016: the two-blobs system from thousands of random points of one sphere.
// Claim: wherever training starts, the top eigenvalue at its end has one distribution, bounded well away
// from a flat surface and from sharp ones.
//
// The paper fixes: over 5,000 starts on a sphere of fixed radius. We chose: the network with M = 74, radius
// 0.1·√M (the mean length of the authors' starts 0.1 · N(0, 1)), learning rate 0.5, ‖∇L‖ ≤ 1e-4.

import { createRandom } from '../data/random.js';
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
  STEPS,
  blobs,
  median,
  networkOfWidth,
  trainAndMeasure,
} from './two-blobs.js';

export const UNITS = 6;
export const STANDARD_DEVIATION = 0.2;
/** 0.1·√M with M = 74 */
export const RADIUS = 0.1 * Math.sqrt(74);
const STARTS = { demo: 1000, paper: 5000 } as const;
/** Starts of one piece, after which an interrupted run goes on. */
const PIECE = 250;
const BINS = 40;

export interface S6Result {
  readonly experiment: 's6';
  readonly seed: number;
  readonly starts: number;
  readonly radius: number;
  readonly unfinished: number;
  /** Of each start that finished: λ₁ and λ₂. */
  readonly largest: readonly number[];
  readonly second: readonly number[];
}

export const s6Starts = defineExperiment<S6Result>({
  id: 's6',
  title: 'Figure S6: the top eigenvalue from thousands of starting points',
  run: runS6,
  check: ({ starts, largest, unfinished }) => {
    const [low, high] = [quantile(largest, 0.05), quantile(largest, 0.95)];
    return {
      oneDistribution: {
        claim: 'Nine of ten starts end with top eigenvalues within one order of magnitude.',
        holds: high / low < 10,
        measured: `${numberText(low)} to ${numberText(high)} from the 5th to the 95th percentile`,
      },
      nearlyAllFinish: {
        claim: `At least 99 % of the starts reach ‖∇L‖ ≤ ${GRADIENT_NORM}.`,
        holds: unfinished <= 0.01 * starts,
        measured: `${unfinished} of ${starts} did not within ${STEPS} steps`,
      },
    };
  },
  tabulate: ({ largest, second, unfinished, starts }) => [
    {
      caption: `${starts} starts, ${unfinished} of them unfinished; percentiles over those that finished.`,
      columns: ['', '5 %', 'median', '95 %', 'largest'],
      rows: [
        ['λ₁', ...[0.05, 0.5, 0.95, 1].map((share) => quantile(largest, share))],
        ['λ₂', ...[0.05, 0.5, 0.95, 1].map((share) => quantile(second, share))],
      ],
    },
  ],
  draw: ({ largest, starts }) => {
    const bins = histogram(largest);
    return [
      {
        kind: 'lines',
        title: `The top eigenvalue at the end of training, from ${starts.toLocaleString('en')} starts`,
        subtitle: `Starts counted in ${BINS} bins of equal width on the logarithmic axis.`,
        series: [{ name: 'starts', ...bins }],
        x: { title: 'largest eigenvalue', scale: 'logarithmic' },
        y: { title: 'starts' },
      },
    ];
  },
  summarize: ({ largest, starts }) =>
    `From ${starts.toLocaleString('en')} starts on a sphere the top eigenvalue ends at ` +
    `${numberText(median(largest))} (median), ${numberText(quantile(largest, 0.05))} to ` +
    `${numberText(quantile(largest, 0.95))} for nine of ten.`,
  manifest: ({ seed, starts, radius }) =>
    manifestOf('S6', {
      seed,
      starts,
      radius,
      network: `2-${UNITS}-${UNITS}-2 ReLU`,
      loss: 'softmax cross-entropy',
      data: `two blobs, ${SAMPLES} samples, standard deviation ${STANDARD_DEVIATION}, standardized`,
      'data, SHA-256': digestOf(blobs(STANDARD_DEVIATION, seed)),
      optimizer: `gradient descent, learning rate ${LEARNING_RATE}`,
      'stop at gradient norm': GRADIENT_NORM,
      'steps at most': STEPS,
    }),
});

async function runS6({
  seed,
  scale,
  piece,
  onProgress,
  signal,
  threads,
}: Running): Promise<S6Result> {
  const starts = STARTS[scale];
  const data = blobs(STANDARD_DEVIATION, seed);
  using network = createNetwork(networkOfWidth(UNITS), { dtype: 'float64' });
  const stage = stageProgress('starts', starts, onProgress);
  const parts: Pick<S6Result, 'unfinished' | 'largest' | 'second'>[] = [];
  for (let first = 0; first < starts; first += PIECE) {
    const points = Array.from({ length: PIECE }, (_, i) =>
      onSphere(network.parameterCount, { radius: RADIUS, seed: seed + first + i }),
    );
    const part = await piece(`starts-${first}`, async () => {
      const { spectra, unfinished } = await trainAndMeasure(network, data, points, {
        signal,
        threads,
      });
      const fromTop = (rank: number): number[] => spectra.map((values) => values.at(-rank) ?? NaN);
      return { unfinished, largest: fromTop(1), second: fromTop(2) };
    });
    parts.push(part);
    stage.finished(PIECE);
  }
  return {
    experiment: 's6',
    seed,
    starts,
    radius: RADIUS,
    unfinished: parts.reduce((sum, { unfinished }) => sum + unfinished, 0),
    largest: parts.flatMap(({ largest }) => largest),
    second: parts.flatMap(({ second }) => second),
  };
}

/** Uniform on the sphere: a Gaussian vector scaled to the radius. */
export function onSphere(
  size: number,
  { radius, seed }: { readonly radius: number; readonly seed: number },
): Float64Array {
  const random = createRandom(seed);
  const direction = new Float64Array(size).map(() => random.normal());
  const length = Math.hypot(...direction);
  return direction.map((entry) => (radius * entry) / length);
}

/** Counts in bins of equal width in log λ; a bin's place is its centre. */
function histogram(values: readonly number[]): { readonly x: number[]; readonly y: number[] } {
  const logarithms = values.map(Math.log);
  const low = Math.min(...logarithms);
  const width = (Math.max(...logarithms) - low) / BINS || 1;
  const y = new Array<number>(BINS).fill(0);
  for (const each of logarithms) {
    const bin = Math.min(BINS - 1, Math.floor((each - low) / width));
    y[bin] = (y[bin] ?? 0) + 1;
  }
  return { x: y.map((_, i) => Math.exp(low + (i + 0.5) * width)), y };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.round(share * (sorted.length - 1)))] ?? NaN;
}
