import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { piecesOnDisk } from '../../src/cli/pieces-on-disk.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eigenscape-pieces-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const choices = { experiment: 's7', seed: 1 };

describe('pieces of an interrupted experiment', () => {
  it('are measured once and read again when the run is resumed', async () => {
    const measure = vi.fn(() => Promise.resolve({ largest: [1, 2.5] }));
    const first = await piecesOnDisk(folder, { choices, resume: false });
    expect(await first.piece('a', measure)).toEqual({ largest: [1, 2.5] });
    const second = await piecesOnDisk(folder, { choices, resume: true });
    expect(await second.piece('a', measure)).toEqual({ largest: [1, 2.5] });
    expect(measure).toHaveBeenCalledTimes(1);
  });

  it('of other choices, of a damaged file or without resume are measured anew', async () => {
    const measure = vi.fn(() => Promise.resolve(7));
    await (await piecesOnDisk(folder, { choices, resume: false })).piece('a', measure);
    const others = await piecesOnDisk(folder, { choices: { ...choices, seed: 2 }, resume: true });
    await others.piece('a', measure);
    await writeFile(join(folder, 'pieces', 'a.json'), '{"key":');
    await (await piecesOnDisk(folder, { choices, resume: true })).piece('a', measure);
    await (await piecesOnDisk(folder, { choices, resume: false })).piece('a', measure);
    expect(measure).toHaveBeenCalledTimes(4);
  });

  it('are gone when the run is whole', async () => {
    const { piece, clear } = await piecesOnDisk(folder, { choices, resume: false });
    await piece('a', () => Promise.resolve(1));
    expect(await readdir(join(folder, 'pieces'))).toEqual(['a.json']);
    await clear();
    expect(await readdir(folder)).toEqual([]);
  });
});
