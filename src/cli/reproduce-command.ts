// `eigenscape reproduce`: a figure of the paper, on the terminal and as files.

import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { Argument, type Command, InvalidArgumentError, Option } from 'commander';

import { EXPERIMENTS } from '../experiments/catalog.js';
import type { Experiment, Performance, Scale } from '../experiments/experiment.js';
import { packageVersion } from '../package-version.js';
import type { EigenvaluesChart, StepSeries } from '../report/chart.js';
import { numberText } from '../report/number-text.js';
import type { Claim, Report } from '../report/report.js';
import { terminalSpectra } from '../report/terminal-chart.js';
import { type TerminalStyle, terminalStyle } from '../report/terminal-style.js';
import { sparkline, terminalTable } from '../report/terminal-table.js';
import { writeReport } from '../report/write-report.js';
import { type CommandIo, columnsOf, writeLines } from './command-io.js';
import { examples } from './examples.js';
import { describeMachine, gibibytes } from './machine-description.js';
import { numberOption } from './option-values.js';
import { prepareFolder } from './output-paths.js';
import { type Performed, overview } from './overview.js';
import { piecesOnDisk } from './pieces-on-disk.js';
import { progressLine } from './progress-bar.js';
import { writeExperiment } from './write-experiment.js';

interface ReproduceOptions {
  readonly out?: string;
  readonly seed: number;
  readonly scale: Scale;
  readonly dataDir?: string;
  readonly resume?: boolean;
  readonly threads?: number;
}

/** The exit status when all ran, and a claim was found not to hold.
 *  @internal */
export const CLAIM_FAILED = 3;

export function addReproduceCommand(
  program: Command,
  io: CommandIo,
  setStatus: (status: number) => void,
): void {
  program
    .command('reproduce')
    .summary("figures of the paper: Sagun et al., 'Empirical Analysis of the Hessian', 2017")
    .description(
      'Computes figures of the paper, checks their claims and draws them.\n' +
        `Exit status ${CLAIM_FAILED} when a claim does not hold.`,
    )
    .addArgument(whichArgument())
    .addOption(
      new Option('--scale <scale>', 'sizes: of a demonstration, or the paper’s')
        .choices(['demo', 'paper'])
        .default('demo'),
    )
    .option('--out <folder>', 'where the results go (default: runs/NAME)')
    .option('--data-dir <folder>', 'of data sets that the package does not hold: MNIST, CIFAR-10')
    .option('--resume', 'go on with an interrupted run, at its last finished piece')
    .option('--seed <n>', 'of every random choice', numberOption({ integer: true, from: 0 }), 1)
    .option('--threads <count>', 'at most so many', numberOption({ integer: true, from: 1 }))
    .addHelpText(
      'after',
      examples([
        ['the first figure, in seconds', 'reproduce f1'],
        [
          'all of them at the paper’s sizes, going on where it was stopped',
          'reproduce all --scale paper --data-dir data --resume',
        ],
      ]),
    )
    .action(async (names: readonly string[], options: ReproduceOptions) => {
      const chosen = names.flatMap(findExperiments);
      const { out = 'runs' } = options;
      const alone = options.out !== undefined && chosen.length === 1;
      const done: Performed[] = [];
      for (const experiment of chosen) {
        const folder = alone ? out : join(out, experiment.id);
        const performance = await reproduce(experiment, { ...options, out: folder }, io);
        done.push({ id: experiment.id, performance });
      }
      if (!alone) await writeReport(overview(done), join(out, 'index.html'));
      const claims = done.flatMap(({ performance }) => Object.values(performance.claims));
      if (!claims.every(({ holds }) => holds)) setStatus(CLAIM_FAILED);
    });
}

/** Its words are for completion and help: unknown ones are refused by the action, in any case of letters. */
function whichArgument(): Argument {
  const ids = EXPERIMENTS.map(({ id }) => id);
  const argument = new Argument('[names...]', 'which').default(['f1']);
  return Object.assign(argument, { argChoices: [...ids, 'all'] });
}

function findExperiments(name: string): readonly Experiment[] {
  if (name.toLowerCase() === 'all') return EXPERIMENTS;
  const found = EXPERIMENTS.filter(({ id }) => id === name.toLowerCase());
  if (found.length > 0) return found;
  const ids = EXPERIMENTS.map(({ id }) => id).join(', ');
  throw new InvalidArgumentError(`experiment '${name}' is unknown; there are ${ids}`);
}

async function reproduce(
  experiment: Experiment,
  {
    out,
    seed,
    scale,
    dataDir,
    threads,
    resume = false,
  }: ReproduceOptions & { readonly out: string },
  io: CommandIo,
): Promise<Performance> {
  await prepareFolder(out);
  const choices = { experiment: experiment.id, seed, scale, dataDir, version: packageVersion() };
  const pieces = await piecesOnDisk(out, { choices, resume });
  const style = terminalStyle(io.stdout, io.environment);
  writeLines(io.stdout, ['', style.bold(experiment.title), '']);
  const line = progressLine(io);
  const started = performance.now();
  const onCurve = (curve: StepSeries): void => {
    line.stop();
    writeLines(io.stdout, [curveLine(curve, style)]);
  };
  const { onProgress } = line;
  const done = await experiment
    .perform({
      seed,
      scale,
      dataDirectory: dataDir,
      threads,
      signal: io.signal,
      onProgress,
      onCurve,
      piece: pieces.piece,
    })
    .finally(line.stop);
  writeLines(io.stdout, lines(done, { style, columns: columnsOf(io.stdout) }));
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const { report } = done;
  const manifest = {
    id: experiment.id,
    ...report.manifest,
    ...circumstances({ scale, seconds, io }),
  };
  const complete = { ...done, report: { ...report, manifest } };
  const { files, note } = await writeExperiment(complete, out);
  await pieces.clear();
  const page = pathToFileURL(resolve(out, 'index.html')).href;
  writeLines(io.stdout, [
    '',
    `${style.bold('Report')}  ${page}`,
    style.dim(`        ${files.join(', ')} beside it; ${seconds} s`),
    ...(note === undefined ? [] : [style.dim(`        ${note}`)]),
  ]);
  return complete;
}

/** What beside the experiment's own choices belongs into a manifest: where, when and how long it ran. */
function circumstances({
  scale,
  seconds,
  io,
}: {
  readonly scale: Scale;
  readonly seconds: number;
  readonly io: CommandIo;
}): Report['manifest'] {
  const { version, node, platform, cpu, cores, memory, addon, environment } = describeMachine(
    io.environment,
  );
  return {
    scale,
    eigenscape: version,
    node,
    platform,
    machine: `${cpu}, ${cores} cores, ${gibibytes(memory)}`,
    ...('error' in addon ? {} : { BLAS: addon.blas, kernel: addon.kernel, threads: addon.threads }),
    ...(Object.keys(environment).length === 0 ? {} : { environment }),
    finished: new Date().toISOString(),
    seconds,
  };
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
    ...report.tables.flatMap((table) => ['', ...terminalTable(table, style, columns)]),
    '',
    ...Object.values(claims).flatMap((claim) => claimLines(claim, style)),
  ];
}

/** A claim with its mark, and what was measured.
 *  @internal */
export function claimLines({ claim, holds, measured }: Claim, style: TerminalStyle): string[] {
  const mark = holds ? style.positive('✓') : style.negative('✗');
  return [`${mark} ${claim}`, style.dim(`  ${measured}`)];
}
