// Figure 1 of Sagun et al. 2017: all eigenvalues of the Hessian of a network with two hidden layers, in
// order, at the random initial point and after training. Claim: a bulk at zero, a few outliers, and
// negative eigenvalues that remain but are small; the Gauss-Newton term makes the outliers.
//
// The paper fixes: two hidden layers, about 5,000 parameters, full-batch gradient descent, the exact
// Hessian. The authors' code fixes: all parameters start as 0.1 · N(0, 1), learning rate 0.1. We chose:
// 64-50-30-10 ReLU (M = 5,090), softmax cross-entropy, 1,000 of the embedded digits (standardized; the
// other 797 are test data), 3,000 steps (‖R‖/‖H‖ falls as the samples are fitted, to 0.10 after 400 of them);
// outliers are counted above the elbow of the ordered plot.

import { gaussNewton, hessian, residual } from '../curvature/operator.js';
import type { Dataset } from '../data/dataset.js';
import type { Network } from '../network/network.js';
import type { LongCallOptions } from '../progress.js';
import { eigenpairs } from '../spectrum/eigenpairs.js';
import { countOutliers } from '../spectrum/outliers.js';
import { spectrum } from '../spectrum/spectrum.js';
import { sgd } from '../training/optimizer.js';
import { train } from '../training/train.js';
import type { TrainingRecord } from '../training/record.js';
import {
  DATA,
  INITIALIZER,
  LEARNING_RATE,
  NETWORK,
  STEPS,
  classifier,
  digitsSplit,
} from './digits-classifier.js';
import { elbowThreshold } from './elbow.js';
import { type RunOptions, defineExperiment } from './experiment.js';
import type { F1Point, F1Result } from './f1-figure.js';
import { type StageProgress, stageProgress } from './stage-progress.js';
import { checkF1, drawF1, manifestF1, summarizeF1, tabulateF1 } from './f1-figure.js';

export const f1Spectrum = defineExperiment<F1Result>({
  id: 'f1',
  title: 'Figure 1: the whole spectrum of the Hessian, before and after training',
  run: runF1,
  check: checkF1,
  tabulate: tabulateF1,
  draw: drawF1,
  summarize: summarizeF1,
  manifest: manifestF1,
});

async function runF1({
  seed,
  onCurve,
  onProgress,
  signal,
  threads,
}: RunOptions): Promise<F1Result> {
  const quiet = { signal, threads };
  const data = digitsSplit(seed);
  using network = classifier(seed);
  using start = network.clone();

  const { records } = await train(network, data.train, {
    optimizer: sgd({ learningRate: LEARNING_RATE }),
    batchSize: 'full',
    steps: STEPS,
    recordEvery: 30,
    testData: data.test,
    onProgress,
    ...quiet,
  });
  const steps = records.map(({ step }) => step);
  const loss = records.map((record) => record.loss);
  onCurve?.({ name: 'training loss', steps, values: loss });
  const testLoss = records.map((record) => record.testLoss ?? NaN);
  onCurve?.({ name: 'test loss', steps, values: testLoss });

  const stage = stageProgress('exact spectra', 6, onProgress);
  const before = await measure(start, data.train, { record: records[0], stage, options: quiet });
  const after = await measure(network, data.train, {
    record: records.at(-1),
    stage,
    options: quiet,
  });
  const explained = await Promise.all([
    explainedByGaussNewton(start, data.train, {
      count: before.outliers.elbow,
      stage,
      options: quiet,
    }),
    explainedByGaussNewton(network, data.train, {
      count: after.outliers.elbow,
      stage,
      options: quiet,
    }),
  ]);

  return {
    experiment: 'f1',
    version: 1,
    seed,
    network: NETWORK,
    data: DATA,
    samples: data.train.sampleCount,
    testSamples: data.test.sampleCount,
    classes: data.train.classCount ?? 0,
    initializer: `${INITIALIZER.standardDeviation} · N(0, 1)`,
    learningRate: LEARNING_RATE,
    training: { steps, loss, testLoss },
    before: { ...before, explained: explained[0] },
    after: { ...after, explained: explained[1] },
  };
}

interface Measuring {
  readonly record: TrainingRecord | undefined;
  readonly stage: StageProgress;
  readonly options: LongCallOptions;
}

async function measure(
  network: Network<'float64'>,
  data: Dataset,
  { record, stage, options }: Measuring,
): Promise<Omit<F1Point, 'explained'>> {
  const result = await spectrum(network, data, { terms: ['hessian', 'gaussNewton'], ...options });
  stage.finished(2);
  const { eigenvalues } = result.terms.hessian;
  const threshold = elbowThreshold(eigenvalues, 6 * (data.classCount ?? 10));
  using r = residual(network, data);
  return {
    accuracy: record?.accuracy ?? NaN,
    testAccuracy: record?.testAccuracy ?? NaN,
    gradientNorm: norm(await network.gradient(data, options)),
    spectrum: result.toJSON(),
    hessianNorm: norm(eigenvalues),
    residualNorm: norm(await r.toDense(options)),
    outliers: {
      elbow: countOutliers(eigenvalues, { method: 'threshold', threshold }).count,
      ratio: countOutliers(eigenvalues, { method: 'ratio' }).count,
      gap: countOutliers(eigenvalues, { method: 'gap' }).count,
      threshold,
    },
  };
}

interface Explaining extends Omit<Measuring, 'record'> {
  readonly count: number;
}

/** Σ vᵀGv / Σ λ over the `count` largest eigenpairs (λ, v) of H. */
async function explainedByGaussNewton(
  network: Network<'float64'>,
  data: Dataset,
  { count, stage, options }: Explaining,
): Promise<number> {
  if (count === 0) return 0;
  using h = hessian(network, data);
  using g = gaussNewton(network, data);
  const { values, vectors } = await eigenpairs(h, { largest: count, ...options });
  const products = await g.apply(vectors, count, options);
  stage.finished(1);
  const explained = products.reduce((sum, product, i) => sum + product * (vectors[i] ?? 0), 0);
  return explained / values.reduce((sum, value) => sum + value, 0);
}

/** ‖x‖₂; of a matrix its Frobenius norm, of a symmetric one's eigenvalues the same. */
function norm(entries: Float64Array): number {
  return Math.sqrt(entries.reduce((sum, entry) => sum + entry * entry, 0));
}
