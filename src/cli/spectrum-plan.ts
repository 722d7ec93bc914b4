// What `eigenscape spectrum` says before it starts: work, memory and time expected.

import { formatBytes, formatFlops, formatSeconds } from '../amounts.js';
import type { TerminalStyle } from '../report/terminal-style.js';
import { terminalTable } from '../report/terminal-table.js';
import type { MethodEstimate, SpectrumEstimate } from '../spectrum/estimate.js';
import type { SpectrumMethod } from '../spectrum/method.js';

const methods = ['dense', 'lanczos', 'density'] as const satisfies readonly SpectrumMethod[];

function amounts({ work, bytes, seconds }: MethodEstimate): [string, string, string] {
  return [formatFlops(work), formatBytes(bytes), formatSeconds(seconds)];
}

/** One line: the way taken, what it takes, and why. */
export function planLine(estimate: SpectrumEstimate): string {
  const [work, bytes, seconds] = amounts(estimate);
  const free = formatBytes(estimate.freeMemory);
  return `plan: ${estimate.method}, ${bytes} of ${free} that are free, ${work}, about ${seconds} (${estimate.reason})`;
}

/** What a dry run prints: all ways side by side, the stages of the one that would be taken. */
export function planLines(
  estimate: SpectrumEstimate,
  style: TerminalStyle,
  columns: number,
): string[] {
  const { method, reason, fits, stages, speed, threads, freeMemory, parameterCount } = estimate;
  const ways = methods.map((way): string[] => {
    const mark = way === method ? 'this one' : '';
    return [
      way,
      ...amounts(estimate.methods[way]),
      estimate.methods[way].fits ? 'yes' : 'no',
      mark,
    ];
  });
  const parts = stages.map(({ stage, work, seconds }): string[] => [
    stage,
    formatFlops(work),
    formatSeconds(seconds),
  ]);
  const gigaflops = (flops: number): string => `${(flops / 1e9).toFixed(0)} GFLOP/s`;
  return [
    style.bold(`${fits ? 'would take' : 'would refuse'} ${method}`) + style.dim(`  ${reason}`),
    '',
    ...terminalTable(
      { columns: ['method', 'work', 'memory', 'time', 'fits', ''], rows: ways },
      style,
      columns,
    ),
    '',
    ...terminalTable(
      { columns: [`stages of ${method}`, 'work', 'time'], rows: parts },
      style,
      columns,
    ),
    '',
    `${parameterCount} parameters; ${formatBytes(freeMemory)} free; products of matrices at ` +
      `${gigaflops(speed.all)} on ${threads} threads, ${gigaflops(speed.one)} on one`,
    'nothing was computed; times are expectations for a quiet machine (docs/cost-model.md)',
  ];
}
