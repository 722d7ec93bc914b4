// Figure 9 of Sagun et al. 2017: logistic regression, one neuron, on one Gaussian blob and on two.
// Claim: where ∇²ℓ is constant the Hessian is a quarter of the sample covariance: one blob gives the
// Marčenko-Pastur bulk, two blobs add one outlier, where the BBP formula says.
//
// At w = 0 every sigmoid is ½, so H = ¼ XᵀX/N exactly. With two blobs at ±μ the second moment in the
// direction of μ is ℓ = 1 + |μ|², and the outlier lies at ¼ℓ(1 + α/(ℓ − 1)). The paper fixes α = M/N of 0.2
// and 1 for one blob, 1, 2 and 0.02 for two. We chose: entries N(0, 1), no bias (its direction is another
// outlier), |μ|² = 8, means over several data sets (one outlier
// strays by about 2 % at a thousand samples). Columns are not standardized: that would divide the
// bulk's variance by each column's own second moment.

import { hessian } from '../curvature/operator.js';
import { createDataset } from '../data/create-dataset.js';
import type { Dataset } from '../data/dataset.js';
import { createRandom } from '../data/random.js';
import { createNetwork } from '../network/create-network.js';
import { defineNetwork } from '../network/spec.js';
import type { LongCallOptions } from '../progress.js';
import type { Chart } from '../report/chart.js';
import { numberText } from '../report/number-text.js';
import type { Claim } from '../report/report.js';
import { denseSpectrum } from '../spectrum/dense-spectrum.js';
import { marchenkoPastur } from '../spectrum/marchenko-pastur.js';
import { digestOf } from './data-digest.js';
import { defineExperiment, manifestOf } from './experiment.js';
import type { Running } from './experiment.js';
import { stageProgress } from './stage-progress.js';

const SETTINGS = [
  { blobs: 1, ratio: 0.2 },
  { blobs: 1, ratio: 1 },
  { blobs: 2, ratio: 1 },
  { blobs: 2, ratio: 2 },
  { blobs: 2, ratio: 0.02 },
] as const;
/** |μ|² of each of two blobs. */
const SHIFT = 8;
const SCALES = {
  demo: { dimensions: 1000, dataSets: 16 },
  paper: { dimensions: 2000, dataSets: 30 },
} as const;
/** Of p(1 − p) at w = 0. */
const VARIANCE = 0.25;

interface Spectrum {
  readonly eigenvalues: readonly number[];
  readonly exactZeros: number;
  readonly errorEstimate: number;
}

interface Setting {
  readonly blobs: 1 | 2;
  readonly ratio: number;
  readonly dimensions: number;
  readonly samples: number;
  /** At w = 0, one of each data set. */
  readonly atZero: readonly Spectrum[];
  /** At w ~ N(0, 1/M) instead, on the first data set. */
  readonly atRandom: Spectrum;
}

export interface F9Result {
  readonly experiment: 'f9';
  readonly seed: number;
  readonly settings: readonly Setting[];
}

export const f9MarchenkoPastur = defineExperiment<F9Result>({
  id: 'f9',
  title: 'Figure 9: one neuron, the Marčenko-Pastur bulk and one outlier',
  run: runF9,
  check: checkF9,
  tabulate: ({ settings }) => [
    {
      caption:
        'Ends of the bulk and the outlier at w = 0, means over data sets, beside theory; the last ' +
        'column is the largest eigenvalue at a random w on the first data set.',
      columns: [
        'blobs, α',
        'lower',
        'theory',
        'upper',
        'theory',
        'outlier',
        'theory',
        'zeros',
        'at random w',
      ],
      rows: settings.map((setting) => {
        const { lower, upper, outlier } = measuredEdges(setting);
        const theory = marchenkoPastur({ ratio: setting.ratio, variance: VARIANCE });
        const two = setting.blobs === 2;
        return [
          `${setting.blobs}, ${setting.ratio}`,
          lower,
          theory.lower,
          upper,
          theory.upper,
          two ? outlier : '–',
          two ? theory.outlier(1 + SHIFT) : '–',
          zerosOf(setting),
          setting.atRandom.eigenvalues.at(-1) ?? NaN,
        ];
      }),
    },
  ],
  draw: ({ settings }) => settings.map(drawSetting),
  summarize: ({ settings }) => {
    const worst = Math.max(...settings.map(edgeError));
    return (
      `At w = 0 the edges of the bulk lie within ${percent(worst)} of Marčenko-Pastur's and the outliers of ` +
      `two blobs within ${percent(Math.max(...settings.map(outlierError)))} of the BBP formula.`
    );
  },
  manifest: ({ seed, settings }) =>
    manifestOf('F9', {
      seed,
      network: 'one neuron without bias, sigmoid',
      loss: 'binary cross-entropy',
      data: 'N(0, 1) entries; two blobs: ±μ with |μ|² = ' + String(SHIFT),
      'blobs, α, M, N': settings.map(
        ({ blobs, ratio, dimensions, samples }) => `${blobs}, ${ratio}, ${dimensions}, ${samples}`,
      ),
      'data sets each': settings[0]?.atZero.length ?? 0,
      'first data sets, SHA-256': digestOf(
        ...settings.map((shape) => blobData({ ...shape, seed })),
      ),
    }),
});

function checkF9({ settings }: F9Result): Readonly<Record<string, Claim>> {
  const under = settings.filter(({ ratio }) => ratio > 1);
  return {
    bulkEdges: {
      claim: 'The edges of the bulk are Marčenko-Pastur’s, within 2 % of the upper edge.',
      holds: settings.every((setting) => edgeError(setting) < 0.02),
      measured: settings.map((each) => percent(edgeError(each))).join(', '),
    },
    exactZeros: {
      claim: 'With more dimensions than samples (α > 1) exactly M − N eigenvalues are zero.',
      holds: under.every((each) => zerosOf(each) === each.dimensions - each.samples),
      measured: under
        .map((each) => `${zerosOf(each)} zeros, M − N = ${each.dimensions - each.samples}`)
        .join('; '),
    },
    outlier: {
      claim: 'Two blobs add one outlier, within 2 % of the BBP formula.',
      holds: settings.every((setting) => outlierError(setting) < 0.02),
      measured: settings
        .filter(({ blobs }) => blobs === 2)
        .map((each) => percent(outlierError(each)))
        .join(', '),
    },
  };
}

async function runF9({
  seed,
  scale,
  piece,
  onProgress,
  signal,
  threads,
}: Running): Promise<F9Result> {
  const { dimensions: most, dataSets } = SCALES[scale];
  const stage = stageProgress('settings', SETTINGS.length, onProgress);
  const settings: Setting[] = [];
  for (const { blobs, ratio } of SETTINGS) {
    // Few dimensions for a small α, since the samples are M/α.
    const dimensions = ratio < 0.1 ? most / 4 : most;
    const samples = Math.round(dimensions / ratio);
    const shape = { blobs, dimensions, samples };
    const setting = await piece(`blobs-${blobs}-${ratio}`, async () => {
      const atZero: Spectrum[] = [];
      for (let i = 0; i < dataSets; ++i) {
        atZero.push(
          await measure({ ...shape, seed: seed + i, initializer: 'zeros' }, { signal, threads }),
        );
      }
      const initializer = { type: 'normal', standardDeviation: 1 / Math.sqrt(dimensions) } as const;
      const atRandom = await measure({ ...shape, seed, initializer }, { signal, threads });
      return { ...shape, ratio, atZero, atRandom };
    });
    settings.push(setting);
    stage.finished(1);
  }
  return { experiment: 'f9', seed, settings };
}

interface Shape {
  readonly blobs: 1 | 2;
  readonly dimensions: number;
  readonly samples: number;
  readonly seed: number;
  readonly initializer: 'zeros' | { readonly type: 'normal'; readonly standardDeviation: number };
}

async function measure(shape: Shape, options: LongCallOptions): Promise<Spectrum> {
  const spec = defineNetwork({
    input: [shape.dimensions],
    layers: [{ type: 'dense', units: 1, bias: false }],
    loss: 'binaryCrossEntropy',
  });
  const { seed, initializer } = shape;
  using network = createNetwork(spec, { seed, initializer, dtype: 'float64' });
  using h = hessian(network, blobData(shape));
  const { eigenvalues, exactZeros, errorEstimate } = await denseSpectrum(h, options);
  return { eigenvalues: Array.from(eigenvalues), exactZeros, errorEstimate };
}

/** Entries N(0, 1), around 0 or around ±μ with μ = √SHIFT in the first coordinate; classes in turn. */
function blobData({
  blobs,
  dimensions,
  samples,
  seed,
}: Omit<Shape, 'initializer'>): Dataset<'float64'> {
  const random = createRandom(seed);
  const inputs = new Float64Array(samples * dimensions).map(() => random.normal());
  const targets = Int32Array.from({ length: samples }, (_, n) => n % 2);
  if (blobs === 2) {
    for (let n = 0; n < samples; ++n) {
      const at = n * dimensions;
      inputs[at] = (inputs[at] ?? 0) + (n % 2 === 0 ? 1 : -1) * Math.sqrt(SHIFT);
    }
  }
  return createDataset({ inputs, targets, inputShape: [dimensions] });
}

function measuredEdges({ blobs, atZero, dimensions, samples }: Setting): {
  readonly lower: number;
  readonly upper: number;
  readonly outlier: number;
} {
  const of = (rank: (values: readonly number[]) => number): number =>
    atZero.reduce((sum, { eigenvalues }) => sum + rank(eigenvalues), 0) / atZero.length;
  const zeros = Math.max(0, dimensions - samples);
  return {
    lower: of((values) => values[zeros] ?? NaN),
    upper: of((values) => values.at(blobs === 2 ? -2 : -1) ?? NaN),
    outlier: of((values) => values.at(-1) ?? NaN),
  };
}

/** The worse edge, in units of the upper one (the lower one can be 0). */
function edgeError(setting: Setting): number {
  const { lower, upper } = measuredEdges(setting);
  const theory = marchenkoPastur({ ratio: setting.ratio, variance: VARIANCE });
  return Math.max(Math.abs(lower - theory.lower), Math.abs(upper - theory.upper)) / theory.upper;
}

function outlierError(setting: Setting): number {
  if (setting.blobs === 1) return 0;
  const theory = marchenkoPastur({ ratio: setting.ratio, variance: VARIANCE }).outlier(1 + SHIFT);
  return Math.abs(measuredEdges(setting).outlier - theory) / theory;
}

/** Zeros for all that the error estimate can tell, of the first data set. */
function zerosOf({ atZero: [first] }: Setting): number {
  if (first === undefined) return NaN;
  return first.eigenvalues.filter((value) => Math.abs(value) <= first.errorEstimate).length;
}

const BINS = 40;

function drawSetting(setting: Setting): Chart {
  const { blobs, ratio, atZero, dimensions, samples } = setting;
  const law = marchenkoPastur({ ratio, variance: VARIANCE });
  const zeros = Math.max(0, dimensions - samples);
  const values = atZero.flatMap(({ eigenvalues }) => eigenvalues.slice(zeros));
  const width = (1.1 * law.upper) / BINS;
  const x = Array.from({ length: BINS }, (_, i) => (i + 0.5) * width);
  const total = atZero.length * dimensions * width;
  const y = x.map(
    (centre) => values.filter((value) => Math.abs(value - centre) <= width / 2).length / total,
  );
  const fine = Array.from({ length: 200 }, (_, i) => ((i + 0.5) * 1.1 * law.upper) / 200);
  const outlier =
    blobs === 1
      ? ''
      : ` The outlier, at ${numberText(measuredEdges(setting).outlier)}, lies to the right.`;
  return {
    kind: 'lines',
    title: `${blobs === 1 ? 'One blob' : 'Two blobs'}, α = ${ratio}: the bulk follows Marčenko-Pastur’s law`,
    subtitle: `Non-zero eigenvalues of H at w = 0, as a density over all data sets.${outlier}`,
    series: [
      { name: 'measured', x, y, mark: 'points' },
      { name: 'Marčenko-Pastur', x: fine, y: fine.map(law.density) },
    ],
    x: { title: 'eigenvalue' },
    y: { title: 'density' },
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)}\u00a0%`;
}
