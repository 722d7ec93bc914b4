// Figures S3 to S5 of Sagun, Bottou, LeCun 2016: two blobs in the plane, five widths of the same network.
// Claim: whatever the width, two eigenvalues stand apart from all others; a wider
// network has more eigenvalues near zero, not more outliers.
//
// The paper fixes: M = 18, 74, 162, 282, 434, gradient descent with a constant step until ‖∇L‖ ≈ 1e-4. We
// chose: 200 samples of standard deviation 0.2 (separable), columns standardized and starts of
// 0.1 · N(0, 1) as in the authors' code, learning rate 0.5, several starts for each width.

import { hessian } from '../curvature/operator.js';
import { createNetwork } from '../network/create-network.js';
import { numberText } from '../report/number-text.js';
import { sgd } from '../training/optimizer.js';
import { train } from '../training/train.js';
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
  randomStarts,
  trainAndMeasure,
} from './two-blobs.js';

const WIDTHS = [2, 6, 10, 14, 18] as const;
const STANDARD_DEVIATION = 0.2;
const STARTS = { demo: 10, paper: 50 } as const;
/** λ₂ of an isolated pair is at least so many times λ₃. */
const ISOLATED = 3;

interface Width {
  readonly units: number;
  readonly parameterCount: number;
  readonly spectra: readonly (readonly number[])[];
  readonly unfinished: number;
}

export interface S3Result {
  readonly experiment: 's3';
  readonly seed: number;
  readonly starts: number;
  readonly widths: readonly Width[];
  /** Full Hessians [M, M] at the end of the first start, of the first widths. */
  readonly matrices: readonly { readonly size: number; readonly matrix: readonly number[] }[];
}

export const s3Widths = defineExperiment<S3Result>({
  id: 's3',
  title: 'Figures S3 to S5: two isolated eigenvalues at every width',
  run: runS3,
  check: ({ widths }) => ({
    twoIsolated: {
      claim:
        'Two eigenvalues stand apart at every width: λ₂ is several times λ₃ (median over starts).',
      holds: widths.every((width) => isolation(width) >= ISOLATED),
      measured: widths
        .map((width) => `M = ${width.parameterCount}: λ₂/λ₃ = ${numberText(isolation(width))}`)
        .join('; '),
    },
    sameCount: {
      claim:
        'A wider network has no more of them: two exceed a tenth of the largest (median over starts).',
      holds: widths.every((width) => countLarge(width) === 2),
      measured: widths.map((width) => String(countLarge(width))).join(', ') + ', width by width',
    },
    allFinish: {
      claim: `Gradient descent reaches ‖∇L‖ ≤ ${GRADIENT_NORM} from every start.`,
      holds: widths.every(({ unfinished }) => unfinished === 0),
      measured: `${widths.reduce((sum, { unfinished }) => sum + unfinished, 0)} did not`,
    },
  }),
  tabulate: ({ widths, starts }) => [
    {
      caption: `Medians over ${starts} starts, at ‖∇L‖ ≤ ${GRADIENT_NORM}.`,
      columns: ['M', 'λ₁', 'λ₂', 'λ₃', 'λ₂/λ₃', 'least', 'unfinished'],
      rows: widths.map((width) => [
        String(width.parameterCount),
        ...[1, 2, 3].map((rank) => fromTop(width, rank)),
        isolation(width),
        median(width.spectra.map(([least = NaN]) => least)),
        width.unfinished,
      ]),
    },
  ],
  draw: ({ widths, matrices }) => [
    {
      kind: 'lines',
      title: 'Two eigenvalues apart from the rest, whatever the width',
      subtitle:
        'The ten largest eigenvalues of the Hessian at the end of training, medians over starts.',
      seriesTitle: 'network',
      series: widths.map((width) => ({
        name: `M = ${width.parameterCount}`,
        x: TEN,
        y: TEN.map((rank) => fromTop(width, rank)),
      })),
      x: { title: 'rank', format: 'd' },
      y: { title: 'eigenvalue', scale: 'symlog', linearWithin: 1e-5 },
    },
    ...matrices.map(({ size, matrix }) => ({
      kind: 'heatMap' as const,
      title: `The full Hessian, M = ${size}, after training`,
      subtitle: 'Rows and columns in the order of the parameters; lines where a layer begins.',
      height: 420,
      width: 460,
      size,
      matrix,
      blocks: firstRows(size),
    })),
  ],
  summarize: ({ widths, starts }) =>
    `Over ${starts} starts at each of ${widths.length} widths, λ₂ is ${widths
      .map((width) => numberText(isolation(width), 2))
      .join(
        ', ',
      )} times λ₃ (medians, M = ${widths.map((each) => each.parameterCount).join(', ')}).`,
  manifest: ({ seed, starts }) =>
    manifestOf('S3 to S5', {
      seed,
      'starts for each width': starts,
      network: '2-n-n-2 ReLU, n = 2, 6, 10, 14, 18',
      loss: 'softmax cross-entropy',
      data: `two blobs, ${SAMPLES} samples, standard deviation ${STANDARD_DEVIATION}, standardized`,
      'data, SHA-256': digestOf(blobs(STANDARD_DEVIATION, seed)),
      'initial weights': '0.1 · N(0, 1)',
      optimizer: `gradient descent, learning rate ${LEARNING_RATE}`,
      'stop at gradient norm': GRADIENT_NORM,
      'steps at most': STEPS,
      'isolated means λ₂/λ₃ at least': ISOLATED,
    }),
});

const TEN = Array.from({ length: 10 }, (_, i) => i + 1);

async function runS3({
  seed,
  scale,
  piece,
  onProgress,
  signal,
  threads,
}: Running): Promise<S3Result> {
  const starts = STARTS[scale];
  const data = blobs(STANDARD_DEVIATION, seed);
  const stage = stageProgress('widths', WIDTHS.length + 1, onProgress);
  const widths: Width[] = [];
  for (const units of WIDTHS) {
    const spec = networkOfWidth(units);
    using network = createNetwork(spec, { dtype: 'float64' });
    const ends = await piece(`width-${units}`, () =>
      trainAndMeasure(network, data, randomStarts(spec, starts, seed), { signal, threads }),
    );
    widths.push({ units, parameterCount: network.parameterCount, ...ends });
    stage.finished(1);
  }
  const matrices = await piece('matrices', () =>
    Promise.all([6, 10].map((units) => trainedHessian(units, seed, { signal, threads }))),
  );
  stage.finished(1);
  return { experiment: 's3', seed, starts, widths, matrices };
}

async function trainedHessian(
  units: number,
  seed: number,
  options: { readonly signal: AbortSignal | undefined; readonly threads: number | undefined },
): Promise<S3Result['matrices'][number]> {
  const initializer = { type: 'normal', standardDeviation: 0.1 } as const;
  const data = blobs(STANDARD_DEVIATION, seed);
  using network = createNetwork(networkOfWidth(units), { seed, initializer, dtype: 'float64' });
  await train(network, data, {
    optimizer: sgd({ learningRate: LEARNING_RATE }),
    batchSize: 'full',
    steps: STEPS,
    stopAtGradientNorm: GRADIENT_NORM,
    recordEvery: STEPS,
    ...options,
  });
  using h = hessian(network, data);
  return { size: network.parameterCount, matrix: Array.from(await h.toDense(options)) };
}

/** The median over starts of the eigenvalue of this rank, 1 being the largest. */
function fromTop({ spectra }: Width, rank: number): number {
  return median(spectra.map((values) => values.at(-rank) ?? NaN));
}

function isolation({ spectra }: Width): number {
  return median(spectra.map((values) => (values.at(-2) ?? NaN) / (values.at(-3) ?? NaN)));
}

/** How many eigenvalues exceed a tenth of the largest in modulus: the median over starts. */
function countLarge({ spectra }: Width): number {
  return median(
    spectra.map(
      (values) => values.filter((value) => Math.abs(value) > 0.1 * (values.at(-1) ?? NaN)).length,
    ),
  );
}

/** Where the three layers of 2-n-n-2 begin, from M = n² + 6n + 2. */
function firstRows(size: number): number[] {
  const n = Math.round((-6 + Math.sqrt(36 + 4 * (size - 2))) / 2);
  return [0, 3 * n, 3 * n + n * (n + 1)];
}
