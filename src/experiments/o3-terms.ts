// What the paper had at two points, all through training: how H splits into the Gauss-Newton term G and the residual R.
// Claims: ‖R‖/‖H‖ falls from most of H to below a twentieth; G makes the outliers from early on, and at least 99 % of
// them at the end.
//
// The system is figure 1's. We chose: Frobenius norms of the exact matrices at steps that double, and the outliers above the
// elbow of the 60 largest eigenvalues, over several seeds.

import { gaussNewton, hessian, residual } from '../curvature/operator.js';
import type { CurvatureOperator } from '../curvature/operator.js';
import type { Dataset } from '../data/dataset.js';
import type { Network } from '../network/network.js';
import type { LongCallOptions } from '../progress.js';
import { numberText } from '../report/number-text.js';
import { extremalEigenpairs } from '../spectrum/extremal-eigenpairs.js';
import { sgd } from '../training/optimizer.js';
import type { TrainingState } from '../training/state.js';
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
import { elbowThreshold } from './elbow.js';
import { defineExperiment, manifestOf } from './experiment.js';
import type { Running } from './experiment.js';
import { stageProgress } from './stage-progress.js';
import { median } from './two-blobs.js';

const AT = [0, 25, 50, 100, 200, 400, 800, 1600, STEPS] as const;
const SEEDS = { demo: 3, paper: 10 } as const;

interface Point {
  readonly step: number;
  readonly loss: number;
  /** Frobenius norms. */
  readonly hessian: number;
  readonly gaussNewton: number;
  readonly residual: number;
  readonly outliers: number;
  /** Σ vᵀGv / Σ λ over the outliers of H. */
  readonly explained: number;
}

export interface O3Result {
  readonly experiment: 'o3';
  readonly seed: number;
  /** One list for each seed. */
  readonly seeds: readonly (readonly Point[])[];
}

export const o3Terms = defineExperiment<O3Result>({
  id: 'o3',
  title: 'Our own 3: the split of H into G and R through training',
  run: runO3,
  check: (result) => {
    const shares = medians(result, residualShare);
    const explained = medians(result, (point) => point.explained);
    const [first = NaN, last = NaN] = [shares[0], shares.at(-1)];
    const [before = NaN, after = NaN] = [explained[0], explained.at(-1)];
    return {
      residualFalls: {
        claim: '‖R‖/‖H‖ falls from above 0.85 at the random start to below 0.05.',
        holds: first > 0.85 && last < 0.05,
        measured: `${numberText(first)} to ${numberText(last)}`,
      },
      fallsThroughout: {
        claim: 'It falls from each point to the next.',
        holds: shares.every((share, i) => i === 0 || share < (shares[i - 1] ?? NaN)),
        measured: shares.map((share) => numberText(share, 2)).join(', '),
      },
      gaussNewtonMakesOutliers: {
        claim: 'G makes at least 99 % of the outliers in the end, and not at the start.',
        holds: before < 0.9 && after >= 0.99,
        measured: `Σ vᵀGv / Σ λ goes from ${numberText(before)} to ${numberText(after)}`,
      },
    };
  },
  tabulate: (result) => [
    {
      caption: `Medians over ${result.seeds.length} seeds; norms are Frobenius norms.`,
      columns: ['step', 'loss', '‖H‖', '‖G‖', '‖R‖', '‖R‖/‖H‖', 'outliers', 'Σ vᵀGv / Σ λ'],
      rows: AT.map((step, i) => [
        step.toLocaleString('en'),
        ...[
          (point: Point) => point.loss,
          (point: Point) => point.hessian,
          (point: Point) => point.gaussNewton,
          (point: Point) => point.residual,
          residualShare,
          (point: Point) => point.outliers,
          (point: Point) => point.explained,
        ].map((of) => medians(result, of)[i] ?? NaN),
      ]),
    },
  ],
  draw: (result) => {
    const x = [...AT];
    return [
      {
        kind: 'lines',
        title: 'The residual term dies away, and the outliers become those of Gauss-Newton',
        subtitle: `Medians over ${result.seeds.length} seeds; the step axis is linear up to 25 and logarithmic beyond.`,
        seriesTitle: 'share',
        series: [
          { name: '‖R‖ / ‖H‖', x, y: medians(result, residualShare) },
          { name: 'Σ vᵀGv / Σ λ over outliers', x, y: medians(result, (point) => point.explained) },
        ],
        x: { title: 'steps', scale: 'symlog', linearWithin: 25 },
        y: { title: 'share' },
      },
      {
        kind: 'lines',
        title: 'Norms of H and of its two terms through training',
        seriesTitle: 'matrix',
        series: [
          { name: 'Hessian H', x, y: medians(result, (point) => point.hessian) },
          { name: 'Gauss-Newton G', x, y: medians(result, (point) => point.gaussNewton) },
          { name: 'residual R', x, y: medians(result, (point) => point.residual) },
        ],
        x: { title: 'steps', scale: 'symlog', linearWithin: 25 },
        y: { title: 'Frobenius norm', scale: 'logarithmic' },
      },
    ];
  },
  summarize: (result) => {
    const shares = medians(result, residualShare);
    const explained = medians(result, (point) => point.explained);
    return (
      `Through ${STEPS.toLocaleString('en')} steps ‖R‖/‖H‖ falls from ${numberText(shares[0] ?? NaN, 2)} to ` +
      `${numberText(shares.at(-1) ?? NaN, 2)}, and the part of the outliers that G makes goes from ` +
      `${numberText(explained[0] ?? NaN, 2)} to ${numberText(explained.at(-1) ?? NaN)}.`
    );
  },
  manifest: ({ seed, seeds }) =>
    manifestOf('Our own 3 (H = G + R through training), on the system of F1', {
      ...CLASSIFIER_CHOICES,
      seed,
      seeds: seeds.length,
      'data, SHA-256': digestOf(...seeds.map((_, i) => digitsSplit(seed + i).train)),
      'measured after steps': AT,
      'threshold rule': `elbow of the ${6 * CLASSES} largest`,
    }),
});

async function runO3({
  seed,
  scale,
  piece,
  onProgress,
  signal,
  threads,
}: Running): Promise<O3Result> {
  const count = SEEDS[scale];
  const stage = stageProgress('points', count * AT.length, onProgress);
  const seeds: (readonly Point[])[] = [];
  for (let i = 0; i < count; ++i) {
    seeds.push(await piece(`seed-${i}`, () => follow(seed + i, { signal, threads })));
    stage.finished(AT.length);
  }
  return { experiment: 'o3', seed, seeds };
}

async function follow(seed: number, options: LongCallOptions): Promise<readonly Point[]> {
  const { train: data } = digitsSplit(seed);
  using network = classifier(seed);
  const points: Point[] = [];
  let state: TrainingState<'float64'> | undefined;
  for (const [i, step] of AT.entries()) {
    const steps = step - (AT[i - 1] ?? 0);
    if (steps > 0) {
      const history = await train(network, data, {
        optimizer: sgd({ learningRate: LEARNING_RATE }),
        batchSize: 'full',
        steps,
        recordEvery: steps,
        resumeFrom: state,
        ...options,
      });
      ({ state } = history);
    }
    points.push({ step, ...(await measure(network, data, options)) });
  }
  return points;
}

async function measure(
  network: Network<'float64'>,
  data: Dataset,
  options: LongCallOptions,
): Promise<Omit<Point, 'step'>> {
  using h = hessian(network, data);
  using g = gaussNewton(network, data);
  using r = residual(network, data);
  const search = { largest: 6 * CLASSES, tolerance: 1e-6, ...options };
  const { values, vectors } = (await extremalEigenpairs(h, search)).largest;
  const threshold = elbowThreshold(values.toReversed(), 6 * CLASSES);
  const outliers = values.filter((value) => value > threshold);
  const theirs = vectors.subarray(0, outliers.length * h.size);
  const products = await g.apply(theirs, outliers.length, options);
  const explained = products.reduce((sum, entry, i) => sum + entry * (theirs[i] ?? NaN), 0);
  return {
    loss: await network.loss(data, options),
    hessian: await norm(h, options),
    gaussNewton: await norm(g, options),
    residual: await norm(r, options),
    outliers: outliers.length,
    explained: explained / outliers.reduce((sum, value) => sum + value, 0),
  };
}

/** Frobenius's, of the exact matrix. */
async function norm(operator: CurvatureOperator, options: LongCallOptions): Promise<number> {
  let squares = 0;
  for (const entry of await operator.toDense(options)) squares += entry * entry;
  return Math.sqrt(squares);
}

function residualShare({ residual: r, hessian: h }: Point): number {
  return r / h;
}

/** At each point the median over seeds. */
function medians({ seeds }: O3Result, of: (point: Point) => number): readonly number[] {
  return AT.map((_, i) =>
    median(seeds.flatMap((points) => (points[i] === undefined ? [] : [of(points[i])]))),
  );
}
