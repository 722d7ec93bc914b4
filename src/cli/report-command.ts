// `eigenscape report`: pages and pictures of runs on disk, made anew from their numbers.

import { readFile, readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { Command } from 'commander';

import { EigenscapeError } from '../errors.js';
import { EXPERIMENTS } from '../experiments/catalog.js';
import type { Experiment } from '../experiments/experiment.js';
import type { Json } from '../report/report.js';
import { terminalStyle } from '../report/terminal-style.js';
import { writeReport } from '../report/write-report.js';
import { type CommandIo, writeLines } from './command-io.js';
import { examples } from './examples.js';
import { type Performed, overview } from './overview.js';
import { CLAIM_FAILED, claimLines } from './reproduce-command.js';
import { writeExperiment } from './write-experiment.js';

const RESULT = 'result.json';
const MANIFEST = 'manifest.json';

export function addReportCommand(
  program: Command,
  io: CommandIo,
  setStatus: (status: number) => void,
): void {
  program
    .command('report')
    .summary('pages of runs on disk, made anew from their numbers')
    .description(
      'Checks and draws again what `reproduce` measured: of one run, or of all runs in a folder, with the page over them. ' +
        `Nothing is computed anew. Exit status ${CLAIM_FAILED} when a claim does not hold.`,
    )
    .argument('<folder>', 'of one run (runs/f1) or of several (runs)')
    .addHelpText('after', examples([['all that was reproduced so far', 'report runs']]))
    .action(async (folder: string) => {
      const runs = await runsIn(folder);
      const done: Performed[] = [];
      for (const run of runs.folders) done.push(await drawAgain(run, io));
      const page = join(folder, 'index.html');
      if (!runs.alone) await writeReport(overview(done), page);
      const { bold } = terminalStyle(io.stdout, io.environment);
      writeLines(io.stdout, ['', `${bold('Report')}  ${pathToFileURL(resolve(page)).href}`]);
      const claims = done.flatMap(({ performance }) => Object.values(performance.claims));
      if (!claims.every(({ holds }) => holds)) setStatus(CLAIM_FAILED);
    });
}

/** The folder itself if it holds a run, else those in it that do, in the catalogue's order.
 *  @throws EigenscapeError ERR_DATA without any */
async function runsIn(
  folder: string,
): Promise<{ readonly alone: boolean; readonly folders: readonly string[] }> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.some(({ name }) => name === RESULT)) return { alone: true, folders: [folder] };
  const names = new Set(entries.filter((entry) => entry.isDirectory()).map(({ name }) => name));
  const folders: string[] = [];
  for (const { id } of EXPERIMENTS) {
    if (!names.has(id)) continue;
    const files = await readdir(join(folder, id));
    if (files.includes(RESULT)) folders.push(join(folder, id));
  }
  if (folders.length > 0) return { alone: false, folders };
  throw new EigenscapeError(
    'ERR_DATA',
    `${folder} holds no ${RESULT}, and none of its folders is a run; give a folder that eigenscape reproduce wrote`,
    { details: { folder } },
  );
}

async function drawAgain(folder: string, io: CommandIo): Promise<Performed> {
  const manifest = (await readJson(join(folder, MANIFEST))) as Readonly<Record<string, Json>>;
  const experiment = experimentOf(manifest.id ?? basename(resolve(folder)), folder);
  const saved = Object.entries(await readJson(join(folder, RESULT)));
  const result = Object.fromEntries(saved.filter(([name]) => name !== 'checks'));
  const again = resultsOf(experiment, result, folder);
  const performance = { ...again, report: { ...again.report, manifest } };
  await writeExperiment(performance, folder);
  const style = terminalStyle(io.stdout, io.environment);
  const claims = Object.values(performance.claims).flatMap((claim) => claimLines(claim, style));
  writeLines(io.stdout, ['', style.bold(experiment.title), ...claims]);
  return { id: experiment.id, performance };
}

function experimentOf(id: Json, folder: string): Experiment {
  const found = EXPERIMENTS.find((experiment) => experiment.id === id);
  if (found !== undefined) return found;
  const ids = EXPERIMENTS.map((experiment) => experiment.id).join(', ');
  throw new EigenscapeError(
    'ERR_DATA',
    `${folder}: experiment ${JSON.stringify(id)} is unknown; there are ${ids}`,
    { details: { folder, id } },
  );
}

/** Numbers of another version of the experiment lack what this one draws. */
function resultsOf(
  experiment: Experiment,
  result: object,
  folder: string,
): ReturnType<Experiment['again']> {
  try {
    return experiment.again(result);
  } catch (cause) {
    throw new EigenscapeError(
      'ERR_DATA',
      `${join(folder, RESULT)} does not hold what ${experiment.id} of this version draws; run eigenscape reproduce ${experiment.id} again`,
      { cause, details: { folder, id: experiment.id } },
    );
  }
}

async function readJson(file: string): Promise<object> {
  const text = await readFile(file, 'utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch (cause) {
    throw damaged(file, cause);
  }
  throw damaged(file);
}

function damaged(file: string, cause?: unknown): EigenscapeError {
  return new EigenscapeError('ERR_DATA', `${file} is damaged: expected a JSON object`, {
    cause,
    details: { file },
  });
}
