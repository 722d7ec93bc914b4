// Where results go: made and checked before hours of work, not after them.

import { access, constants, mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { InvalidArgumentError } from 'commander';

/** Makes the folder, and refuses a path at which nothing can be written. */
export async function prepareFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() === false) {
    throw new InvalidArgumentError(`${folder} is no folder; expected one to write into`);
  }
  await mkdir(folder, { recursive: true });
  await access(folder, constants.W_OK);
}

/** Makes the folder of a file, and refuses a path that cannot be written. */
export async function prepareFile(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory() === true) {
    throw new InvalidArgumentError(`${file} is a folder; expected a file to write`);
  }
  if (found === undefined) await prepareFolder(dirname(resolve(file)));
  else await access(file, constants.W_OK);
}
