import {
  chmod,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';

import { expect, it } from 'vitest';

import { replaceFile } from '../../src/data/replace-file.js';
import { refusal } from './refusal.js';
import { temporaryFiles } from './temporary-files.js';

const writing = (text: string) => (file: { writeFile(text: string): Promise<void> }) =>
  file.writeFile(text);

it('replaces a file, keeps its mode, and leaves nothing beside it', async () => {
  const folder = await temporaryFiles({ model: 'old' });
  await chmod(join(folder, 'model'), 0o640);
  await replaceFile(join(folder, 'model'), writing('new'));
  expect(await readFile(join(folder, 'model'), 'utf8')).toBe('new');
  expect((await stat(join(folder, 'model'))).mode & 0o777).toBe(0o640);
  expect(await readdir(folder)).toEqual(['model']);
});

it('keeps the old file when writing fails, with what was thrown', async () => {
  const folder = await temporaryFiles({ model: 'old' });
  const failing = replaceFile(join(folder, 'model'), async (file) => {
    await file.writeFile('half');
    throw new RangeError('stopped');
  });
  await expect(failing).rejects.toThrow(new RangeError('stopped'));
  expect(await readFile(join(folder, 'model'), 'utf8')).toBe('old');
  expect(await readdir(folder)).toEqual(['model']);
});

it('does not wait for the disk when it is aborted, and removes the draft afterwards', async () => {
  const folder = await temporaryFiles({ model: 'old' });
  const file = join(folder, 'model');
  const controller = new AbortController();
  let diskIsDone: () => void = () => undefined;
  const slow = replaceFile(
    file,
    async (draft) => {
      await draft.writeFile('never');
      draft.sync = () => {
        controller.abort();
        return new Promise((resolve) => {
          diskIsDone = resolve;
        });
      };
    },
    controller.signal,
  );
  await expect(slow).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  expect(await readFile(file, 'utf8')).toBe('old');
  await replaceFile(file, writing('newer'));
  expect(await readdir(folder)).toHaveLength(2);
  diskIsDone();
  await expect.poll(() => readdir(folder)).toEqual(['model']);
  expect(await readFile(file, 'utf8')).toBe('newer');
});

it.each(['before', 'while the draft is written'])(
  'keeps the old file when aborted %s',
  async (when) => {
    const folder = await temporaryFiles({ model: 'old' });
    const controller = new AbortController();
    if (when === 'before') controller.abort();
    const call = replaceFile(
      join(folder, 'model'),
      async (draft) => {
        await draft.writeFile('half');
        controller.abort();
      },
      controller.signal,
    );
    await expect(call).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    await expect.poll(() => readdir(folder)).toEqual(['model']);
    expect(await readFile(join(folder, 'model'), 'utf8')).toBe('old');
  },
);

it('writes through a link, and keeps the link', async () => {
  const folder = await temporaryFiles({ model: 'old' });
  await symlink('model', join(folder, 'latest'));
  await replaceFile(join(folder, 'latest'), writing('new'));
  expect(await readFile(join(folder, 'model'), 'utf8')).toBe('new');
  expect((await readdir(folder)).sort()).toEqual(['latest', 'model']);
});

it('takes a name of 255 bytes', async () => {
  const folder = await temporaryFiles({});
  const name = 'x'.repeat(255);
  await replaceFile(join(folder, name), writing('new'));
  expect(await readdir(folder)).toEqual([name]);
});

it('lets many write at once; one of them is the last, whole', async () => {
  const folder = await temporaryFiles({});
  const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(1e5));
  await Promise.all(texts.map((text) => replaceFile(join(folder, 'model'), writing(text))));
  expect(texts).toContain(await readFile(join(folder, 'model'), 'utf8'));
  expect(await readdir(folder)).toEqual(['model']);
});

it('removes what killed writers left, and nothing of living ones', async () => {
  const folder = await temporaryFiles({});
  const file = join(folder, 'model');
  let draft = '';
  await replaceFile(file, async () => {
    draft = (await readdir(folder)).find((name) => name.endsWith('.tmp')) ?? '';
  });
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const by = (pid: number) => draft.replace(`-${process.pid}-`, `-${pid}-`);
  const elsewhere = draft.replace(/-[0-9a-f]+-(\d+-)/, '-000000000000-$1');
  const left = {
    dead: by(dead),
    // Init lives as long as we do.
    living: by(1),
    ours: draft,
    oursBefore: draft.replace('.tmp', '0.tmp'),
    elsewhere,
    elsewhereBefore: elsewhere.replace('.tmp', '0.tmp'),
    otherFile: '.eigenscape-other.tmp',
  };
  expect(new Set(Object.values(left)).size).toBe(7);
  for (const name of Object.values(left)) await writeFile(join(folder, name), '');
  const [twoDays, longAgo] = [Date.now() / 1000 - 2 * 86400, 1e9];
  await utimes(join(folder, left.elsewhereBefore), twoDays, twoDays);
  await utimes(join(folder, left.oursBefore), longAgo, longAgo);
  await replaceFile(file, writing('new'));
  const kept = ['model', left.living, left.ours, left.elsewhere, left.otherFile];
  expect(new Set(await readdir(folder))).toEqual(new Set(kept));
});

it('refuses a missing folder, a folder and a device', async () => {
  const folder = await temporaryFiles({});
  const absent = join(folder, 'absent', 'model');
  await expect(replaceFile(absent, writing('x'))).rejects.toEqual(
    refusal('ERR_FILE', /absent\/model: cannot be written: its folder .*absent does not exist/, {
      code: 'ENOENT',
    }),
  );
  await mkdir(join(folder, 'directory'));
  await expect(replaceFile(join(folder, 'directory'), writing('x'))).rejects.toEqual(
    refusal('ERR_FILE', /directory: is a folder; expected a file/),
  );
  await expect(replaceFile('/dev/null', writing('x'))).rejects.toEqual(
    refusal('ERR_FILE', /\/dev\/null: is a device or a pipe/),
  );
  expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
});
