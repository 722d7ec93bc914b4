// What figures 7 and 8 claim of a result, and how it is drawn.

import type { Chart } from '../report/chart.js';
import { numberText } from '../report/number-text.js';
import type { Claim, Table } from '../report/report.js';
import type { F7Record, F7Result, F7Run } from './f7-phases.js';

/** Of the loss at the start: below it the line counts as free of barriers. */
const FLAT = 0.05;

/** The end of a part: the mean over its last tenth, since single records of small batches scatter. */
function endOf(records: readonly F7Record[], measure: (record: F7Record) => number): number {
  const last = records.slice(-Math.max(1, Math.floor(records.length / 10)));
  return last.reduce((sum, record) => sum + measure(record), 0) / last.length;
}

/** By what factor the training loss rises in the first tenth after the switch. */
function jump({ parts: [one, two] }: F7Run): number {
  const early = two.slice(1, 1 + Math.max(1, Math.floor(two.length / 10)));
  return Math.max(...early.map(({ loss }) => loss)) / (one.at(-1)?.loss ?? NaN);
}

/** Test accuracy of part II less that of part I, in per cent of the test samples. */
function gain({ parts: [one, two] }: F7Run): number {
  const accuracy = ({ testAccuracy }: F7Record): number => testAccuracy;
  return 100 * (endOf(two, accuracy) - endOf(one, accuracy));
}

function relativeBarrier({ barrier: { height, initialLoss } }: F7Run): number {
  return height / initialLoss;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function checkF7({ runs }: F7Result): Readonly<Record<string, Claim>> {
  const [jumps, gains] = [runs.map(jump), runs.map(gain)];
  const barriers = runs.map(relativeBarrier);
  return {
    noBarrier: {
      claim: `The line between the ends of both parts exceeds its chord by less than ${100 * FLAT} % of the loss at the start.`,
      holds: runs.length > 0 && Math.max(...barriers) < FLAT,
      measured: `${barriers.map((each) => numberText(100 * each, 2)).join(', ')} %`,
    },
    jumpAtSwitch: {
      claim: 'The switch to small batches shows as a jump of the training loss, in every run.',
      holds: runs.length > 0 && Math.min(...jumps) > 1,
      measured: `${jumps.map((each) => numberText(each, 2)).join(', ')} times, at most within the first tenth of part II`,
    },
    moreAccurate: {
      claim:
        'Part II ends more accurate on test data (the paper: by about 1 %), in the mean over runs.',
      holds: runs.length > 0 && mean(gains) > 0,
      measured: `${numberText(mean(gains), 2)} % of the test samples; ${gains.map((each) => numberText(each, 2)).join(', ')}`,
    },
  };
}

export function tabulateF7({ runs, batches }: F7Result): readonly Table[] {
  return [
    {
      caption: 'The ends of both parts: means over the last tenth of their records.',
      columns: ['part', 'train loss', 'test loss', 'train accuracy', 'test accuracy'],
      rows: runs.flatMap(({ seed, parts }) =>
        parts.map((records, part) => [
          `seed ${seed}, batch ${batches[part] ?? NaN}`,
          endOf(records, ({ loss }) => loss),
          endOf(records, ({ testLoss }) => testLoss),
          endOf(records, ({ accuracy }) => accuracy),
          endOf(records, ({ testAccuracy }) => testAccuracy),
        ]),
      ),
    },
    {
      caption: 'The line from the end of part I to that of part II.',
      columns: ['run', 'distance', 'initial loss', 'barrier', 'of the initial loss, %', 'at'],
      rows: runs.map((run) => [
        `seed ${run.seed}`,
        run.distance,
        run.barrier.initialLoss,
        run.barrier.height,
        100 * relativeBarrier(run),
        run.barrier.at,
      ]),
    },
  ];
}

export function drawF7(result: F7Result): readonly Chart[] {
  const { runs, batches } = result;
  const { jumpAtSwitch, noBarrier } = checkF7(result);
  const [run] = runs;
  if (run === undefined) return [];
  const { line } = run;
  const records = run.parts.flat();
  const steps = records.map(({ step }) => step);
  const training = { title: 'training step', format: ',d' };
  const along = { title: 'coefficient: 0 ends part I, 1 part II' };
  const [loss, accuracy] = [
    { title: 'loss', scale: 'logarithmic' } as const,
    { title: 'accuracy' },
  ];
  const change = `batch ${batches[0]}, then ${batches[1]} from step ${run.parts[1][0]?.step ?? NaN} on`;
  const pair = (
    x: readonly number[],
    train: readonly number[],
    test: readonly number[],
  ): Extract<Chart, { kind: 'lines' }>['series'] => [
    { name: 'training data', x, y: train },
    { name: 'test data', x, y: test },
  ];
  const common = { kind: 'lines', seriesTitle: 'over' } as const;
  return [
    {
      ...common,
      title: jumpAtSwitch?.holds
        ? 'The switch to small batches shows as a jump of the loss'
        : 'Loss through both parts',
      subtitle: `Loss through training, ${change}.`,
      series: pair(
        steps,
        records.map((each) => each.loss),
        records.map((each) => each.testLoss),
      ),
      x: training,
      y: loss,
    },
    {
      ...common,
      title: 'Accuracy through both parts',
      subtitle: `Share of samples that are classified rightly, ${change}.`,
      series: pair(
        steps,
        records.map((each) => each.accuracy),
        records.map((each) => each.testAccuracy),
      ),
      x: training,
      y: accuracy,
    },
    {
      ...common,
      title: noBarrier?.holds ? 'Between the two ends there is no barrier' : 'Loss along the line',
      subtitle: 'Loss along the straight line through both ends.',
      series: pair(line.coefficients, line.losses, line.testLosses),
      x: along,
      y: loss,
    },
    {
      ...common,
      title: 'Accuracy along the line',
      subtitle: 'Share of samples that are classified rightly.',
      series: pair(line.coefficients, line.accuracies, line.testAccuracies),
      x: along,
      y: accuracy,
    },
  ];
}

export function summarizeF7({ runs }: F7Result): string {
  const highest = Math.max(...runs.map(relativeBarrier));
  const test = mean(runs.map(gain));
  return (
    `The line between the ends exceeds its chord by ${numberText(100 * highest, 2)} % of the initial loss at most; ` +
    `with small batches ${numberText(Math.abs(test), 2)} % of the test samples ${test < 0 ? 'fewer' : 'more'} are right in the end.`
  );
}
