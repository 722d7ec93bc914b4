// What figure 1 shows and claims, computed from the run's plain JSON alone.

import type { NetworkSpec } from '../network/spec.js';
import type { Chart } from '../report/chart.js';
import { numberText } from '../report/number-text.js';
import type { Claim, Report, Table } from '../report/report.js';
import { countSigns } from '../report/spectrum-report.js';
import type { DenseTermSpectrum, SpectrumJson } from '../spectrum/result.js';
import { digestOf } from './data-digest.js';
import { digitsSplit } from './digits-classifier.js';

export type F1Term = 'hessian' | 'gaussNewton';

/** What is known at one point in weight space. */
export interface F1Point {
  readonly accuracy: number;
  readonly testAccuracy: number;
  readonly gradientNorm: number;
  readonly spectrum: SpectrumJson<F1Term, DenseTermSpectrum>;
  /** Frobenius norms of H and of R. */
  readonly hessianNorm: number;
  readonly residualNorm: number;
  /** Eigenvalues of H above the elbow of the ordered plot (`threshold`), the largest quotient and the
   *  largest difference of neighbours. */
  readonly outliers: {
    readonly elbow: number;
    readonly ratio: number;
    readonly gap: number;
    readonly threshold: number;
  };
  /** Σ vᵀGv / Σ λ over the eigenvectors v of H that belong to outliers (by the elbow). */
  readonly explained: number;
}

export interface F1Result {
  readonly experiment: 'f1';
  readonly version: 1;
  readonly seed: number;
  readonly network: NetworkSpec;
  readonly data: string;
  readonly samples: number;
  readonly testSamples: number;
  readonly classes: number;
  readonly initializer: string;
  readonly learningRate: number;
  readonly training: {
    readonly steps: readonly number[];
    readonly loss: readonly number[];
    readonly testLoss: readonly number[];
  };
  readonly before: F1Point;
  readonly after: F1Point;
}

const LABELS = { before: 'random start', after: 'after training' } as const;

export function checkF1({ before, after, classes }: F1Result): Readonly<Record<string, Claim>> {
  const bulk = shareNearZero(after);
  const [shareBefore, shareAfter] = [residualShare(before), residualShare(after)];
  const { negative } = countSigns(after.spectrum.terms.hessian);
  const [lowest, highest] = ends(after);
  return {
    bulkAtZero: {
      claim: 'Most eigenvalues form a bulk at zero.',
      holds: bulk > 0.9,
      measured: `${percent(bulk)} are within 1 % of the largest, after training`,
    },
    fewOutliers: {
      claim: 'A few outliers stand off the bulk, about as many as classes.',
      holds: after.outliers.elbow >= classes / 2 && after.outliers.elbow <= 2 * classes,
      measured: `${after.outliers.elbow} above the elbow of the ordered plot after training; ${classes} classes`,
    },
    gaussNewtonMakesOutliers: {
      claim: 'The Gauss-Newton term makes at least 99 % of the outliers after training.',
      holds: after.explained >= 0.99 && after.explained < 1.05,
      measured: `Σ vᵀGv is ${percent(after.explained)} of Σ λ after training, ${percent(before.explained)} before`,
    },
    residualIsSmall: {
      claim: 'The residual term falls from most of the Hessian (‖R‖/‖H‖ above 0.85) to below 0.05.',
      holds: shareBefore > 0.85 && shareAfter < 0.05,
      measured: `‖R‖/‖H‖ falls from ${numberText(shareBefore)} to ${numberText(shareAfter)}`,
    },
    negativesRemain: {
      claim: 'Negative eigenvalues remain after training, far smaller than the outliers.',
      holds: negative > 0 && -lowest < 0.1 * highest,
      measured: `${numberText(negative)} beyond the error estimate, down to ${numberText(lowest)}; the largest is ${numberText(highest)}`,
    },
  };
}

export function tabulateF1({ before, after }: F1Result): readonly Table[] {
  const points = [before, after];
  const row = (label: string, of: (point: F1Point) => string | number): (string | number)[] => [
    label,
    ...points.map(of),
  ];
  const hessian = ({
    spectrum,
  }: F1Point): SpectrumJson<F1Term, DenseTermSpectrum>['terms']['hessian'] =>
    spectrum.terms.hessian;
  return [
    {
      caption:
        'Outliers are the eigenvalues above the elbow of the plot of the 60 largest, or above the ' +
        'largest quotient or difference of neighbours; v are the eigenvectors of those above the ' +
        'elbow. Signs are counted beyond the error estimate. Norms are Frobenius norms.',
      columns: ['', LABELS.before, LABELS.after],
      rows: [
        row('loss', ({ spectrum }) => spectrum.loss),
        row('accuracy, training / test', ({ accuracy, testAccuracy }) =>
          [accuracy, testAccuracy].map((each) => percent(each)).join(' / '),
        ),
        row('‖∇L‖', ({ gradientNorm }) => gradientNorm),
        row('largest eigenvalue', (point) => ends(point)[1]),
        row('smallest eigenvalue', (point) => ends(point)[0]),
        row('outliers by elbow / quotient / difference', ({ outliers }) =>
          [outliers.elbow, outliers.ratio, outliers.gap].join(' / '),
        ),
        row('share of them from G, Σ vᵀGv / Σ λ', ({ explained }) => percent(explained)),
        row('positive eigenvalues', (point) => countSigns(hessian(point)).positive),
        row('negative eigenvalues', (point) => countSigns(hessian(point)).negative),
        row('zero eigenvalues', (point) => countSigns(hessian(point)).zero),
        row('‖R‖ / ‖H‖', residualShare),
        row('error estimate', (point) => hessian(point).errorEstimate),
      ],
    },
  ];
}

export function drawF1(result: F1Result): readonly Chart[] {
  const { before, after, training } = result;
  const size = after.spectrum.parameterCount.toLocaleString('en');
  const { elbow } = after.outliers;
  const series = [
    { name: LABELS.before, eigenvalues: before.spectrum.terms.hessian.eigenvalues },
    { name: LABELS.after, eigenvalues: after.spectrum.terms.hessian.eigenvalues },
  ];
  const { hessian, gaussNewton } = after.spectrum.terms;
  const errorEstimate = Math.max(
    hessian.errorEstimate,
    before.spectrum.terms.hessian.errorEstimate,
  );
  // The bulk looks like one only where the axis is not logarithmic down to its smallest values.
  const linearWithin = 10 ** Math.floor(Math.log10(0.01 * ends(after)[1]));
  const lossSeries = [
    { name: 'training', steps: training.steps, values: training.loss },
    { name: 'test', steps: training.steps, values: training.testLoss },
  ];
  return [
    {
      kind: 'eigenvalues',
      title: `A bulk at zero and ${elbow} outliers: all ${size} eigenvalues of the Hessian`,
      subtitle:
        'In order, at the random start and after training. The value axis is linear near zero, up to ' +
        `about 1 % of the largest eigenvalue, and logarithmic beyond, on both sides of zero.`,
      series,
      errorEstimate,
      linearWithin,
    },
    {
      kind: 'eigenvalues',
      title: `After training, the Gauss-Newton term makes ${percent(after.explained)} of the outliers`,
      subtitle: 'The 30 largest eigenvalues of H and of G.',
      series: [
        { name: 'Hessian H', eigenvalues: hessian.eigenvalues },
        { name: 'Gauss-Newton G', eigenvalues: gaussNewton.eigenvalues },
      ],
      largest: 30,
    },
    {
      kind: 'histogram',
      title: 'How many eigenvalues lie where, on axes that show both one and thousands',
      series,
      errorEstimate,
    },
    {
      kind: 'lossCurve',
      title: `Full-batch gradient descent brings the loss from ${numberText(before.spectrum.loss)} to ${numberText(after.spectrum.loss)}`,
      series: lossSeries,
    },
  ];
}

export function summarizeF1({ before, after, classes }: F1Result): string {
  const { negative } = countSigns(after.spectrum.terms.hessian);
  const ratio = (point: F1Point): string => numberText(residualShare(point), 2);
  return (
    `After training on ${classes} classes, ${percent(shareNearZero(after))} of the eigenvalues lie ` +
    `within 1 % of the largest and ${after.outliers.elbow} stand off; the Gauss-Newton term makes ` +
    `${percent(after.explained)} of these. ${numberText(negative)} eigenvalues remain negative, and ` +
    `‖R‖/‖H‖ falls from ${ratio(before)} to ${ratio(after)}.`
  );
}

export function manifestF1(result: F1Result): Report['manifest'] {
  const { network, training, after } = result;
  const { train, test } = digitsSplit(result.seed);
  const units = network.layers.flatMap((layer) => (layer.type === 'dense' ? [layer.units] : []));
  return {
    experiment: 'F1 of Sagun, Evci, Güney, Dauphin, Bottou, arXiv 1706.04454',
    seed: result.seed,
    network: [...network.input, ...units].join('-') + ', ReLU',
    parameters: after.spectrum.parameterCount,
    loss: 'softmax cross-entropy',
    data: result.data,
    'data, SHA-256': digestOf(train, test),
    'training samples': result.samples,
    'test samples': result.testSamples,
    'initial weights': result.initializer,
    optimizer: `gradient descent on all samples, learning rate ${result.learningRate}`,
    steps: training.steps.at(-1) ?? 0,
    arithmetic: 'float64',
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}

function shareNearZero({ spectrum }: F1Point): number {
  const { eigenvalues } = spectrum.terms.hessian;
  const largest = eigenvalues.at(-1) ?? 0;
  return (
    eigenvalues.filter((value) => Math.abs(value) <= 0.01 * largest).length / eigenvalues.length
  );
}

function ends({ spectrum }: F1Point): readonly [number, number] {
  const { eigenvalues } = spectrum.terms.hessian;
  return [eigenvalues[0] ?? 0, eigenvalues.at(-1) ?? 0];
}

function residualShare({ residualNorm, hessianNorm }: F1Point): number {
  return residualNorm / hessianNorm;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0.99 && share < 1 ? 1 : 0)}\u00a0%`;
}
