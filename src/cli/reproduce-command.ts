// `eigenscape reproduce`: a figure of the paper, on the terminal and as files.

import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { type Command, InvalidArgumentError } from 'commander';

import { EXPERIMENTS } from '../experiments/catalog.js';
import type { Experiment, Performance } from '../experiments/experiment.js';
import type { EigenvaluesChart, StepSeries } from '../report/chart.js';
import { numberText } from '../report/number-text.js';
import { renderChart } from '../report/render.js';
import type { Claim } from '../report/report.js';
import { terminalSpectra } from '../report/terminal-chart.js';
import { type TerminalStyle, terminalStyle } from '../report/terminal-style.js';
import { sparkline, terminalTable } from '../report/terminal-table.js';
import { writeReport } from '../report/write-report.js';
import { type CommandIo, columnsOf, writeLines } from './command-io.js';
import { numberOption } from './option-values.js';
import { prepareFolder } from './output-paths.js';
import { progressLine } from './progress-bar.js';

interface ReproduceOptions {
  readonly out?: string;
  readonly seed: number;
  readonly threads?: number;
}

export function addReproduceCommand(program: Command, io: CommandIo): void {
  const ids = EXPERIMENTS.map(({ id }) => id).join(', ');
  program
    .command('reproduce')
    .summary("figures of the paper: Sagun et al., 'Empirical Analysis of the Hessian', 2017")
    .description('Computes figures of the paper, checks their claims and draws them.')
    .argument('[names...]', `which: ${ids}`, ['f1'])
    .option('--out <folder>', 'where the results go (default: runs/NAME)')
    .option('--seed <n>', 'of every random choice', numberOption({ integer: true, from: 0 }), 1)
    .option('--threads <count>', 'at most so many', numberOption({ integer: true, from: 1 }))
    .action(async (names: readonly string[], options: ReproduceOptions) => {
      const chosen = names.map(findExperiment);
      for (const experiment of chosen) {
        const { out = 'runs' } = options;
        const alone = options.out !== undefined && chosen.length === 1;
        await reproduce(
          experiment,
          { ...options, out: alone ? out : join(out, experiment.id) },
          io,
        );
      }
    });
}

function findExperiment(name: string): Experiment {
  const found = EXPERIMENTS.find(({ id }) => id === name.toLowerCase());
  if (found !== undefined) return found;
  const ids = EXPERIMENTS.map(({ id }) => id).join(', ');
  throw new InvalidArgumentError(`experiment '${name}' is unknown; there are ${ids}`);
}

async function reproduce(
  experiment: Experiment,
  { out, seed, threads }: ReproduceOptions & { readonly out: string },
  io: CommandIo,
): Promise<void> {
  await prepareFolder(out);
  const style = terminalStyle(io.stdout, io.environment);
  writeLines(io.stdout, ['', style.bold(experiment.title), '']);
  const line = progressLine(io);
  const started = performance.now();
  const onCurve = (curve: StepSeries): void => {
    line.stop();
    writeLines(io.stdout, [curveLine(curve, style)]);
  };
  const { onProgress } = line;
  try {
    const { signal } = io;
    const done = await experiment.perform({ seed, threads, signal, onProgress, onCurve });
    line.stop();
    writeLines(io.stdout, lines(done, { style, columns: columnsOf(io.stdout) }));
    await writeFiles(done, out);
  } finally {
    line.stop();
  }
  const page = pathToFileURL(resolve(out, 'index.html')).href;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  writeLines(io.stdout, [
    '',
    `${style.bold('Report')}  ${page}`,
    style.dim(`        result.json, manifest.json, figure.svg beside it; ${seconds} s`),
  ]);
}

/** train loss  2.31 █▇▅▃▂▁ 0.0012  over 2,000 steps */
function curveLine({ name, steps, values }: StepSeries, style: TerminalStyle): string {
  const [first = NaN, last = NaN] = [values[0], values.at(-1)];
  const curve = style.positive(sparkline([...values], 32));
  const span = style.dim(`over ${numberText(steps.at(-1) ?? 0)} steps`);
  return `${name.padEnd(13)} ${numberText(first).padStart(6)} ${curve} ${numberText(last)}  ${span}`;
}

function lines(
  { report, claims }: Performance,
  { style, columns }: { readonly style: TerminalStyle; readonly columns: number },
): string[] {
  const chart = report.charts.find((each): each is EigenvaluesChart => each.kind === 'eigenvalues');
  const spectra =
    chart === undefined
      ? []
      : [
          '',
          ...terminalSpectra(chart.series, {
            linearWithin: chart.linearWithin,
            style,
            columns,
            errorEstimate: chart.errorEstimate,
          }),
        ];
  return [
    ...spectra,
    ...report.tables.flatMap((table) => ['', ...terminalTable(table, style)]),
    '',
    ...Object.values(claims).flatMap((claim) => claimLines(claim, style)),
  ];
}

function claimLines({ claim, holds, measured }: Claim, style: TerminalStyle): string[] {
  const mark = holds ? style.positive('✓') : style.negative('✗');
  return [`${mark} ${claim}`, style.dim(`  ${measured}`)];
}

async function writeFiles({ result, report }: Performance, out: string): Promise<void> {
  const json = (content: unknown): string => `${JSON.stringify(content)}\n`;
  const [figure] = report.charts;
  await Promise.all([
    writeFile(join(out, 'result.json'), json(result)),
    writeFile(join(out, 'manifest.json'), `${JSON.stringify(report.manifest, null, 2)}\n`),
    writeReport(report, join(out, 'index.html')),
    figure === undefined
      ? undefined
      : renderChart(figure, { format: 'svg' }).then((svg) =>
          writeFile(join(out, 'figure.svg'), svg),
        ),
  ]);
}
