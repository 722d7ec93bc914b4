// What figures 4 and 6 claim of a result, and how it is drawn.

import type { Chart, LineSeries } from '../report/chart.js';
import { numberText } from '../report/number-text.js';
import type { Claim, Table } from '../report/report.js';
import type { F4Result, F4Run } from './f4-batch-sizes.js';
import { median } from './two-blobs.js';

/** By how much the least eigenvalues stay below the largest: the paper's by about 300. */
const FAR_BELOW = 100;

interface Pair {
  readonly small: F4Run;
  readonly large: F4Run;
}

/** The runs of each seed. */
function pairsOf({ runs }: F4Result): readonly Pair[] {
  return runs.flatMap((small, i) => {
    const large = runs[i + 1];
    return i % 2 === 0 && large !== undefined ? [{ small, large }] : [];
  });
}

function batchesOf({ runs }: F4Result): readonly number[] {
  return [...new Set(runs.map(({ batch }) => batch))];
}

/** λ of the large batch over λ of the small one: geometric mean over the ranks that are outliers in both. */
function growth({ small, large }: Pair): number {
  const shared = Math.min(small.counts.elbow, large.counts.elbow);
  const logarithms = small.largest
    .slice(0, shared)
    .map((value, i) => Math.log((large.largest[i] ?? NaN) / value));
  return Math.exp(logarithms.reduce((sum, each) => sum + each, 0) / shared);
}

/** |λ| of the least eigenvalue in units of the largest. */
function depth({ smallest, largest }: F4Run): number {
  return Math.abs(smallest[0] ?? NaN) / (largest[0] ?? NaN);
}

export function checkF4(result: F4Result): Readonly<Record<string, Claim>> {
  const pairs = pairsOf(result);
  const differences = pairs.map(({ small, large }) =>
    Math.abs(small.counts.elbow - large.counts.elbow),
  );
  const growths = pairs.map(growth);
  const batches = batchesOf(result);
  const depths = batches.map((batch) =>
    result.runs.flatMap((run) => (run.batch === batch ? [depth(run)] : [])),
  );
  const negative = result.runs.every(({ smallest }) => smallest.every((value) => value < 0));
  const converged = result.runs.every((run) => run.converged);
  return {
    sameCount: {
      claim: 'With either batch the Hessian has as many outliers, within one, from each start.',
      holds: pairs.length > 0 && converged && Math.max(...differences) <= 1,
      measured: pairs
        .map(({ small, large }) => `${small.counts.elbow} and ${large.counts.elbow}`)
        .join(', '),
    },
    largerOutliers: {
      claim: 'The outliers of the large batch are larger, from each start.',
      holds: pairs.length > 0 && converged && Math.min(...growths) > 1,
      measured:
        `${growths.map((each) => numberText(each, 2)).join(', ')} times ` +
        '(geometric mean over the ranks that are outliers in both)',
    },
    negativesStaySmall: {
      claim:
        'The least 2 % of the eigenvalues stay negative; with either batch they are at least ' +
        `${FAR_BELOW} times smaller than the largest, in the median over starts.`,
      holds:
        pairs.length > 0 &&
        converged &&
        negative &&
        Math.max(...depths.map(median)) < 1 / FAR_BELOW,
      measured:
        `${negative ? 'all' : 'not all'} negative; the largest is ` +
        depths.map((each, i) => `${timesText(each)} (batch ${batches[i] ?? NaN})`).join(', '),
    },
  };
}

/** How many times the largest eigenvalue is the least: median over the starts, and from where to where. */
function timesText(depths: readonly number[]): string {
  const [middle, from, to] = [median(depths), Math.max(...depths), Math.min(...depths)].map(
    (each) => numberText(1 / each, 2),
  );
  return `${middle} times, ${from} to ${to}`;
}

export function tabulateF4({ runs }: F4Result): readonly Table[] {
  return [
    {
      caption:
        'Two runs from each start; outliers by the elbow, with its threshold, the largest gap and ratio of the 40 largest. ' +
        `Every pair has ‖Hv − λv‖ below ${numberText(Math.max(...runs.map(({ residual }) => residual)), 2)}.`,
      columns: [
        'start',
        'batch',
        'steps',
        'loss',
        'elbow',
        'gap, ratio',
        'threshold',
        'λ₁',
        'λ₁₀',
        'least',
        'at 2 % of M',
      ],
      rows: runs.map((run) => [
        `seed ${run.seed}`,
        run.batch,
        run.steps,
        run.loss,
        run.counts.elbow,
        `${run.counts.gap}, ${run.counts.ratio}`,
        run.threshold,
        ...[0, 9].map((rank) => run.largest[rank] ?? NaN),
        run.smallest[0] ?? NaN,
        run.smallest.at(-1) ?? NaN,
      ]),
    },
  ];
}

export function drawF4(result: F4Result): readonly Chart[] {
  const { runs } = result;
  const { sameCount, largerOutliers } = checkF4(result);
  const batches = batchesOf(result);
  const counts = (batch: number): string =>
    runs.flatMap((run) => (run.batch === batch ? [run.counts.elbow] : [])).join(', ');
  const curves = (
    end: 'largest' | 'smallest',
    x: (i: number, run: F4Run) => number,
  ): LineSeries[] =>
    batches.flatMap((batch) =>
      curvesOf(
        runs.filter((run) => run.batch === batch),
        end,
        x,
      ),
    );
  return [
    {
      kind: 'lines',
      title:
        sameCount?.holds && largerOutliers?.holds
          ? 'The large batch leaves as many outliers, but larger ones'
          : 'The 40 largest eigenvalues with either batch',
      subtitle:
        'The 40 largest eigenvalues of the Hessian after training: points of each start, lines through their medians. ' +
        `Above the elbow: ${batches.map((batch) => `${counts(batch)} (batch ${batch})`).join('; ')}.`,
      seriesTitle: 'training',
      series: curves('largest', (i) => i + 1),
      x: { title: 'rank', format: 'd' },
      y: { title: 'eigenvalue', scale: 'logarithmic' },
    },
    {
      kind: 'lines',
      title: 'With either batch some eigenvalues stay negative',
      subtitle:
        'The least eigenvalues in order, up to 2 % of M: points of each start, lines through their medians.',
      seriesTitle: 'training',
      series: curves('smallest', (i, { parameterCount }) => (100 * (i + 1)) / parameterCount),
      x: { title: 'rank / M, per cent' },
      y: { title: 'eigenvalue' },
    },
  ];
}

/** Medians over the starts as a line, and all of them as points of the same colour. */
function curvesOf(
  runs: readonly F4Run[],
  end: 'largest' | 'smallest',
  x: (i: number, run: F4Run) => number,
): LineSeries[] {
  const [first] = runs;
  if (first === undefined) return [];
  const name = `batch ${first.batch}`;
  const ranks = first[end].map((_, i) => i);
  return [
    {
      name,
      x: ranks.map((i) => x(i, first)),
      y: ranks.map((i) => median(runs.map((run) => run[end][i] ?? NaN))),
    },
    {
      name,
      mark: 'points',
      x: runs.flatMap((run) => ranks.map((i) => x(i, run))),
      y: runs.flatMap((run) => ranks.map((i) => run[end][i] ?? NaN)),
    },
  ];
}

export function summarizeF4(result: F4Result): string {
  const pairs = pairsOf(result);
  const growths = pairs.map(growth);
  const elbows = pairs.flatMap(({ small, large }) => [small.counts.elbow, large.counts.elbow]);
  return (
    `With batches of 512 the outliers are ${numberText(Math.min(...growths), 2)} to ${numberText(Math.max(...growths), 2)} times ` +
    `larger than with batches of 10, from ${pairs.length} starts; there are ${Math.min(...elbows)} to ${Math.max(...elbows)} of them.`
  );
}
