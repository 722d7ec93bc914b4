// The benchmark's arithmetic and its tables; nothing is timed here.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { root } from '../project/source-files.js';

interface Row {
  readonly label: string;
  readonly version?: string;
  readonly absent?: string;
  readonly failed?: string;
  readonly toBest?: number;
  readonly toFloor?: number;
  readonly way?: string;
}
interface Floor {
  readonly seconds: number;
  readonly flops: number;
  readonly gigaflops: number;
  readonly counting: string;
}
interface Entry {
  readonly contender: {
    readonly label: string;
    readonly version?: string;
    readonly absent?: string;
  };
  readonly ways: Readonly<Record<string, readonly number[]>>;
  readonly survey: Readonly<Record<string, number>>;
  readonly failed?: string;
  readonly expected?: readonly { readonly seconds: number }[];
}
interface Bench {
  median(values: readonly number[]): number;
  bestWay(ways: Entry['ways']): { way: string; median: number; fastest: number; slowest: number };
  ratios(medians: readonly number[], floor: number): { toBest: number; toFloor: number }[];
  agree(a: number | null, b: number | null, tolerance: number): boolean;
  rowsOf(entries: readonly Entry[], floorSeconds: number): Row[];
  formatSeconds(seconds: number): string;
  trialCells(trial: { rows: readonly Row[]; floor: Floor }): string[][];
  textTable(rows: readonly (readonly string[])[]): string;
  markdownTable(rows: readonly (readonly string[])[]): string;
  findContenders(
    environment: Readonly<Record<string, string>>,
  ): Record<string, { absent?: string; version?: string }>;
  installation: string;
  childEnvironment(environment: Readonly<Record<string, string>>): Record<string, string>;
  parseCommandLine(args: readonly string[]): {
    trials: readonly { name: string }[];
    chosen: readonly string[];
  };
  trials: readonly { name: string; contenders: readonly string[]; floor: { flops: number } }[];
}

async function load(...files: readonly string[]): Promise<Bench> {
  const modules = await Promise.all(
    files.map((file) => import(pathToFileURL(path.join(root, 'bench', file)).href)),
  );
  return Object.assign({}, ...(modules as object[])) as Bench;
}

const bench = await load(
  'statistics.mjs',
  'table.mjs',
  'contenders.mjs',
  'options.mjs',
  'processes.mjs',
  'rows.mjs',
  'trials/all.mjs',
);

const floor: Floor = { seconds: 0.1, flops: 1e10, gigaflops: 100, counting: '2·n³' };

function entry(label: string, rest: Partial<Entry> & { absent?: string }): Entry {
  const { absent, ...others } = rest;
  const contender = absent === undefined ? { label, version: '1.0' } : { label, absent };
  return { contender, ways: {}, survey: {}, ...others };
}

describe('times', () => {
  it('an even number of them has the mean of the middle two as median', () => {
    expect(bench.median([4, 1, 3, 2])).toBe(2.5);
    expect(bench.median([5, 1, 3])).toBe(3);
  });

  it('of several ways the one with the least median counts, not the one with the least time', () => {
    const best = bench.bestWay({ lucky: [1, 9, 9], steady: [4, 5, 6] });
    expect(best).toMatchObject({ way: 'steady', median: 5, fastest: 4, slowest: 6 });
  });

  it('are compared with the best and with the floor', () => {
    expect(bench.ratios([0.2, 0.5], 0.1)).toEqual([
      { toBest: 1, toFloor: 2 },
      { toBest: 2.5, toFloor: 5 },
    ]);
  });

  it.each([
    [2.5, '2.5 s'],
    [0.0123, '12.3 ms'],
    [9.87e-6, '9.87 µs'],
    [1e-7, '0.1 µs'],
    [4321, '4,321 s'],
  ])('%d seconds are written %s', (seconds, text) => {
    expect(bench.formatSeconds(seconds)).toBe(text);
  });
});

describe('a trial', () => {
  const rows = bench.rowsOf(
    [
      entry('ours', { ways: { a: [0.2, 0.2, 0.4] }, expected: [{ seconds: 0.15 }] }),
      entry('theirs', { ways: { b: [1, 1, 1], c: [3, 3, 3] } }),
      entry('nobody', { absent: 'nobody is not installed' }),
      entry('broken', { failed: 'ended with 1: no memory', ways: { d: [0.001] } }),
    ],
    floor.seconds,
  );

  it('gives each contender its ratios, those that are absent or failed apart', () => {
    expect(rows).toMatchObject([
      { label: 'ours', toBest: 1, toFloor: 2, way: 'a' },
      { label: 'theirs', toBest: 5, toFloor: 10, way: 'b' },
      { label: 'nobody', absent: 'nobody is not installed' },
      { label: 'broken', failed: 'ended with 1: no memory' },
    ]);
  });

  it('is a table that says who is absent, who failed, and what the floor counts', () => {
    const cells = bench.trialCells({ rows, floor });
    expect(cells).toEqual([
      ['ours 1.0', '200 ms', '150 ms', '200 ms – 400 ms', '1', '2', 'a'],
      ['theirs 1.0', '1 s', '', '1 s – 1 s', '5', '10', 'b'],
      ['nobody', '–', '', '', '', '', 'absent: nobody is not installed'],
      ['broken 1.0', '–', '', '', '', '', 'failed: ended with 1: no memory'],
      ['floor', '100 ms', '', '', '', '1', '10 GFLOP at 100 GFLOP/s: 2·n³'],
    ]);
  });

  it('has results that agree within rounding, or are not used', () => {
    expect(bench.agree(1, 1 + 1e-12, 1e-8)).toBe(true);
    expect(bench.agree(1, 1.1, 1e-8)).toBe(false);
    expect(bench.agree(1, NaN, 1e-8)).toBe(false);
    expect(bench.agree(1, null, 1e-8)).toBe(true);
  });
});

describe('a table', () => {
  const rows = [
    ['', 'median', 'how'],
    ['ours', '2 ms', 'a|b'],
    ['all others', '10 ms', ''],
  ];

  it('has aligned columns in a terminal', () => {
    expect(bench.textTable(rows).split('\n')).toEqual([
      '            median  how',
      'ours          2 ms  a|b',
      'all others   10 ms',
    ]);
  });

  it('keeps its columns in Markdown', () => {
    expect(bench.markdownTable(rows).split('\n')).toEqual([
      '|            | median | how  |',
      '| ---------- | -----: | ---- |',
      '| ours       |   2 ms | a\\|b |',
      '| all others |  10 ms |      |',
    ]);
  });
});

describe('contenders', () => {
  it('PyTorch is absent, with the reason, where its Python does not run or has none', () => {
    const nowhere = bench.findContenders({ EIGENSCAPE_BENCH_PYTHON: '/nowhere/python' });
    expect(nowhere.pytorch?.absent).toMatch(/^\/nowhere\/python does not run;/);
    const without = bench.findContenders({ EIGENSCAPE_BENCH_PYTHON: 'false' });
    expect(without.pytorch?.absent).toMatch(/^false has no torch;/);
  });

  it('ours is always there', () => {
    expect(bench.findContenders({}).eigenscape?.version).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('every trial has a floor and knows its contenders', () => {
    const known = Object.keys(bench.findContenders({}));
    for (const { contenders, floor: trialFloor } of bench.trials) {
      expect(known).toEqual(expect.arrayContaining([...contenders]));
      expect(trialFloor.flops).toBeGreaterThan(0);
    }
  });

  it('in JavaScript are installed by one command, which takes all of them in', () => {
    const contenders = bench.findContenders({});
    for (const name of ['jax-js', 'ml-matrix', 'tensorflow-js']) {
      const { absent, version } = contenders[name] ?? {};
      if (version === undefined) expect(absent).toContain(`(${bench.installation})`);
      else expect(version).toMatch(/^\d+\.\d+\.\d+/);
    }
    expect(bench.installation).toMatch(/^npm install --no-save .*jax.* ml-matrix .*tfjs/);
  });

  it('meet in trials of minutes only where these are asked for', () => {
    const names = (...args: string[]) =>
      bench.parseCommandLine(args).trials.map(({ name }) => name);
    expect(names()).toContain('eigenvalues-4000');
    expect(names()).not.toContain('eigenvalues-10000');
    expect(names('--all')).toEqual(bench.trials.map(({ name }) => name));
    expect(names('--trial', 'eigenvalues-10000')).toEqual(['eigenvalues-10000']);
    expect(bench.parseCommandLine(['--all']).chosen).toEqual(['--all']);
    expect(bench.parseCommandLine([]).chosen).toEqual([]);
  });

  it('run without what pins OpenBLAS to an older kernel', () => {
    const environment = { PATH: '/bin', OPENBLAS_CORETYPE: 'Haswell', OPENBLAS_L2_SIZE: '1' };
    expect(bench.childEnvironment(environment)).toEqual({ PATH: '/bin' });
  });
});
