// Speed against pure JavaScript and PyTorch: npm run bench -- --help

import fs from 'node:fs';
import os from 'node:os';
import { findContenders } from './contenders.mjs';
import { describeEnvironment } from './environment.mjs';
import { isBusy } from './load.mjs';
import { readRecords } from './largest-network-record.mjs';
import { parseCommandLine, usage } from './options.mjs';
import { environmentLines, performancePage } from './page.mjs';
import { runTrials } from './race.mjs';
import { header, textTable, trialCells } from './table.mjs';

/** What is going on, for who waits at a terminal. */
function log(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function warnIfBusy({ cores, load }) {
  if (!isBusy({ cores, load })) return;
  console.error(
    `bench: the load is ${load.toFixed(2)} on ${cores} cores: others are at work, and times will be too long`,
  );
}

/** What repeats the run, whatever files this one wrote. */
function commandOf({ chosen, runs, seconds }) {
  const python = process.env.EIGENSCAPE_BENCH_PYTHON ? ['EIGENSCAPE_BENCH_PYTHON=…'] : [];
  const options = [...chosen, `--runs ${runs}`, `--seconds ${seconds}`];
  return [...python, 'npm run bench --', ...options, '--markdown docs/performance.md'].join(' ');
}

async function bench(args) {
  const { trials, chosen, runs, seconds, json, markdown, help } = parseCommandLine(args);
  if (help) return console.log(usage);
  const environment = describeEnvironment();
  warnIfBusy(environment);
  const found = await runTrials(trials, findContenders(), { runs, seconds, log });
  log('');
  const result = {
    command: commandOf({ chosen, runs, seconds }),
    environment: { ...environment, loadAfter: os.loadavg()[0] },
    runs,
    seconds,
    ...found,
  };
  for (const trial of result.trials) {
    console.log(`${trial.title}\n${textTable([header, ...trialCells(trial)])}\n`);
  }
  console.log(textTable(environmentLines(result)));
  if (json !== undefined) fs.writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`);
  if (markdown !== undefined) fs.writeFileSync(markdown, performancePage(result, readRecords()));
  const failed = result.trials.some(({ rows }) => rows.some((row) => row.failed !== undefined));
  if (failed) process.exitCode = 1;
}

try {
  await bench(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 2;
}
