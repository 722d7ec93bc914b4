// Which of two writers of a file is the last, where the first does not wait for its rename.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it, vi } from 'vitest';

import { replaceFile } from '../../src/data/replace-file.js';
import { temporaryFiles } from './temporary-files.js';

const disk = vi.hoisted(() => ({ renames: 0, release: (): void => undefined }));

vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>();
  const rename: typeof fs.rename = async (from, to) => {
    disk.renames += 1;
    if (disk.renames === 1) {
      await new Promise<void>((resolve) => {
        disk.release = resolve;
      });
    }
    await fs.rename(from, to);
  };
  return { ...fs, rename };
});

const writing = (text: string) => (file: { writeFile(text: string): Promise<void> }) =>
  file.writeFile(text);

it('a call whose rename has begun when it is aborted comes before a later one', async () => {
  const folder = await temporaryFiles({});
  const file = join(folder, 'model');
  const controller = new AbortController();
  const first = replaceFile(file, writing('first'), controller.signal);
  await expect.poll(() => disk.renames).toBe(1);
  controller.abort();
  await expect(first).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  const second = replaceFile(file, writing('second'));
  // The second is written, and waits.
  await expect.poll(() => readdir(folder)).toHaveLength(2);
  disk.release();
  await second;
  expect(await readFile(file, 'utf8')).toBe('second');
  expect(await readdir(folder)).toEqual(['model']);
});
