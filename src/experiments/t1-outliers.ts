// Table 1 and figure 2 of Sagun et al. 2017: k Gaussian clusters in R^100, networks 100-30-30-k.
// Claim: the Hessian has about as many outliers as the data have clusters, whatever the algorithm, the
// activation and the spread of the clusters, by one of three counts.
//
// The paper fixes: the 19 rows and three counts (largest gap, largest ratio, a threshold at the elbow). The
// authors' code fixes: centres uniform in [−10, 10]^100, columns standardized over training and test data
// together, starts of 0.1 · N(0, 1), learning rate 0.1, batches in order, a stop at ‖∇L‖ ≤ 1e-4. We chose: 1,000
// training samples, batches of 100 for SGD, a cap on steps; the elbow is that of the 120 largest
// eigenvalues (elbow.ts), a rule fixed before any row was run.

import { gaussianClusters } from '../data/synthetic.js';
import { createNetwork } from '../network/network.js';
import { defineNetwork } from '../network/spec.js';
import type { NetworkSpec } from '../network/spec.js';
import type { LongCallOptions } from '../progress.js';
import type { Chart } from '../report/chart.js';
import { countOutliers } from '../spectrum/outliers.js';
import { spectrum } from '../spectrum/spectrum.js';
import { sgd } from '../training/optimizer.js';
import { train } from '../training/train.js';
import { elbowThreshold } from './elbow.js';
import { defineExperiment, manifestOf } from './experiment.js';
import type { Running } from './experiment.js';
import { stageProgress } from './stage-progress.js';

interface RowChoice {
  readonly algorithm: 'GD' | 'SGD';
  readonly activation: 'tanh' | 'relu';
  readonly covariance: 1 | 10;
  readonly clusters: number;
  /** The paper's counts by gap, ratio and threshold. */
  readonly paper: readonly number[];
}

/** Rows that differ in the number of clusters alone, with the paper's counts. */
function rows(
  { algorithm, activation, covariance }: Omit<RowChoice, 'clusters' | 'paper'>,
  counts: Readonly<Record<number, readonly number[]>>,
): RowChoice[] {
  return Object.entries(counts).map(([clusters, paper]) => ({
    algorithm,
    activation,
    covariance,
    clusters: Number(clusters),
    paper,
  }));
}

const ROWS: readonly RowChoice[] = [
  ...rows(
    { algorithm: 'GD', activation: 'tanh', covariance: 1 },
    { 2: [2, 3], 5: [2, 17], 10: [2, 4], 20: [3, 4] },
  ),
  ...rows(
    { algorithm: 'GD', activation: 'relu', covariance: 1 },
    { 2: [3, 4, 2], 5: [6, 7, 5], 10: [11, 12, 10], 20: [4, 21, 21], 50: [50, 51, 49] },
  ),
  ...rows(
    { algorithm: 'SGD', activation: 'relu', covariance: 1 },
    { 2: [3, 4, 2], 5: [6, 7, 7], 10: [2, 14, 15], 20: [2, 3, 21], 50: [50, 51, 49] },
  ),
  ...rows(
    { algorithm: 'SGD', activation: 'relu', covariance: 10 },
    { 2: [2, 4, 2], 5: [5, 6, 5], 10: [2, 11, 9], 20: [20, 21, 19], 50: [50, 51, 49] },
  ),
];

const SAMPLES = 1000;
const BATCH = 100;
const LEARNING_RATE = 0.1;
const GRADIENT_NORM = 1e-4;
const STEPS = { demo: 3000, paper: 100_000 } as const;
/** As many eigenvalues as the paper plots. */
const AMONG = 120;

interface Row extends RowChoice {
  readonly parameterCount: number;
  readonly steps: number;
  readonly loss: number;
  readonly mean: number;
  readonly counts: { readonly gap: number; readonly ratio: number; readonly elbow: number };
  /** The 120 largest, descending. */
  readonly largest: readonly number[];
}

export interface T1Result {
  readonly experiment: 't1';
  readonly seed: number;
  readonly cap: number;
  readonly rows: readonly Row[];
}

export const t1Outliers = defineExperiment<T1Result>({
  id: 't1',
  title: 'Table 1 and figure 2: as many outliers as clusters',
  run: runT1,
  check: ({ rows: all }) => {
    const comparable = all.filter(({ paper, clusters }) => paper.some((n) => near(n, clusters)));
    const held = comparable.filter(agrees);
    const missed = comparable.filter((row) => !agrees(row)).map(nameOf);
    return {
      asManyAsClusters: {
        claim:
          'In every row where a count of the paper’s is within one of the clusters, one of ours is too.',
        holds: all.length === ROWS.length && held.length === comparable.length,
        measured:
          `${held.length} of ${comparable.length} rows` +
          (missed.length === 0 ? '' : `; not in ${missed.join('; ')}`),
      },
    };
  },
  tabulate: ({ rows: all, cap }) => [
    {
      caption:
        'Outliers by the largest gap, the largest ratio and the elbow of the 120 largest eigenvalues of H, ' +
        `the paper’s counts (gap, ratio, threshold) beside them; at ‖∇L‖ ≤ ${GRADIENT_NORM} or ${cap} steps.`,
      columns: [
        'row',
        'M',
        'clusters',
        'gap',
        'ratio',
        'elbow',
        'the paper',
        'mean',
        'loss',
        'steps',
      ],
      rows: all.map((row) => [
        nameOf(row),
        row.parameterCount,
        row.clusters,
        row.counts.gap,
        row.counts.ratio,
        row.counts.elbow,
        row.paper.join(', '),
        row.mean,
        row.loss,
        row.steps,
      ]),
    },
  ],
  draw: ({ rows: all }) =>
    groups(all).map((group): Chart => ({
      kind: 'lines',
      title: `${group[0] === undefined ? '' : settingOf(group[0])}: outliers, a gap, the bulk`,
      subtitle: 'The 120 largest eigenvalues of the Hessian after training, in order.',
      seriesTitle: 'data',
      series: group.map(({ clusters, largest }) => ({
        name: `${clusters} clusters`,
        x: largest.map((_, i) => i + 1),
        y: largest,
        mark: 'points',
      })),
      x: { title: 'rank', format: 'd' },
      y: { title: 'eigenvalue', scale: 'logarithmic' },
    })),
  summarize: ({ rows: all }) =>
    `In ${all.filter(agrees).length} of ${all.length} rows a count of outliers is within one of the number of clusters.`,
  manifest: ({ seed, cap }) =>
    manifestOf('F2 and T1', {
      seed,
      network: '100-30-30-k',
      loss: 'softmax cross-entropy',
      data: `k Gaussian clusters in R^100, ${SAMPLES} training and as many test samples, standardized together`,
      'initial weights': '0.1 · N(0, 1)',
      'learning rate': LEARNING_RATE,
      'batch of SGD': BATCH,
      'stop at gradient norm': GRADIENT_NORM,
      'steps at most': cap,
      'threshold rule': `elbow of the ${AMONG} largest`,
    }),
});

async function runT1({
  seed,
  scale,
  piece,
  onProgress,
  signal,
  threads,
}: Running): Promise<T1Result> {
  const cap = STEPS[scale];
  const stage = stageProgress('rows', ROWS.length, onProgress);
  const done: Row[] = [];
  for (const row of ROWS) {
    const name = `${row.algorithm}-${row.activation}-${row.covariance}-${row.clusters}`;
    done.push(await piece(name, () => measureRow(row, { seed, cap, signal, threads })));
    stage.finished(1);
  }
  return { experiment: 't1', seed, cap, rows: done };
}

async function measureRow(
  choice: RowChoice,
  { seed, cap, ...options }: LongCallOptions & { readonly seed: number; readonly cap: number },
): Promise<Row> {
  const { clusters, covariance, algorithm } = choice;
  const both = { classes: clusters, dimensions: 100, samples: 2 * SAMPLES, covariance, seed };
  const data = gaussianClusters(both).standardize().split({ test: SAMPLES, seed });
  const initializer = { type: 'normal', standardDeviation: 0.1 } as const;
  using network = createNetwork(specOf(choice), { seed, initializer, dtype: 'float64' });
  const { records } = await train(network, data.train, {
    optimizer: sgd({ learningRate: LEARNING_RATE }),
    batchSize: algorithm === 'GD' ? 'full' : BATCH,
    steps: cap,
    stopAtGradientNorm: GRADIENT_NORM,
    recordEvery: cap,
    ...options,
  });
  const { terms, loss, parameterCount } = await spectrum(network, data.train, {
    terms: ['hessian'],
    method: 'dense',
    ...options,
  });
  const { eigenvalues } = terms.hessian;
  const threshold = elbowThreshold(eigenvalues, AMONG);
  return {
    ...choice,
    parameterCount,
    steps: records.at(-1)?.step ?? 0,
    loss,
    mean: eigenvalues.reduce((sum, value) => sum + value, 0) / parameterCount,
    counts: {
      gap: countOutliers(eigenvalues, { method: 'gap', among: AMONG }).count,
      ratio: countOutliers(eigenvalues, { method: 'ratio', among: AMONG }).count,
      elbow: countOutliers(eigenvalues, { method: 'threshold', threshold }).count,
    },
    largest: Array.from(eigenvalues.slice(-AMONG)).reverse(),
  };
}

function specOf({ activation, clusters }: RowChoice): NetworkSpec {
  return defineNetwork({
    input: [100],
    layers: [
      { type: 'dense', units: 30 },
      { type: activation },
      { type: 'dense', units: 30 },
      { type: activation },
      { type: 'dense', units: clusters },
    ],
    loss: 'softmaxCrossEntropy',
  });
}

function near(count: number, clusters: number): boolean {
  return Math.abs(count - clusters) <= 1;
}

function agrees({ counts: { gap, ratio, elbow }, clusters }: Row): boolean {
  return [gap, ratio, elbow].some((count) => near(count, clusters));
}

function settingOf({ algorithm, activation, covariance }: RowChoice): string {
  return `${algorithm}, ${activation === 'relu' ? 'ReLU' : 'tanh'}, covariance ${covariance}`;
}

function nameOf(row: RowChoice): string {
  return `${settingOf(row)}, ${row.clusters} clusters`;
}

/** Rows of one setting together, in the table's order. */
function groups(all: readonly Row[]): readonly (readonly Row[])[] {
  return [...new Set(all.map(settingOf))].map((setting) =>
    all.filter((row) => settingOf(row) === setting),
  );
}
