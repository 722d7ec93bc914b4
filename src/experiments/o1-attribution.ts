// What the paper could not say of its outliers: which part of the Gauss-Newton term G makes them, by Papyan's
// attribution (2019). Claims: training makes the outliers of the means of classes; beyond as many as there are
// classes they count for little; between classes (class means and cross-class means together) lies most of each outlier.
//
// The system is figure 1's. We chose: the 30 largest eigenpairs of G, at the random start and after training, over
// several seeds.

import type { Dataset } from '../data/dataset.js';
import type { Network } from '../network/network.js';
import type { LongCallOptions } from '../progress.js';
import type { Chart } from '../report/chart.js';
import { numberText } from '../report/number-text.js';
import { attributeOutliers } from '../spectrum/attribute-outliers.js';
import type { OutlierShares } from '../spectrum/attribute-outliers.js';
import { sgd } from '../training/optimizer.js';
import { train } from '../training/train.js';
import { digestOf } from './data-digest.js';
import {
  CLASSES,
  CLASSIFIER_CHOICES,
  LEARNING_RATE,
  STEPS,
  classifier,
  digitsSplit,
} from './digits-classifier.js';
import { defineExperiment, manifestOf } from './experiment.js';
import type { Running } from './experiment.js';
import { stageProgress } from './stage-progress.js';
import { median } from './two-blobs.js';

const PAIRS = 30;
const SEEDS = { demo: 3, paper: 10 } as const;

interface Outlier {
  readonly value: number;
  readonly shares: OutlierShares;
  /** The class whose samples have most of it, and how much. */
  readonly topClass: number;
  readonly topShare: number;
}

interface Seed {
  /** From the largest down. */
  readonly before: readonly Outlier[];
  readonly after: readonly Outlier[];
}

export interface O1Result {
  readonly experiment: 'o1';
  readonly seed: number;
  readonly classes: number;
  readonly steps: number;
  readonly seeds: readonly Seed[];
}

export const o1Attribution = defineExperiment<O1Result>({
  id: 'o1',
  title: 'Our own 1: the outliers are made of the means of classes',
  run: runO1,
  check: (result) => {
    const { classes } = result;
    const [start, first, next] = [
      meanShare(result, 'before', 0),
      meanShare(result, 'after', 0),
      meanShare(result, 'after', classes),
    ];
    const between = betweenClasses(result);
    return {
      madeByTraining: {
        claim: `Training makes the ${classes} largest of class means: their share grows at least fivefold.`,
        holds: first >= 5 * start,
        measured: `${percent(start)} at the random start, ${percent(first)} after training`,
      },
      asManyAsClasses: {
        claim: `The share falls behind rank ${classes}: that of the next ${classes} is at most a third.`,
        holds: next <= first / 3,
        measured: `${percent(first)} at ranks 1 to ${classes}, ${percent(next)} at the next ${classes}`,
      },
      betweenClasses: {
        claim: `At least three quarters of the ${classes} largest lie between classes, after training.`,
        holds: between >= 0.75,
        measured: `${percent(between)} from class means and cross-class means together`,
      },
    };
  },
  tabulate: ({ seeds: [first], classes }) => [
    {
      caption: 'After training, of the first seed: shares vᵀG_k v / vᵀGv, which sum to 1.',
      columns: [
        'rank',
        'λ',
        'class means',
        'cross-class means',
        'within',
        'own label',
        'class with most',
      ],
      rows: (first?.after ?? [])
        .slice(0, 2 * classes)
        .map(({ value, shares, ...top }, i) => [
          String(i + 1),
          value,
          ...PARTS.map(({ key }) => percent(shares[key])),
          `${top.topClass} (${percent(top.topShare)})`,
        ]),
    },
  ],
  draw: (result) => [
    {
      kind: 'lines',
      title: `Class means make the ${result.classes} largest eigenvalues, and hardly any beyond`,
      subtitle: `Shares of each eigenvalue of G after training, medians over ${result.seeds.length} seeds.`,
      seriesTitle: 'part of G',
      series: PARTS.map(({ key, name }) => ({
        name,
        x: RANKS,
        y: sharesByRank(result, 'after', key),
      })),
      x: { title: 'rank, from the largest', format: 'd' },
      y: { title: 'share of the eigenvalue' },
    } satisfies Chart,
    {
      kind: 'lines',
      title: 'At the random start there is nothing of class means in them',
      subtitle: `The same before training.`,
      seriesTitle: 'part of G',
      series: PARTS.map(({ key, name }) => ({
        name,
        x: RANKS,
        y: sharesByRank(result, 'before', key),
      })),
      x: { title: 'rank, from the largest', format: 'd' },
      y: { title: 'share of the eigenvalue' },
    } satisfies Chart,
  ],
  summarize: (result) =>
    `Class means make ${percent(meanShare(result, 'after', 0))} of the ${result.classes} largest eigenvalues of G after ` +
    `training, ${percent(meanShare(result, 'after', result.classes))} of the next ${result.classes}, and ` +
    `${percent(meanShare(result, 'before', 0))} at the random start.`,
  manifest: ({ seed, steps, seeds }) =>
    manifestOf('Our own 1 (attribution after Papyan 2019), on the system of F1', {
      ...CLASSIFIER_CHOICES,
      seed,
      seeds: seeds.length,
      'data, SHA-256': digestOf(...seeds.map((_, i) => digitsSplit(seed + i).train)),
      steps,
      'eigenpairs of G': PAIRS,
    }),
});

const PARTS = [
  { key: 'classMeans', name: 'class means' },
  { key: 'crossClassMeans', name: 'cross-class means' },
  { key: 'withinCrossClass', name: 'within pairs of classes' },
  { key: 'sameClass', name: 'own label' },
] as const satisfies readonly { readonly key: keyof OutlierShares; readonly name: string }[];

const RANKS = Array.from({ length: PAIRS }, (_, i) => i + 1);

async function runO1({
  seed,
  scale,
  piece,
  onProgress,
  signal,
  threads,
}: Running): Promise<O1Result> {
  const count = SEEDS[scale];
  const stage = stageProgress('seeds', count, onProgress);
  const seeds: Seed[] = [];
  for (let i = 0; i < count; ++i) {
    seeds.push(await piece(`seed-${i}`, () => measureSeed(seed + i, { signal, threads })));
    stage.finished(1);
  }
  return { experiment: 'o1', seed, classes: CLASSES, steps: STEPS, seeds };
}

async function measureSeed(seed: number, options: LongCallOptions): Promise<Seed> {
  const { train: data } = digitsSplit(seed);
  using network = classifier(seed);
  const before = await attribute(network, data, options);
  await train(network, data, {
    optimizer: sgd({ learningRate: LEARNING_RATE }),
    batchSize: 'full',
    steps: STEPS,
    recordEvery: STEPS,
    ...options,
  });
  return { before, after: await attribute(network, data, options) };
}

async function attribute(
  network: Network,
  data: Dataset,
  options: LongCallOptions,
): Promise<readonly Outlier[]> {
  const outliers = await attributeOutliers(network, data, PAIRS, options);
  return outliers.map(({ value, shares, classes }) => {
    const totals = classes.map(({ total }) => total);
    const topShare = Math.max(...totals);
    return { value, shares, topClass: totals.indexOf(topShare), topShare };
  });
}

/** At each rank the median over seeds. */
function sharesByRank(
  { seeds }: O1Result,
  when: keyof Seed,
  part: keyof OutlierShares,
): readonly number[] {
  return RANKS.map((rank) =>
    median(seeds.map((each) => each[when][rank - 1]?.shares[part] ?? NaN)),
  );
}

/** Of class means, over as many ranks as classes behind the first so many; the median over seeds of the mean. */
function meanShare({ seeds, classes }: O1Result, when: keyof Seed, behind: number): number {
  return median(
    seeds.map((each) =>
      mean(each[when].slice(behind, behind + classes).map(({ shares }) => shares.classMeans)),
    ),
  );
}

function betweenClasses({ seeds, classes }: O1Result): number {
  return median(
    seeds.map(({ after }) =>
      mean(after.slice(0, classes).map(({ shares }) => shares.classMeans + shares.crossClassMeans)),
    ),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function percent(share: number): string {
  return `${numberText(100 * share, 2)}\u00a0%`;
}
