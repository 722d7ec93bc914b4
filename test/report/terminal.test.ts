import { describe, expect, it } from 'vitest';

import { terminalSpectra } from '../../src/report/terminal-chart.js';
import { terminalStyle } from '../../src/report/terminal-style.js';
import { sparkline, terminalTable } from '../../src/report/terminal-table.js';
import { sampleSpectrum } from './sample-report.js';

const plain = terminalStyle({ isTTY: false }, {});
const ESCAPE = '\u001b';

describe('terminalSpectra', () => {
  const series = [
    { name: 'before', eigenvalues: sampleSpectrum(1) },
    { name: 'after', eigenvalues: sampleSpectrum(2) },
  ];

  it('fits its columns and shows the zero line, both names and the last rank', () => {
    for (const columns of [60, 80, 120]) {
      const lines = terminalSpectra(series, { style: plain, columns, errorEstimate: 1e-14 });
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
      expect(lines[0]).toMatch(/before +after/);
      expect(lines.some((line) => /^ +0 ┤[⠀-⣿]/.test(line))).toBe(true);
      expect(lines.at(-1)).toMatch(/1,000.*1,000$/);
    }
  });

  it('draws spectra that are empty or zero', () => {
    for (const eigenvalues of [[], [0], [0, 0, 5]]) {
      const lines = terminalSpectra([{ name: 'one', eigenvalues }], { style: plain });
      expect(lines).toHaveLength(15);
    }
  });
});

describe('terminalStyle', () => {
  it('colours terminals, and neither pipes nor under NO_COLOR', () => {
    expect(terminalStyle({ isTTY: true }, { TERM: 'xterm' }).bold('x')).toContain(ESCAPE);
    expect(terminalStyle({ isTTY: true }, { NO_COLOR: '1' }).bold('x')).toBe('x');
    expect(terminalStyle({ isTTY: true }, { NO_COLOR: '1', FORCE_COLOR: '1' }).bold('x')).toBe('x');
    expect(terminalStyle({ isTTY: true }, { TERM: 'dumb' }).bold('x')).toBe('x');
    expect(terminalStyle({}, {}).bold('x')).toBe('x');
    expect(terminalStyle({}, { FORCE_COLOR: '1' }).bold('x')).toContain(ESCAPE);
  });
});

describe('terminalTable', () => {
  it('aligns numbers to the right, whatever signs and norms stand in the names', () => {
    const columns = ['', 'before', 'after'];
    const rows = [
      ['‖R‖/‖H‖', 0.5, -2e-9],
      ['loss', 2.31, 12345],
    ];
    expect(terminalTable({ columns, rows }, plain)).toEqual([
      '         before       after',
      '───────────────────────────',
      '‖R‖/‖H‖     0.5  −2.00·10⁻⁹',
      'loss       2.31      12,345',
    ]);
  });

  it('puts columns that do not fit into tables below each other', () => {
    const columns = ['', 'first', 'second', 'third'];
    const rows = [['value', 1, 2, 3]];
    expect(terminalTable({ columns, rows }, plain, 22)).toEqual([
      '       first  second',
      '────────────────────',
      'value      1       2',
      '',
      '       third',
      '────────────',
      'value      3',
    ]);
    // One column is shown however narrow the terminal.
    expect(terminalTable({ columns, rows }, plain, 1)).toHaveLength(3 * 3 + 2);
  });
});

describe('sparkline', () => {
  it('falls from full to low on a logarithmic scale', () => {
    expect(sparkline([1, 0.1, 0.01], 3)).toBe('█▅▁');
    expect(sparkline([3, 3, 3], 3)).toBe('▁▁▁');
    expect(sparkline([], 3)).toBe('');
    expect(sparkline([1, 0, -1], 10)).toBe('█▅▁');
  });
});
