// A file whose inputs stay where they are: what it is now, so that another one is refused later, and how
// it begins.

import { open, stat } from 'node:fs/promises';

import { EigenscapeError } from '../errors.js';
import { callEngine } from '../long-call.js';
import { addon } from '../native.js';
import type { NativeStoredRows, RowsHandle } from '../native.js';
import { unreadable } from './file-bytes.js';

export interface StoredFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Time of modification, in nanoseconds. */
  readonly modified: bigint;
  /** The first bytes, as many as were asked for if there are so many. */
  readonly start: Buffer;
}

/** @throws EigenscapeError ERR_DATA when the file is absent, unreadable, no plain file, or gzipped */
export async function openStored(path: string, startLength: number): Promise<StoredFile> {
  const found = await inspect(path, startLength).catch((cause: unknown) => {
    throw cause instanceof EigenscapeError ? cause : unreadable(path, cause);
  });
  if (found.start[0] !== 0x1f || found.start[1] !== 0x8b) return found;
  throw new EigenscapeError(
    'ERR_DATA',
    `${path}: is gzipped, and what is packed cannot be read in pieces; unpack it (gunzip -k), or load it ` +
      'without stream: true',
    { details: { file: path } },
  );
}

async function inspect(path: string, startLength: number): Promise<StoredFile> {
  // Looked at before it is opened: to open a pipe is to wait for its other end.
  if (!(await stat(path)).isFile()) throw notPlain(path);
  const file = await open(path);
  try {
    const { size, mtimeNs } = await file.stat({ bigint: true });
    const start = Buffer.alloc(Math.min(startLength, Number(size)));
    const { bytesRead } = await file.read(start, 0, start.length, 0);
    return { path, size: Number(size), modified: mtimeNs, start: start.subarray(0, bytesRead) };
  } finally {
    await file.close();
  }
}

function notPlain(path: string): EigenscapeError {
  return new EigenscapeError(
    'ERR_DATA',
    `${path}: is no plain file, so it cannot be streamed; load it without stream: true`,
    {
      details: { file: path },
    },
  );
}

/** Where the rows of one file are. */
export interface StoredPart {
  readonly file: StoredFile;
  /** Of the first row. */
  readonly offset: number;
  readonly count: number;
}

// The engine numbers rows in 32 bits.
const mostRows = 2 ** 32 - 1;

/** Opens the files for the engine, which keeps them open.
 *  @throws EigenscapeError ERR_DATA when one was changed since it was looked at, or there are too many rows */
export function storedRows(
  format: Omit<NativeStoredRows, 'parts'>,
  parts: readonly StoredPart[],
): RowsHandle {
  const rows = parts.reduce((sum, { count }) => sum + count, 0);
  if (rows > mostRows) {
    throw new EigenscapeError(
      'ERR_DATA',
      `${parts[0]?.file.path}: ${rows} samples; at most ${mostRows} can be streamed`,
      { details: { rows, expected: mostRows } },
    );
  }
  return callEngine(() =>
    addon().openRows({
      ...format,
      parts: parts.map(({ file: { path, size, modified }, offset, count }) => {
        return { path, size, modified, offset, count };
      }),
    }),
  );
}
