#!/usr/bin/env node
// How late a timer of 10 ms is while a long call runs, and how long an abort takes to reject it.
//
//   node bench/responsiveness.mjs [--parameters 1000000] [--aborts 20] [--only train] [--beside]
//
// Beside the calls on a network of so many parameters there are those on matrices, images, files and reports,
// whose sizes are fixed: --rest measures these instead. --only takes the call of that name, else those whose
// names hold it.
// Time in which the machine had no core for the main thread is not counted where it tells (Linux). Pauses
// of the garbage collector are. --beside runs the same timer in a process that does nothing else, and tells how
// late it was meanwhile.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { machineInfo } from '../dist/index.js';
import { startTimer } from './timer.mjs';
import {
  callsOnFiles,
  callsOnImages,
  callsOnMatrices,
  callsOnNetwork,
  callsOnReports,
} from './trials/long-calls.mjs';

const { values: options } = parseArgs({
  options: {
    parameters: { type: 'string', default: '1000000' },
    aborts: { type: 'string', default: '0' },
    only: { type: 'string', default: '' },
    rest: { type: 'boolean', default: false },
    beside: { type: 'boolean', default: false },
  },
});
const aborts = Number(options.aborts);
const beside = options.beside
  ? fork(fileURLToPath(new URL('timer.mjs', import.meta.url)))
  : undefined;

/** The worst lateness here, and in the process beside this one where there is one. */
async function lateness(work) {
  beside?.send('begin');
  const stop = startTimer();
  await work();
  await new Promise((resolve) => setTimeout(resolve, 25));
  const here = stop();
  if (beside === undefined) return [here, NaN];
  const answer = once(beside, 'message');
  beside.send('end');
  return [here, (await answer)[0]];
}

/** Milliseconds from an abort to its rejection, after a share of the call's time; NaN if it was over. */
async function rejection(work, after) {
  const controller = new AbortController();
  let aborted = NaN;
  const call = work(controller.signal).then(
    () => NaN,
    (error) => {
      if (error.code !== 'ERR_ABORTED') throw error;
      return performance.now() - aborted;
    },
  );
  const timer = setTimeout(() => {
    aborted = performance.now();
    controller.abort();
  }, after);
  const milliseconds = await call;
  clearTimeout(timer);
  return milliseconds;
}

// Where another process stopped this one meanwhile, nothing was measured.
let stops = 0;
process.on('SIGCONT', () => {
  stops += 1;
});

async function report(name, work) {
  await work();
  let before, started, late, alone, took;
  do {
    before = stops;
    started = performance.now();
    [late, alone] = await lateness(work);
    took = performance.now() - started;
  } while (stops > before);
  const latencies = [];
  for (let k = 0; work.length > 0 && k < aborts; k += 1) {
    const found = await rejection(work, ((k + 0.5) / aborts) * took);
    if (!Number.isNaN(found) && stops === before) latencies.push(found);
    before = stops;
  }
  const rejected =
    latencies.length === 0
      ? ''
      : `; an abort rejects within ${Math.max(...latencies).toFixed(1)} ms`;
  const idle = Number.isNaN(alone) ? '' : ` (in an idle process ${alone.toFixed(1)} ms)`;
  console.log(
    `${name.padEnd(28)} ${took.toFixed(0).padStart(7)} ms; a timer is late by ${late.toFixed(1).padStart(6)} ms${idle}${rejected}`,
  );
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'responsiveness-'));
try {
  let calls;
  if (options.rest) {
    const files = await callsOnFiles(folder);
    calls = [...callsOnMatrices(), ...callsOnImages(), ...files, ...callsOnReports(folder)];
    console.log(`${machineInfo().threads} threads`);
  } else {
    const made = await callsOnNetwork(Number(options.parameters), folder);
    ({ calls } = made);
    console.log(`M = ${made.count}, ${machineInfo().threads} threads`);
  }
  const exact = calls.some(([name]) => name === options.only);
  for (const [name, work] of calls) {
    if (exact ? name === options.only : name.includes(options.only)) await report(name, work);
  }
} finally {
  beside?.disconnect();
  fs.rmSync(folder, { recursive: true });
}
