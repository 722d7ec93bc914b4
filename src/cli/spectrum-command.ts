// `eigenscape spectrum`: a network from ONNX, data from npy, exact spectra out.

import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { type Command, InvalidArgumentError, Option } from 'commander';

import { createDataset } from '../data/create-dataset.js';
import type { Dataset } from '../data/dataset.js';
import { loadNpy } from '../data/npy.js';

import { EigenscapeError } from '../errors.js';
import type { LossName, LossSpec } from '../network/spec.js';
import type { Network } from '../network/network.js';
import { importOnnx } from '../onnx/import.js';
import { densityTable, lanczosTable } from '../report/matrix-free-report.js';
import { numberText } from '../report/number-text.js';
import { foundBy, namedTerms, spectrumReport, spectrumTable } from '../report/spectrum-report.js';
import { writeReport } from '../report/write-report.js';
import { terminalSpectra } from '../report/terminal-chart.js';
import { terminalStyle } from '../report/terminal-style.js';
import { sparkline, terminalTable } from '../report/terminal-table.js';
import { estimate } from '../spectrum/estimate.js';
import { spectrum } from '../spectrum/spectrum.js';
import type { DensityTermSpectrum, SpectrumResult, SpectrumTerm } from '../spectrum/result.js';
import { type CommandIo, columnsOf, writeLines } from './command-io.js';
import { examples } from './examples.js';
import {
  fileOption,
  kebabCase,
  nameOption,
  namesOption,
  numberOption,
  numbersOption,
  wordsOption,
} from './option-values.js';
import { prepareFile } from './output-paths.js';
import { progressLine } from './progress-bar.js';
import { spectrumCsv } from './spectrum-csv.js';
import { planLine, planLines } from './spectrum-plan.js';

const TERMS = [
  'hessian',
  'gaussNewton',
  'residual',
  'empiricalFisher',
  'gradientCovariance',
] as const satisfies readonly SpectrumTerm[];
const LOSSES = [
  'softmaxCrossEntropy',
  'meanSquaredError',
  'binaryCrossEntropy',
] as const satisfies readonly LossName[];

const METHODS = ['auto', 'dense', 'lanczos', 'density'] as const;

interface SpectrumOptions {
  readonly onnx: string;
  readonly inputs: string;
  readonly targets: string;
  readonly loss: LossName;
  readonly terms: readonly SpectrumTerm[];
  readonly method: 'auto' | 'dense' | 'lanczos' | 'density';
  readonly largest?: number;
  readonly smallest?: number;
  readonly steps?: number;
  readonly probes?: number;
  readonly classWeights?: readonly number[];
  readonly labelSmoothing?: number;
  readonly ignoreIndex?: number;
  readonly layers?: readonly string[];
  readonly weightDecay?: number;
  readonly dtype: 'float64' | 'float32';
  readonly threads?: number;
  readonly json?: string;
  readonly csv?: string;
  readonly report?: string;
  readonly dryRun?: boolean;
}

export function addSpectrumCommand(program: Command, io: CommandIo): void {
  program
    .command('spectrum')
    .summary('exact spectra of a network in an ONNX file')
    .description(
      'All eigenvalues of the Hessian of the loss over a data set, and of its parts, exactly.\n' +
        'Where the matrix does not fit: the outermost ones (lanczos), or their density.\n' +
        'Computes in float64 whatever the file stores (float32 weights widen exactly).',
    )
    .requiredOption('--onnx <file>', 'the network')
    .requiredOption('--inputs <file>', 'npy: samples on the first axis')
    .requiredOption('--targets <file>', 'npy: classes as integers, or rows')
    .requiredOption('--loss <name>', LOSSES.map(kebabCase).join(', '), nameOption(LOSSES))
    .addOption(termsOption())
    .option('--method <name>', METHODS.join(', '), nameOption(METHODS), 'auto')
    .option('--largest <count>', 'eigenvalues at the upper end (lanczos)', count)
    .option('--smallest <count>', 'eigenvalues at the lower end (lanczos)', count)
    .option('--steps <count>', 'Lanczos steps of each probe (density)', count)
    .option('--probes <count>', 'random vectors (density)', count)
    .option('--class-weights <list>', 'one for each class (softmax)', numbersOption)
    .option('--label-smoothing <s>', '0 … 1 (softmax)', numberOption({ from: 0, to: 1 }))
    .option('--ignore-index <i>', 'target that counts for nothing (softmax)', integer)
    .option('--layers <names>', 'only the block of these layers or tensors, globs too', wordsOption)
    .option(
      '--weight-decay <lambda>',
      'also state (lambda/2)|w|^2, a term apart from the others',
      numberOption({ from: 0 }),
    )
    .option('--dtype <name>', 'float64 or float32', nameOption(['float64', 'float32']), 'float64')
    .option('--threads <count>', 'at most so many', numberOption({ integer: true, from: 1 }))
    .option('--json <file>', 'write the result as JSON; - is standard output', fileOption)
    .option('--csv <file>', 'write the values as CSV; - is standard output', fileOption)
    .option('--report <file>', 'write an HTML page', fileOption)
    .option('--dry-run', 'print work, memory and time expected, and compute nothing')
    .addHelpText(
      'after',
      examples([
        ['H, G and R of a classifier, as a page', `${PROBLEM} --report spectrum.html`],
        ['for a program: one line of JSON', `${PROBLEM} --json -`],
        ['for a spreadsheet', `${PROBLEM} --terms hessian --csv hessian.csv`],
        [
          'the ends, where the matrix does not fit',
          `${PROBLEM} --method lanczos --largest 10 --smallest 5`,
        ],
        ['what it would take', `${PROBLEM} --dry-run`],
      ]),
    )
    .action((options: SpectrumOptions) => runSpectrum(options, io));
}

const PROBLEM =
  'spectrum --onnx m.onnx --inputs x.npy --targets y.npy --loss softmax-cross-entropy';

const integer = numberOption({ integer: true });
const count = numberOption({ integer: true, from: 1 });

function termsOption(): Option {
  const names = TERMS.map(kebabCase);
  return new Option('--terms <list>', `any of ${names.join(', ')}`)
    .argParser(namesOption(TERMS))
    .default(TERMS.slice(0, 3), names.slice(0, 3).join(','));
}

async function runSpectrum(options: SpectrumOptions, io: CommandIo): Promise<void> {
  const loss = lossOf(options);
  requireDifferentFiles(options);
  if (options.dryRun === true) {
    await dryRun(options, loss, io);
    return;
  }
  for (const file of [options.json, options.csv, options.report]) {
    if (file !== undefined && file !== '-') await prepareFile(file);
  }
  const line = progressLine(io);
  try {
    const { signal } = io;
    const { network, data, notes } = await readProblem(options, loss);
    const choices = choicesOf(options);
    const plan = await estimate(network, data, { ...choices, signal });
    if (plan.fits) writeLines(io.stderr, [`eigenscape: ${planLine(plan)}`]);
    const call = { signal, onProgress: line.onProgress };
    const result = await spectrum(network, data, { ...choices, ...call });
    line.stop();
    writeNotes(notes, io);
    await output(result, options, io);
  } finally {
    line.stop();
  }
}

/** Each file has its own option, and standard output has room for one. */
function requireDifferentFiles({ json, csv, report }: SpectrumOptions): void {
  const given = Object.entries({ json, csv, report }).filter(([, file]) => file !== undefined);
  for (const [i, [name, file = '']] of given.entries()) {
    const other = given.slice(0, i).find(([, before]) => before === file);
    if (other === undefined) continue;
    throw new EigenscapeError(
      'ERR_SPEC',
      `--${other[0]} and --${name} are both ${file}; expected two files`,
      { details: { option: `--${name}`, value: file } },
    );
  }
}

/** The loss with its options, which only softmax cross-entropy has. */
function lossOf({ loss, classWeights, labelSmoothing, ignoreIndex }: SpectrumOptions): LossSpec {
  if (loss === 'softmaxCrossEntropy') {
    return { type: loss, classWeights, labelSmoothing, ignoreIndex };
  }
  const given = Object.entries({ classWeights, labelSmoothing, ignoreIndex }).find(
    ([, value]) => value !== undefined,
  );
  if (given === undefined) return loss;
  throw new InvalidArgumentError(
    `option '--${kebabCase(given[0])}' goes with --loss softmax-cross-entropy, not ${kebabCase(loss)}`,
  );
}

/** Prints what the command would take; as JSON where that was asked for on standard output. */
async function dryRun(options: SpectrumOptions, loss: LossSpec, io: CommandIo): Promise<void> {
  const { network, data, notes } = await readProblem(options, loss);
  const plan = await estimate(network, data, { ...choicesOf(options), signal: io.signal });
  writeNotes(notes, io);
  const lines =
    options.json === '-'
      ? [JSON.stringify(plan)]
      : planLines(plan, terminalStyle(io.stdout, io.environment), columnsOf(io.stdout));
  writeLines(io.stdout, lines);
}

function writeNotes(notes: readonly string[], io: CommandIo): void {
  writeLines(
    io.stderr,
    notes.map((note) => `eigenscape: note: ${note}`),
  );
}

interface Problem {
  readonly network: Network;
  readonly data: Dataset;
  /** What the import changed or left out. */
  readonly notes: readonly string[];
}

async function readProblem(
  { onnx, inputs, targets, dtype }: SpectrumOptions,
  loss: LossSpec,
): Promise<Problem> {
  const notes: string[] = [];
  const onNote = (note: string): void => void notes.push(note);
  const [network, x, y] = await Promise.all([
    importOnnx(onnx, { loss, dtype, onNote }),
    loadNpy(inputs),
    loadNpy(targets),
  ]);
  return { network, data: createDataset({ inputs: x, targets: y }), notes };
}

/** What `spectrum` and `estimate` are asked. */
function choicesOf(options: SpectrumOptions) {
  const { terms, method, layers, weightDecay, threads, largest, smallest, steps, probes } = options;
  const ends = { largest, smallest, steps, probes };
  return { terms, method, parameters: layers, weightDecay, threads, ...ends };
}

async function output(
  result: SpectrumResult,
  options: SpectrumOptions,
  io: CommandIo,
): Promise<void> {
  const { json, csv, report } = options;
  if (report !== undefined) await writeReport(spectrumReport(result, manifest(options)), report);
  const texts = [
    { file: json, text: () => `${JSON.stringify(result)}\n` },
    { file: csv, text: () => spectrumCsv(result) },
  ];
  for (const { file, text } of texts) {
    if (file === '-') io.stdout.write(text());
    else if (file !== undefined) await writeFile(file, text());
  }
  const written = [json, csv, report].flatMap((file) =>
    file === undefined || file === '-' ? [] : [`written: ${resolve(file)}`],
  );
  if (json === '-' || csv === '-') {
    writeLines(io.stderr, written);
    return;
  }
  writeLines(io.stdout, [...summary(result, io), ...written]);
}

function manifest({
  onnx,
  inputs,
  targets,
  loss,
  dtype,
  ...rest
}: SpectrumOptions): Record<string, string> {
  const { classWeights, labelSmoothing, ignoreIndex, layers, weightDecay } = rest;
  const given = { classWeights, labelSmoothing, ignoreIndex, layers, weightDecay };
  return {
    network: onnx,
    inputs,
    targets,
    'loss function': kebabCase(loss),
    ...Object.fromEntries(
      Object.entries(given).flatMap(([key, value]) =>
        value === undefined ? [] : [[kebabCase(key), String(value)]],
      ),
    ),
    dtype,
    node: process.version,
  };
}

/** Terms beside each other in 80 columns. */
const IN_A_ROW = 3;

function summary(result: SpectrumResult, io: CommandIo): string[] {
  const style = terminalStyle(io.stdout, io.environment);
  const columns = columnsOf(io.stdout);
  const terms = namedTerms(result);
  const counts = `${result.parameterCount} parameters, ${result.sampleCount} samples`;
  const lines = [style.bold(`loss ${result.loss.toPrecision(8)}`) + style.dim(`  ${counts}`)];
  lines.push(style.dim(`${result.method}: ${result.reason}`));
  if (result.parameters !== undefined) lines.push(`block of ${result.parameters.join(', ')}`);
  if (result.weightDecay !== undefined) {
    const { eigenvalue, multiplicity, penalty } = result.weightDecay;
    lines.push(
      `weight decay apart: eigenvalue ${eigenvalue}, ${multiplicity} times; penalty ${penalty.toPrecision(8)}`,
    );
  }
  const dense = foundBy(terms, 'dense');
  const errorEstimate = Math.max(...dense.map(({ spectrum }) => spectrum.errorEstimate));
  for (let i = 0; i < dense.length; i += IN_A_ROW) {
    const row = dense.slice(i, i + IN_A_ROW);
    const panels = row.map(({ name, spectrum: { eigenvalues } }) => ({ name, eigenvalues }));
    const chart = terminalSpectra(panels, { style, columns, errorEstimate });
    lines.push('', ...chart, '', ...terminalTable(spectrumTable(row), style, columns));
  }
  for (const term of foundBy(terms, 'lanczos')) {
    lines.push('', ...terminalTable(lanczosTable(term), style, columns));
  }
  const densities = foundBy(terms, 'density');
  for (let i = 0; i < densities.length; i += IN_A_ROW) {
    const row = densities.slice(i, i + IN_A_ROW);
    lines.push('', ...terminalTable(densityTable(row), style, columns));
    for (const { name, spectrum } of row) lines.push('', ...densityLines(name, spectrum, columns));
  }
  return lines;
}

/** The density on one line, on a logarithmic scale, with the ends of its axis below. */
function densityLines(
  name: string,
  { grid, density }: DensityTermSpectrum,
  columns: number,
): string[] {
  const most = density.reduce((high, value) => Math.max(high, value), 0);
  const floor = most * 1e-6 || 1;
  const curve = sparkline(
    Array.from(density, (value) => Math.max(value, floor)),
    columns,
  );
  const [low, high] = [numberText(grid[0] ?? 0), numberText(grid.at(-1) ?? 0)];
  const rest = Math.max(1, curve.length - low.length - high.length);
  return [`density of ${name} over asinh λ, logarithmic`, curve, low + ' '.repeat(rest) + high];
}
