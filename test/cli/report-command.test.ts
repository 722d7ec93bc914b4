import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { run } from './memory-io.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eigenscape-report-'));
  // The quickest of all: two lines between trajectories.
  await run(['reproduce', 's8', '--out', join(folder, 'runs', 's8')]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Charts number their clipping paths anew in each. */
const withoutClips = (text: string): string => text.replace(/clip\d+/g, 'clip');

const read = (...path: string[]): Promise<string> => readFile(join(folder, ...path), 'utf8');

describe('a run', () => {
  it('has its id and the digest of its data in its manifest', async () => {
    const manifest: unknown = JSON.parse(await read('runs', 's8', 'manifest.json'));
    const digest: unknown = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(manifest).toMatchObject({ id: 's8', 'data, SHA-256': digest });
  });
});

describe('eigenscape report', () => {
  it('draws a run again from its numbers: the same files', async () => {
    await cp(join(folder, 'runs', 's8'), join(folder, 'copy'), { recursive: true });
    for (const name of ['index.html', 'figure.svg']) await rm(join(folder, 'copy', name));
    const { status, stdout, stderr } = await run(['report', join(folder, 'copy')]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/✓ [^]*Report {2}file:[^]*copy.index\.html\n$/);
    for (const name of ['result.json', 'manifest.json', 'index.html', 'figure.svg']) {
      const [before, after] = [await read('runs', 's8', name), await read('copy', name)];
      expect(withoutClips(after) === withoutClips(before), name).toBe(true);
    }
  });

  it('makes the page over all runs of a folder', async () => {
    expect((await run(['report', join(folder, 'runs')])).status).toBe(0);
    expect((await read('runs', 'index.html')).includes('href="s8/index.html"')).toBe(true);
  });

  it('ends with 3 where the numbers do not bear a claim out', async () => {
    const swapped = (await read('copy', 'result.json'))
      .replaceAll('"same":', '"other":')
      .replaceAll('"different":', '"same":')
      .replaceAll('"other":', '"different":');
    await writeFile(join(folder, 'copy', 'result.json'), swapped);
    const { status, stdout } = await run(['report', join(folder, 'copy')]);
    expect(status).toBe(3);
    expect(stdout).toMatch(/✗ From one start every line is flat/);
  });

  it('refuses a folder without runs, numbers of something else, and a damaged file', async () => {
    const empty = await run(['report', tmpdir()]);
    expect(empty.status).toBe(2);
    await writeFile(join(folder, 'copy', 'result.json'), '{"other":1}');
    const other = await run(['report', join(folder, 'copy')]);
    expect(other).toMatchObject({ status: 2, stdout: '' });
    expect(other.stderr).toMatch(/does not hold what s8 of this version draws; run/);
    await writeFile(join(folder, 'copy', 'result.json'), '{"other":');
    const cut = await run(['report', join(folder, 'copy')]);
    expect(cut.stderr).toMatch(/result\.json is damaged: expected a JSON object\n$/);
    const nowhere = await run(['report', join(folder, 'nowhere')]);
    expect(nowhere.status).toBe(2);
  });
});
