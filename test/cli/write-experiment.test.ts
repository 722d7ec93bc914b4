import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { writeExperiment } from '../../src/cli/write-experiment.js';
import type { Performance } from '../../src/experiments/experiment.js';

const done: Performance = {
  result: { experiment: 'made', values: [1, 2] },
  claims: { grows: { claim: 'It grows.', holds: true, measured: '1, 2' } },
  report: {
    title: 'made',
    tables: [],
    charts: [
      {
        kind: 'lines',
        title: 'It grows, and its title is as wide as its chart',
        width: 300,
        height: 200,
        series: [{ name: 'one', x: [1, 2], y: [1, 2] }],
        x: { title: 'x' },
        y: { title: 'y' },
      },
    ],
    manifest: { seed: 1, seconds: 2.5 },
  },
};

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eigenscape-'));
});

afterEach(async () => {
  vi.doUnmock('@resvg/resvg-js');
  await rm(folder, { recursive: true });
});

async function json(name: string): Promise<unknown> {
  return JSON.parse(await readFile(join(folder, name), 'utf8'));
}

describe('the files of an experiment', () => {
  it('hold numbers and checks, the manifest, and its first chart', async () => {
    const { files, note } = await writeExperiment(done, folder);
    expect(note).toBeUndefined();
    expect((await readdir(folder)).sort()).toEqual(['index.html', ...files].sort());
    expect(await json('result.json')).toEqual({
      experiment: 'made',
      values: [1, 2],
      checks: { grows: { claim: 'It grows.', holds: true, measured: '1, 2' } },
    });
    expect(await json('manifest.json')).toEqual({ seed: 1, seconds: 2.5 });
  });

  it('hold the chart as a PNG of twice its size', async () => {
    await writeExperiment(done, folder);
    const png = await readFile(join(folder, 'figure.png'));
    const svg = await readFile(join(folder, 'figure.svg'), 'utf8');
    const [, width] = /<svg[^>]* width="(\d+)"/.exec(svg) ?? [];
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect(png.readUInt32BE(16)).toBe(2 * Number(width)); // IHDR's width
    expect(Number(width)).toBeLessThan(300 + 120); // the chart, its axis and padding: no white beside it
  });

  it('lack it, with a note that says what to install, where the optional package is absent', async () => {
    vi.doMock('@resvg/resvg-js', () => {
      throw new Error("Cannot find package '@resvg/resvg-js'");
    });
    const { files, note } = await writeExperiment(done, folder);
    expect(note).toContain('npm install @resvg/resvg-js');
    expect(files).toEqual(['result.json', 'manifest.json', 'figure.svg']);
    expect(await readdir(folder)).not.toContain('figure.png');
  });
});
