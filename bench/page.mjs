// docs/performance.md: the tables with all that is needed to repeat them.

import { installation } from './contenders.mjs';
import { isBusy } from './load.mjs';
import { recordSection } from './largest-network-record.mjs';
import { formatNumber, formatSeconds, header, markdownTable, trialCells } from './table.mjs';

/** The environment, a line each.
 *  @returns {[string, string][]} */
export function environmentLines({ environment, gemms, runs }) {
  const { cpu, cores, system, node, eigenscape, commit, blas, kernel, threads } = environment;
  const range = (label, dtype) => {
    const speeds = gemms
      .filter((gemm) => gemm.label === label && gemm.dtype === dtype)
      .map((gemm) => gemm.gigaflops);
    const ends = [...new Set([Math.min(...speeds), Math.max(...speeds)].map(formatNumber))];
    return `${label} ${ends.join(' – ')}`;
  };
  const products = (dtype) => {
    const labels = [
      ...new Set(gemms.filter((gemm) => gemm.dtype === dtype).map(({ label }) => label)),
    ];
    return `${labels.map((label) => range(label, dtype)).join(', ')} GFLOP/s (${dtype}, n = 2,000)`;
  };
  const dtypes = [...new Set(gemms.map(({ dtype }) => dtype))];
  return [
    ['CPU', `${cpu}, ${cores} cores`],
    ['System', system],
    ['Node', node],
    ['eigenscape', commit === undefined ? eigenscape : `${eigenscape}, commit ${commit}`],
    ['BLAS', `${blas}; kernel in use: ${kernel}`],
    ['Threads', String(threads)],
    ['Matrix product', dtypes.map(products).join('; ')],
    ['Runs', `${runs}, of each contender in turn, each in a fresh process`],
    [
      'Load',
      `${environment.load.toFixed(2)} before, ${environment.loadAfter.toFixed(2)} after, on ${cores} cores`,
    ],
  ];
}

/** Others at work slow contenders unevenly: most of all those whose threads wait for one another. */
function loadWarning({ cores, load }) {
  if (!isBusy({ cores, load })) return [];
  return [
    `**Others were at work on this machine when the run began (load ${load.toFixed(2)} on ${cores} cores): ` +
      'times are too long, and ratios uncertain, mostly to the disadvantage of peers whose threads wait ' +
      'for one another.**',
  ];
}

function triedWays({ rows }) {
  return rows
    .filter(({ survey }) => survey !== undefined && Object.keys(survey).length > 1)
    .map(({ label, survey }) => {
      const ways = Object.entries(survey).map(([way, s]) => `${way}: ${formatSeconds(s)}`);
      return `Ways of ${label} that were tried once: ${ways.join('; ')}.`;
    });
}

/** Peaks below this are lost in what the process takes for itself. */
const leastBytes = 32e6;

/** Bytes that were planned for ours, beside those that its process took. */
function memoryOf({ rows }) {
  return rows
    .filter(({ expected }) => expected?.bytes >= leastBytes)
    .map(({ expected: { bytes, grown } }) => {
      const [plan, peak] = [bytes, grown].map((value) => formatNumber(value / 1e6));
      return `Memory of ours beside network and data: ${plan} MB expected, ${peak} MB at the peak of its first call.`;
    });
}

/** The whole page.
 *  @param {object} result as `--json` writes it
 *  @param {readonly object[]} records of the largest network's runs */
export function performancePage(result, records = []) {
  const { environment, trials, command } = result;
  const sections = trials.map((trial) =>
    [
      `## ${trial.title}`,
      markdownTable([header, ...trialCells(trial)]),
      ...memoryOf(trial),
      ...triedWays(trial),
    ].join('\n\n'),
  );
  return `${[
    '# Performance',
    `Measured on ${environment.date}. This page is written by the benchmark itself; repeat it with`,
    `    ${command}`,
    `where EIGENSCAPE_BENCH_PYTHON names a Python that has PyTorch and SciPy, and \`${installation}\` in the clone installs the contenders in JavaScript. ` +
      'Absolute times move from machine ' +
      'to machine; what counts is the ratio to the best contender and to the floor: the flops that the ' +
      'task needs, at the speed of the fastest matrix product that any library reached in this run. Of ' +
      'a contender that knows several ways, all are tried once and the two fastest are measured; the ' +
      'best is shown. All contenders work on the same numbers, and their results are compared. A time ' +
      'is the median over processes of the median in each; the spread is from the fastest to the ' +
      'slowest process. What is expected of ours is what the [cost model](cost-model.md) says, from shapes and ' +
      'from the speed of small products in the same process.',
    ...loadWarning(environment),
    markdownTable([['', ''], ...environmentLines(result)]),
    ...sections,
    recordSection(records),
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
}
