// What figures S1 and S2 show and claim, computed from the run's plain JSON alone.

import type { Chart } from '../report/chart.js';
import { numberText } from '../report/number-text.js';
import type { Claim, Report, Table } from '../report/report.js';
import { manifestOf } from './experiment.js';
import { median } from './two-blobs.js';

export interface Point {
  readonly parameterCount: number;
  readonly loss: number;
  readonly accuracy: number | undefined;
  readonly errorEstimate: number;
  /** Eigenvalues above the elbow of the ordered plot. */
  readonly outliers: number;
  readonly threshold: number;
  /** Ascending, all of them. */
  readonly eigenvalues: readonly number[];
}

export interface Width {
  readonly units: number;
  /** After training, one for each start. */
  readonly points: readonly Point[];
}

export interface S1Result {
  readonly experiment: 's1';
  readonly seed: number;
  readonly data: string;
  /** SHA-256 of the data. */
  readonly digest: string;
  readonly samples: number;
  readonly classes: number;
  readonly learningRate: number;
  readonly steps: number;
  readonly starts: number;
  readonly widths: readonly Width[];
  /** With random inputs instead. */
  readonly random: { readonly units: number; readonly before: Point; readonly after: Point };
  /** The full Hessian of the narrowest network after training: an entry for each `cell` rows and columns. */
  readonly matrix: {
    readonly units: number;
    readonly parameterCount: number;
    readonly cell: number;
    readonly size: number;
    readonly matrix: readonly number[];
    readonly blocks: readonly number[];
  };
}

/** Of the largest eigenvalue: what is below in modulus lies in the bulk at zero, which holds most of them. */
const NEAR_ZERO = 0.01;
/** Bins of equal width of a histogram on a linear axis, as the paper's. */
const BINS = 100;

export function checkS1(result: S1Result): Readonly<Record<string, Claim>> {
  const { widths, classes, random } = result;
  const sizes = widths.map((width) => medianOf(width, bulkCount));
  const shares = widths.map((width) => medianOf(width, bulkShare));
  const outliers = widths.map((width) => medianOf(width, (point) => point.outliers));
  const peaks = [random.before, random.after].map(binAtZero);
  const learnt = widths.find(({ units }) => units === random.units) ?? widths.at(-1);
  const images = learnt === undefined ? NaN : medianOf(learnt, aboveNearZero);
  const noise = aboveNearZero(random.after);
  return {
    bulkGrows: {
      claim:
        'The bulk near zero grows with the width, in number and as a share of all eigenvalues.',
      holds: grows(sizes) && grows(shares) && shares.every((share) => share > 0.5),
      measured: widths
        .map(
          ({ units }, i) =>
            `${numberText(sizes[i] ?? NaN)} (${percent(shares[i] ?? NaN)}) at ${units}`,
        )
        .join(', '),
    },
    outliersStay: {
      claim: 'The outliers stay about as many as classes at every width (half to twice as many).',
      holds: outliers.every((count) => count >= classes / 2 && count <= 2 * classes),
      measured: widths.map(({ units }, i) => `${outliers[i] ?? NaN} at ${units}`).join(', '),
    },
    bulkOfRandomInputs: {
      claim:
        'Random inputs have a bulk at zero, too: before training and after, the highest of ' +
        `${BINS} bins is that at zero.`,
      holds: peaks.every(({ share, highestElsewhere }) => share > highestElsewhere),
      measured: peaks
        .map(
          ({ share, highestElsewhere }) => `${percent(share)} against ${percent(highestElsewhere)}`,
        )
        .join(' before, ')
        .concat(' after'),
    },
    edgeIsTheData: {
      claim:
        'What stands off the bulk is the data’s: of random inputs at least twice as many eigenvalues ' +
        'exceed a hundredth of the largest as of images.',
      holds: noise >= 2 * images,
      measured: `${noise} with random inputs, ${images} with images, at ${random.units} units`,
    },
  };
}

export function tabulateS1({ widths, random, starts }: S1Result): readonly Table[] {
  const row = (label: string, of: (reading: (point: Point) => number) => number) => [
    label,
    of((point) => point.parameterCount),
    of((point) => point.loss),
    of((point) => point.outliers),
    of(bulkCount),
    percent(of(bulkShare)),
    of((point) => point.eigenvalues.at(-1) ?? NaN),
    of((point) => point.eigenvalues[0] ?? NaN),
  ];
  return [
    {
      caption:
        `Medians over ${starts} starts with images. Outliers are above the elbow of the 60 largest; the bulk lies ` +
        `within ${percent(NEAR_ZERO)} of the largest eigenvalue around zero.`,
      columns: ['hidden units', 'M', 'loss', 'outliers', 'in bulk', 'share', 'largest', 'least'],
      rows: [
        ...widths.map((width) =>
          row(`${width.units}, ${width.units}`, (of) => medianOf(width, of)),
        ),
        row('random inputs, before', (of) => of(random.before)),
        row('random inputs, after', (of) => of(random.after)),
      ],
    },
  ];
}

export function drawS1({ widths, random, matrix }: S1Result): readonly Chart[] {
  const firsts = widths.flatMap(({ units, points: [first] }) =>
    first === undefined
      ? []
      : [{ name: `${units} units, M = ${first.parameterCount.toLocaleString('en')}`, ...first }],
  );
  const learnt = widths.find(({ units }) => units === random.units)?.points[0];
  return [
    {
      kind: 'heatMap',
      title: `The full Hessian by layers, M = ${matrix.parameterCount.toLocaleString('en')}, after training`,
      subtitle:
        `Two hidden layers of ${matrix.units} units; lines where a layer begins. Each cell shows the entry of ` +
        `largest modulus of ${matrix.cell} × ${matrix.cell}.`,
      width: 460,
      height: 420,
      size: matrix.size,
      rowsPerCell: matrix.cell,
      matrix: matrix.matrix,
      blocks: matrix.blocks,
    },
    {
      kind: 'histogram',
      title: 'The bulk grows with the width, the outliers do not',
      subtitle: 'All eigenvalues after training, of the first start of each width.',
      series: firsts.map(({ name, eigenvalues }) => ({ name, eigenvalues })),
      linearWithin: linearWithin(firsts.map(({ eigenvalues }) => eigenvalues)),
    },
    {
      kind: 'histogram',
      title: 'With random inputs: the same bulk, another edge',
      subtitle: `All eigenvalues, ${random.units} units in each hidden layer.`,
      series: [
        { name: 'random inputs, before training', eigenvalues: random.before.eigenvalues },
        { name: 'random inputs, after', eigenvalues: random.after.eigenvalues },
        ...(learnt === undefined ? [] : [{ name: 'images, after', ...learnt }]),
      ],
      linearWithin: linearWithin([random.before.eigenvalues, random.after.eigenvalues]),
    },
  ];
}

export function summarizeS1({ widths, random }: S1Result): string {
  const counts = widths.map((width) => medianOf(width, (point) => point.outliers)).join(', ');
  const sizes = widths.map((width) => numberText(medianOf(width, bulkCount))).join(', ');
  return (
    `With ${widths.map(({ units }) => units).join(', ')} units a layer ${counts} eigenvalues stand off a bulk of ` +
    `${sizes}; with random inputs ${random.after.outliers} of a bulk of ${numberText(bulkCount(random.after))}.`
  );
}

export function manifestS1(result: S1Result): Report['manifest'] {
  const { seed, data, digest, samples, classes, widths, steps, starts, learningRate, random } =
    result;
  return manifestOf('S1 and S2', {
    seed,
    'starts for each width': starts,
    network: `inputs-n-n-${classes} ReLU, n = ${widths.map(({ units }) => units).join(', ')}`,
    loss: 'softmax cross-entropy',
    data,
    'data, SHA-256': digest,
    samples,
    'random inputs': `N(0, 1) with the classes of the images, n = ${random.units}`,
    'initial weights': 'PyTorch’s',
    optimizer: `gradient descent, learning rate ${learningRate}`,
    steps,
    'near zero': `within ${percent(NEAR_ZERO)} of the largest eigenvalue`,
    'threshold rule': `elbow of the ${6 * classes} largest`,
    arithmetic: 'float64',
  });
}

function medianOf({ points }: Width, of: (point: Point) => number): number {
  return median(points.map(of));
}

function aboveNearZero({ eigenvalues }: Point): number {
  const largest = eigenvalues.at(-1) ?? NaN;
  return eigenvalues.filter((value) => value > NEAR_ZERO * largest).length;
}

function bulkCount({ eigenvalues }: Point): number {
  const largest = eigenvalues.at(-1) ?? NaN;
  return eigenvalues.filter((value) => Math.abs(value) <= NEAR_ZERO * largest).length;
}

function bulkShare(point: Point): number {
  return bulkCount(point) / point.eigenvalues.length;
}

function grows(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value > (values[i - 1] ?? NaN));
}

/** Shares of all eigenvalues in the bin around zero and in the highest of the others. */
function binAtZero({ eigenvalues }: Point): {
  readonly share: number;
  readonly highestElsewhere: number;
} {
  const width = ((eigenvalues.at(-1) ?? NaN) - (eigenvalues[0] ?? NaN)) / BINS;
  const counts = new Map<number, number>([[0, 0]]);
  for (const value of eigenvalues) {
    const bin = Math.round(value / width);
    counts.set(bin, (counts.get(bin) ?? 0) + 1);
  }
  const elsewhere = [...counts].flatMap(([bin, count]) => (bin === 0 ? [] : [count]));
  return {
    share: (counts.get(0) ?? 0) / eigenvalues.length,
    highestElsewhere: Math.max(0, ...elsewhere) / eigenvalues.length,
  };
}

/** A power of ten at about a thousandth of the largest: the bulk looks like one there. */
function linearWithin(spectra: readonly (readonly number[])[]): number {
  const largest = Math.max(...spectra.map((values) => values.at(-1) ?? 0));
  return 10 ** Math.floor(Math.log10(0.001 * largest));
}

function percent(share: number): string {
  return `${numberText(100 * share)}\u00a0%`;
}
