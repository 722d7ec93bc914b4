// The stopwatch inside a contender's process, and what it prints. pytorch.py has the same.

import { median } from '../statistics.mjs';

/** Bytes by which the process grew at its peak in the first call: of later ones, some are still held. */
export const grown = { bytes: undefined };

/** Median of the seconds that `task` takes, called until `budget` seconds are used. The first call
 *  warms up and does not count, unless `survey` is on and it was longer than the budget.
 *  @param {() => Promise<unknown> | unknown} task */
export async function measure(task, { budget, survey }) {
  const times = [];
  let used = 0;
  const before = process.memoryUsage.rss();
  do {
    const start = performance.now();
    await task();
    const seconds = (performance.now() - start) / 1000;
    times.push(seconds);
    grown.bytes ??= process.resourceUsage().maxRSS * 1024 - before;
    used += seconds;
  } while (times.length < 2 ? !(survey && used > budget) : used < budget);
  return median(times.length > 1 ? times.slice(1) : times);
}

/** √Σx²: what contenders must agree on. */
export function norm(values) {
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
}

/** The outcome, as the last line of the output.
 *  @param {{ ways: Record<string, { seconds: number, check: number }> }} outcome */
export function report(outcome) {
  console.log(JSON.stringify(outcome));
}
