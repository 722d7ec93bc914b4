// Figures S1 and S2 of Sagun, Bottou, LeCun 2016: two hidden ReLU layers of growing width on handwritten digits, and
// one of them on random inputs instead. Claims: the bulk near zero grows with the width while the outliers stay
// about as many as classes (S1); the bulk is the architecture's, for random inputs have it too, before and
// after training; what stands off it is the data's (S2).
//
// The paper fixes: MNIST, two hidden ReLU layers, a full Hessian, histograms. We chose: four widths at demo scale
// (three at the paper's), 1,000 samples, learning rate 0.1, PyTorch's initial weights, several starts for
// each width; random inputs are N(0, 1) with the classes of the digits.

import { hessian } from '../curvature/operator.js';
import { createDataset } from '../data/create-dataset.js';
import type { Dataset } from '../data/dataset.js';
import { randomInputs } from '../data/synthetic.js';
import { createNetwork } from '../network/create-network.js';
import type { Network } from '../network/network.js';
import { defineNetwork } from '../network/spec.js';
import type { LongCallOptions } from '../progress.js';
import { countOutliers } from '../spectrum/outliers.js';
import { spectrum } from '../spectrum/spectrum.js';
import { sgd } from '../training/optimizer.js';
import { train } from '../training/train.js';
import { digestOf } from './data-digest.js';
import { elbowThreshold } from './elbow.js';
import { defineExperiment } from './experiment.js';
import type { Running } from './experiment.js';
import { handwritten } from './handwritten.js';
import { checkS1, drawS1, manifestS1, summarizeS1, tabulateS1 } from './s1-figure.js';
import type { Point, S1Result, Width } from './s1-figure.js';
import { stageProgress } from './stage-progress.js';

const CLASSES = 10;
const SAMPLES = 1000;
const LEARNING_RATE = 0.1;
const SCALES = {
  demo: { widths: [10, 20, 30, 40], steps: 2000, starts: 3 },
  paper: { widths: [10, 20, 30], steps: 5000, starts: 5 },
} as const;
/** Rows and columns of the picture of a matrix at most. */
const CELLS = 160;

export const s1Spectra = defineExperiment<S1Result>({
  id: 's1',
  title: 'Figures S1 and S2: the bulk is the architecture’s, the outliers are the data’s',
  run: runS1,
  check: checkS1,
  tabulate: tabulateS1,
  draw: drawS1,
  summarize: summarizeS1,
  manifest: manifestS1,
});

interface Training extends LongCallOptions {
  readonly seed: number;
  readonly steps: number;
}

async function runS1({
  seed,
  scale,
  dataDirectory,
  piece,
  onProgress,
  signal,
  threads,
}: Running): Promise<S1Result> {
  const { widths, steps, starts } = SCALES[scale];
  const widest = Math.max(...widths);
  const { data, name } = await handwritten('s1', SAMPLES, { scale, dataDirectory });
  const stage = stageProgress('spectra', widths.length * starts + 2, onProgress);
  const training = { seed, steps, signal, threads };
  const measured: Width[] = [];
  for (const units of widths) {
    const points: Point[] = [];
    for (let start = 0; start < starts; ++start) {
      points.push(
        await piece(`width-${units}-${start}`, () =>
          trained(units, data, { ...training, seed: seed + start }),
        ),
      );
      stage.finished(1);
    }
    measured.push({ units, points });
  }
  const random = await piece('random', () =>
    beforeAndAfter(widest, randomInputsLike(data, seed), training),
  );
  stage.finished(1);
  const matrix = await piece('matrix', () => picture(widths[0], data, training));
  stage.finished(1);
  return {
    experiment: 's1',
    seed,
    data: name,
    digest: digestOf(data),
    samples: data.sampleCount,
    classes: CLASSES,
    learningRate: LEARNING_RATE,
    steps,
    starts,
    widths: measured,
    random: { units: widest, ...random },
    matrix,
  };
}

/** Inputs from N(0, 1) in place of the images, with the same classes. */
function randomInputsLike(data: Dataset<'float64'>, seed: number): Dataset<'float64'> {
  const { sampleCount: samples, inputShape } = data;
  const noise = randomInputs({ samples, inputShape, classes: CLASSES, seed });
  return createDataset({ inputs: noise.inputs(), targets: data.targets(), inputShape });
}

function networkFor(data: Dataset, units: number, seed: number): Network<'float64'> {
  const { inputSize } = data;
  const spec = defineNetwork({
    input: [inputSize],
    layers: [
      { type: 'dense', units },
      { type: 'relu' },
      { type: 'dense', units },
      { type: 'relu' },
      { type: 'dense', units: CLASSES },
    ],
    loss: 'softmaxCrossEntropy',
  });
  return createNetwork(spec, { seed, dtype: 'float64' });
}

async function take(
  network: Network<'float64'>,
  data: Dataset,
  { steps, seed: _, ...options }: Training,
): Promise<void> {
  await train(network, data, {
    optimizer: sgd({ learningRate: LEARNING_RATE }),
    batchSize: 'full',
    steps,
    recordEvery: steps,
    ...options,
  });
}

async function trained(units: number, data: Dataset, training: Training): Promise<Point> {
  using network = networkFor(data, units, training.seed);
  await take(network, data, training);
  return await measure(network, data, training);
}

async function beforeAndAfter(
  units: number,
  data: Dataset,
  training: Training,
): Promise<{ readonly before: Point; readonly after: Point }> {
  using network = networkFor(data, units, training.seed);
  const before = await measure(network, data, training);
  await take(network, data, training);
  return { before, after: await measure(network, data, training) };
}

async function measure(
  network: Network<'float64'>,
  data: Dataset,
  { signal, threads }: LongCallOptions,
): Promise<Point> {
  const { terms, loss, parameterCount } = await spectrum(network, data, {
    terms: ['hessian'],
    method: 'dense',
    signal,
    threads,
  });
  const { eigenvalues, errorEstimate } = terms.hessian;
  const threshold = elbowThreshold(eigenvalues, 6 * CLASSES);
  const { count } = countOutliers(eigenvalues, { method: 'threshold', threshold });
  return {
    parameterCount,
    loss,
    accuracy: await network.accuracy(data),
    errorEstimate,
    outliers: count,
    threshold,
    eigenvalues: Array.from(eigenvalues),
  };
}

/** The full Hessian after training, for a picture: of each cell the entry of largest modulus. */
async function picture(
  units: number,
  data: Dataset,
  training: Training,
): Promise<S1Result['matrix']> {
  using network = networkFor(data, units, training.seed);
  await take(network, data, training);
  using h = hessian(network, data);
  const { signal, threads } = training;
  const entries = await h.toDense({ signal, threads });
  const parameterCount = h.size;
  const cell = Math.ceil(parameterCount / CELLS);
  const size = Math.ceil(parameterCount / cell);
  const matrix = new Array<number>(size * size).fill(0);
  for (let row = 0; row < parameterCount; ++row) {
    for (let column = 0; column < parameterCount; ++column) {
      const at = Math.floor(row / cell) * size + Math.floor(column / cell);
      const entry = entries[row * parameterCount + column] ?? NaN;
      if (Math.abs(entry) > Math.abs(matrix[at] ?? NaN)) matrix[at] = entry;
    }
  }
  const layers = [...new Set(network.layout.map(({ layer }) => layer))];
  const blocks = layers.map(
    (layer) => network.layout.find((tensor) => tensor.layer === layer)?.offset ?? 0,
  );
  return { units, parameterCount, cell, size, matrix, blocks };
}
