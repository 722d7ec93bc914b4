// What is said of each contender of a trial.

import { bestWay, median, ratios } from './statistics.mjs';

/** What the cost model said in each process, and what memory was taken there. */
function expectation({ expected = [], grown = [] }) {
  if (expected.length === 0) return {};
  const seconds = median(expected.map((each) => each.seconds));
  const [{ bytes }] = expected;
  if (bytes === undefined || grown.length === 0) return { expected: { seconds } };
  return { expected: { seconds, bytes, grown: median(grown) } };
}

/** The rows of one trial: medians, spreads, ratios; absent and failed contenders with the reason.
 *  @param {readonly { contender: object, ways: object, survey: object, failed?: string }[]} entries
 *  @param {number} floorSeconds */
export function rowsOf(entries, floorSeconds) {
  const measured = entries.filter((entry) => !entry.failed && Object.keys(entry.ways).length > 0);
  const best = measured.map(({ ways }) => bestWay(ways));
  const quotients = ratios(
    best.map(({ median }) => median),
    floorSeconds,
  );
  return entries.map((entry) => {
    const { label, version, precision, absent } = entry.contender;
    const row = { label, version, precision };
    if (absent !== undefined) return { ...row, absent };
    if (entry.failed) return { ...row, failed: entry.failed };
    const place = measured.indexOf(entry);
    const { ways, survey } = entry;
    return {
      ...row,
      ...best[place],
      ...quotients[place],
      ...expectation(entry),
      measurements: ways,
      survey,
    };
  });
}
