// What is kept of the long run over the paper's largest network, and its section of docs/performance.md.

import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { formatNumber, formatSeconds, markdownTable } from './table.mjs';

/** @typedef {{ date: string, network: string, dtype: 'float64' | 'float32', parameterCount: number,
 *    samples: number, cpu: string, threads: number, stages: Record<string, number>, seconds: number,
 *    peakBytes: number, errorBound: number, errorEstimate: number, exactZeros: number,
 *    largest: number, smallest: number, reduction: object,
 *    remark?: string }} LargestNetworkRecord */

const kept = fileURLToPath(new URL('largest-network.json', import.meta.url));

/** The records of the last runs, one of each dtype; none if there was no run.
 *  @returns {LargestNetworkRecord[]} */
export function readRecords(file = kept) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : [];
}

/** Puts a record in the place of the last one of its dtype.
 *  @param {LargestNetworkRecord} record */
export function keepRecord(file, record) {
  const others = readRecords(file).filter(({ dtype }) => dtype !== record.dtype);
  fs.writeFileSync(file, `${JSON.stringify([...others, record], null, 2)}\n`);
}

const exponential = (value) => value.toExponential(2);

/** Rows of the table: a name, and what it says of one record. */
const rows = [
  ['M', ({ parameterCount }) => formatNumber(parameterCount)],
  ['order after reduction', ({ reduction }) => formatNumber(reduction.size)],
  [
    'rank of the inputs',
    ({
      reduction: {
        inputs: [inputs],
      },
    }) =>
      `${inputs.rank} of ${inputs.width}; least kept σ ${exponential(inputs.smallestKept)}, largest dropped ${exponential(inputs.largestDropped)}`,
  ],
  ['zeros that the reduction proves', ({ exactZeros }) => formatNumber(exactZeros)],
  ['assembly', ({ stages }) => formatSeconds(stages['hessian: assembly'])],
  ['full to band', ({ stages }) => formatSeconds(stages['hessian: full to band'])],
  ['band to tridiagonal', ({ stages }) => formatSeconds(stages['hessian: band to tridiagonal'])],
  ['tridiagonal to eigenvalues', ({ stages }) => formatSeconds(stages['hessian: tridiagonal'])],
  ['in all', ({ seconds }) => formatSeconds(seconds)],
  ['peak memory', ({ peakBytes }) => `${(peakBytes / 2 ** 30).toFixed(1)} GiB`],
  ['error bound', ({ errorBound }) => exponential(errorBound)],
  ['error estimate', ({ errorEstimate }) => exponential(errorEstimate)],
  [
    'eigenvalues from, to',
    ({ smallest, largest }) => `${smallest.toFixed(6)}, ${largest.toFixed(6)}`,
  ],
  ['disturbed', ({ remark }) => remark ?? 'no'],
  ['measured', ({ date, cpu, threads }) => `${date}, ${cpu}, ${threads} threads`],
];

/** The section, or an empty string without a record.
 *  @param {readonly LargestNetworkRecord[]} records */
export function recordSection(records) {
  if (records.length === 0) return '';
  const [{ network, samples }] = records;
  const table = rows.map(([name, cell]) => [name, ...records.map(cell)]);
  return [
    `## Every eigenvalue of the paper’s largest network, ${network}, N = ${formatNumber(samples)}`,
    'One run of `node bench/largest-network.mjs DIR --dtype … --json bench/largest-network.json` for each dtype, with ' +
      'progress shown and stoppable in every stage; DIR has the MNIST test files. What the reduction takes away is ' +
      'exactly zero in H (the rank rule, its gap and what was dropped are `reduction` in the result).',
    markdownTable([['', ...records.map(({ dtype }) => dtype)], ...table]),
  ].join('\n\n');
}
