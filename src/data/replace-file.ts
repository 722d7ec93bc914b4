// A file replaced as a whole: the new one is written beside it, made durable, and renamed over it.

import { createHash, randomBytes } from 'node:crypto';
import { access, constants, open, readdir, realpath, rename, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

import { EigenscapeError } from '../errors.js';
import { throwIfAborted, untilAborted } from '../long-call.js';

/** At every moment, that of a crash included, `path` is the old file or the whole new one. What a killed
 *  writer left beside it is removed by the next.
 *
 *  An abort rejects at once, whatever the disk is doing, which nothing interrupts (fsync): the draft is
 *  removed when that is done. Where its rename has begun it comes to its end, before that of any later
 *  call of this process.
 *  @param write fills the new file
 *  @throws EigenscapeError (rejects) ERR_FILE when the file cannot be written, ERR_ABORTED; what `write`
 *  throws. The old file is then as it was, unless the draft's rename had begun */
export async function replaceFile(
  path: string,
  write: (file: FileHandle) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  throwIfAborted(signal);
  try {
    await untilAborted(replaceWhole(path, write, signal), signal);
  } catch (error) {
    throw error instanceof EigenscapeError ? error : unwritable(path, error);
  }
}

/** Whether {@link replaceFile} can be expected to succeed: its folder exists and may be written.
 *  @throws EigenscapeError (rejects) ERR_FILE, ERR_ABORTED */
export async function requireWritable(path: string, signal?: AbortSignal): Promise<void> {
  const check = async () => access(dirname(await targetOf(path)), constants.W_OK | constants.X_OK);
  try {
    await untilAborted(check(), signal);
  } catch (error) {
    throw error instanceof EigenscapeError ? error : unwritable(path, error);
  }
}

/** What {@link replaceFile} does; an abort stops it between two steps only. */
async function replaceWhole(
  path: string,
  write: (file: FileHandle) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const target = await targetOf(path);
  const folder = dirname(target);
  const drafts = draftsOf(basename(target));
  await removeLeftovers(folder, drafts);
  throwIfAborted(signal);
  const draft = join(folder, drafts.name);
  await writeDraft(draft, target, write);
  await inTurn(target, () => placeDraft(draft, target, signal));
}

/** Leaves a whole draft, which the disk has, or none. */
async function writeDraft(
  draft: string,
  target: string,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const mode = (await statOf(target))?.mode;
  const file = await open(draft, 'wx');
  try {
    try {
      // Whoever could read the old file can read the new one.
      if (mode !== undefined) await file.chmod(mode & 0o777);
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await removeDraft(draft);
    throw error;
  }
}

/** The last placement of each file that is under way. */
const placements = new Map<string, Promise<void>>();

/** After those that began before: callers that were aborted wait for theirs no longer. */
async function inTurn(target: string, place: () => Promise<void>): Promise<void> {
  const mine = (placements.get(target) ?? Promise.resolve()).then(place);
  const settled = mine.catch(() => undefined);
  placements.set(target, settled);
  await settled;
  if (placements.get(target) === settled) placements.delete(target);
  await mine;
}

/** Renames the draft over the target: slow where the file system frees the old file's blocks. */
async function placeDraft(
  draft: string,
  target: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    // The caller may have left meanwhile.
    throwIfAborted(signal);
    await rename(draft, target);
  } catch (error) {
    await removeDraft(draft);
    throw error;
  }
  await makeDurable(dirname(target));
}

/** Best effort: without a folder any more there is no draft either. */
async function removeDraft(draft: string): Promise<void> {
  await unlink(draft).catch(() => undefined);
}

/** The file that a link leads to, since a rename would replace the link: one name for each file. */
async function targetOf(path: string): Promise<string> {
  const found = await statOf(path);
  if (found === undefined) return join(await realpath(dirname(path)), basename(path));
  if (found.isFile()) return realpath(path);
  throw new EigenscapeError(
    'ERR_FILE',
    `${path}: is a ${found.isDirectory() ? 'folder' : 'device or a pipe'}; expected a file to write`,
    { details: { file: path } },
  );
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

interface Drafts {
  /** Of the draft to be written. */
  readonly name: string;
  /** How the names of all drafts of the same file begin. */
  readonly prefix: string;
  /** How those begin that a process of this machine (or container) writes. */
  readonly here: string;
}

/** `.eigenscape-<file>-<machine>-<process>-<random>.tmp`; digests keep any name short enough. */
function draftsOf(file: string): Drafts {
  const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12);
  const prefix = `.eigenscape-${digest(file)}-`;
  const here = `${prefix}${digest(hostname())}-`;
  return { name: `${here}${process.pid}-${randomBytes(6).toString('hex')}.tmp`, prefix, here };
}

const dayMs = 24 * 3600 * 1000;

/** Removes drafts whose writers are gone. Best effort: another writer may be doing the same. */
async function removeLeftovers(folder: string, { prefix, here }: Drafts): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const draft = join(folder, name);
    const written = (await statOf(draft))?.mtimeMs ?? Infinity;
    const writer = name.startsWith(here) ? Number.parseInt(name.slice(here.length), 10) : undefined;
    if (isGone(writer, written)) await removeDraft(draft);
  }
}

/** Whether the process that last wrote at `written` does so no more.
 *  @param writer its id; undefined on another machine, where only its silence tells */
function isGone(writer: number | undefined, written: number): boolean {
  if (writer === undefined) return written < Date.now() - dayMs;
  // In a container ids repeat: an older process had ours. (A second for file systems' coarse clocks.)
  if (writer === process.pid) return written < Date.now() - 1000 * (process.uptime() + 1);
  try {
    process.kill(writer, 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

/** The rename itself survives a power cut only when the folder is written too. */
async function makeDurable(folder: string): Promise<void> {
  // Windows opens no folders.
  if (process.platform === 'win32') return;
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch (error) {
    // Some network file systems know no fsync of folders; some folders may be written, but not read.
    if (!['EINVAL', 'ENOTSUP', 'EACCES'].includes(codeOf(error) ?? '')) throw error;
  } finally {
    await handle?.close();
  }
}

/** An error of the file system as ERR_FILE; others as they are. */
export function unwritable(path: string, cause: unknown): unknown {
  const code = codeOf(cause);
  if (code === undefined) return cause;
  const reason =
    code === 'ENOENT'
      ? `its folder ${dirname(path)} does not exist`
      : cause instanceof Error
        ? cause.message
        : code;
  return new EigenscapeError('ERR_FILE', `${path}: cannot be written: ${reason}`, {
    cause,
    details: { file: path, code },
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}
