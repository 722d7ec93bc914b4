// Medians, spreads and ratios.

/** @param {readonly number[]} values at least one */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** What is said of the times of several processes.
 *  @param {readonly number[]} seconds at least one */
export function summarize(seconds) {
  return {
    median: median(seconds),
    fastest: Math.min(...seconds),
    slowest: Math.max(...seconds),
    runs: seconds.length,
  };
}

/** The way of a contender with the least median.
 *  @param {Readonly<Record<string, readonly number[]>>} ways seconds of each way, one per process */
export function bestWay(ways) {
  const measured = Object.entries(ways).filter(([, seconds]) => seconds.length > 0);
  const ranked = measured
    .map(([way, seconds]) => ({ way, ...summarize(seconds) }))
    .sort((a, b) => a.median - b.median);
  return ranked[0];
}

/** Each time divided by the least of them and by the floor.
 *  @param {readonly number[]} medians
 *  @param {number} floor seconds */
export function ratios(medians, floor) {
  const best = Math.min(...medians);
  return medians.map((seconds) => ({ toBest: seconds / best, toFloor: seconds / floor }));
}

/** Whether two results are the same up to rounding; null is the result of a part, and agrees. */
export function agree(a, b, tolerance) {
  if (a === null || b === null) return true;
  return Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
}
