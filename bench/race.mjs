// One trial: every contender in turn, in a fresh process each time, as often as was asked.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runContender } from './processes.mjs';
import { writeProblem } from './problems.mjs';
import { gemm } from './trials/gemm.mjs';
import { rowsOf } from './rows.mjs';
import { agree, bestWay } from './statistics.mjs';

/** Of the results of two contenders, relative. */
const tolerances = { float64: 1e-8, float32: 1e-4 };
/** Ways of a contender that are measured again after all were tried once. */
const waysKept = 2;

const fastestFirst = (ways) =>
  Object.entries(ways)
    .sort(([, a], [, b]) => a.seconds - b.seconds)
    .map(([name]) => name);

/** What a contender did in a trial: times by way, and what went wrong, if anything. */
class Entry {
  ways = {};
  survey = {};
  check = undefined;
  failed = undefined;
  kept = null;
  expected = [];
  grown = [];

  constructor(name, contender, dtype) {
    this.name = name;
    this.contender = contender;
    this.tolerance = contender.tolerance ?? tolerances[dtype];
  }

  async run(job, { survey }) {
    if (this.failed) return;
    const outcome = await runContender(this.contender, { ...job, survey, ways: this.kept });
    this.failed = outcome.failed;
    if (this.failed) return;
    const ranked = fastestFirst(outcome.ways);
    this.check ??= ranked.map((way) => outcome.ways[way].check).find((check) => check !== null);
    const stray = ranked.find((way) => !agree(outcome.ways[way].check, this.check, this.tolerance));
    if (stray) this.failed = `'${stray}' has another result: ${outcome.ways[stray].check}`;
    if (survey) {
      this.survey = Object.fromEntries(ranked.map((way) => [way, outcome.ways[way].seconds]));
      this.kept = ranked.slice(0, waysKept);
      return;
    }
    if (outcome.expected) this.expected.push(outcome.expected);
    if (outcome.grown) this.grown.push(outcome.grown);
    for (const way of ranked) (this.ways[way] ??= []).push(outcome.ways[way].seconds);
  }
}

const dtypeOf = ({ problem }) => problem.dtype ?? 'float64';

/** Times of all contenders of one trial, interleaved (A B A B …).
 *  @param {object} options runs, seconds (budget of one measurement), log */
async function race(trial, contenders, { runs, seconds, log, surveyed = true }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'eigenscape-bench-'));
  try {
    await writeProblem(trial.problem, folder);
    const job = { ...trial, folder, budget: seconds };
    const entries = trial.contenders.map(
      (name) => new Entry(name, contenders[name], dtypeOf(trial)),
    );
    const present = entries.filter(({ contender }) => contender.absent === undefined);
    for (const entry of present.filter(({ contender }) => surveyed && !contender.ours)) {
      log(`${trial.name}: ${entry.contender.label}, every way once`);
      await entry.run(job, { survey: true });
    }
    for (let run = 1; run <= runs; run += 1) {
      for (const entry of present) {
        log(`${trial.name}: run ${run} of ${runs}, ${entry.contender.label}`);
        await entry.run(job, { survey: false });
      }
    }
    return entries;
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** GFLOP/s of a product, by each library that has one. */
async function gemmSpeeds(dtype, contenders, options) {
  const trial = gemm(dtype);
  const entries = await race(trial, contenders, { ...options, runs: 2, surveyed: false });
  return entries
    .filter((entry) => Object.keys(entry.ways).length > 0)
    .map(({ contender, ways }) => ({
      label: contender.label,
      dtype,
      gigaflops: trial.floor.flops / 1e9 / bestWay(ways).fastest,
    }));
}

function requireAgreement(entries) {
  const reference = entries.find(({ check }) => typeof check === 'number');
  for (const entry of entries) {
    if (typeof entry.check !== 'number' || entry.failed) continue;
    if (agree(entry.check, reference.check, entry.tolerance)) continue;
    entry.failed = `computes something else: ${entry.check}, ${reference.name} ${reference.check}`;
  }
}

/** Runs all trials, and measures products before each: the fastest of them all makes the floors. */
export async function runTrials(trials, contenders, options) {
  const races = [];
  const gemms = [];
  for (const trial of trials) {
    gemms.push(...(await gemmSpeeds(dtypeOf(trial), contenders, options)));
    const entries = await race(trial, contenders, options);
    requireAgreement(entries);
    races.push({ trial, entries });
  }
  const found = races.map(({ trial, entries }) => {
    const { name, title, unit, floor } = trial;
    const speeds = gemms.filter(({ dtype }) => dtype === dtypeOf(trial));
    const gigaflops = Math.max(...speeds.map((speed) => speed.gigaflops));
    const seconds = floor.flops / (gigaflops * 1e9);
    return {
      name,
      title,
      unit,
      floor: { ...floor, seconds, gigaflops },
      rows: rowsOf(entries, seconds),
    };
  });
  return { gemms, trials: found };
}
