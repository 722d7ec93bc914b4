// Whole files in memory, unpacked if they are gzipped, whatever their name says.

import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { constants, gunzip } from 'node:zlib';

import { EigenscapeError } from '../errors.js';
import { describeValue } from '../describe-value.js';

/** A path, or a file: URL. */
export type FilePath = string | URL;

const unpack = promisify(gunzip);

// What readFile takes at most; it also keeps a small gzip file from filling the memory.
const largestFile = 2 ** 31 - 1;

/** The path of `file`, as messages name it.
 *  @throws EigenscapeError ERR_SPEC when it is neither a path nor a file: URL */
export function filePath(file: FilePath): string {
  if (typeof file === 'string' && file !== '') return file;
  if (file instanceof URL && file.protocol === 'file:') return fileURLToPath(file);
  const shown = file instanceof URL ? file.href : describeValue(file);
  throw new EigenscapeError('ERR_SPEC', `The file is ${shown}; expected a path or a file: URL`, {
    details: { name: 'file', value: file },
  });
}

/** All bytes of a file, unpacked if they begin as gzip does (1F 8B).
 *  @param expectedLength the length that the first bytes of the unpacked file promise; only for
 *  the message
 *  @throws EigenscapeError ERR_DATA when the file is absent, unreadable, or its gzip stream cut
 *  or damaged
 *  @internal */
export async function readFileBytes(
  path: string,
  expectedLength: (start: Buffer) => number | undefined = () => undefined,
): Promise<Buffer> {
  const bytes = await readWhole(path).catch((cause: unknown) => {
    throw cause instanceof EigenscapeError ? cause : unreadable(path, cause);
  });
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await unpack(bytes, { maxOutputLength: largestFile });
  } catch (cause) {
    throw await brokenGzip(path, bytes, expectedLength, cause);
  }
}

async function readWhole(path: string): Promise<Buffer> {
  const found = await stat(path);
  // Such as /dev/zero, which has no end.
  if (found.isCharacterDevice() || found.isBlockDevice()) {
    throw new EigenscapeError('ERR_DATA', `${path}: is a device; expected a file`, {
      details: { file: path },
    });
  }
  return readFile(path);
}

export function unreadable(path: string, cause: unknown): EigenscapeError {
  const code = errorCode(cause);
  return new EigenscapeError(
    'ERR_DATA',
    code === 'ENOENT'
      ? `${path}: no such file or directory`
      : `${path}: cannot be read (${code ?? String(cause)})`,
    { cause, details: { file: path, code } },
  );
}

/** @throws EigenscapeError ERR_DATA unless `file` has as many bytes as it should */
export function requireLength(path: string, actual: number, expected: number, why: string): void {
  if (actual === expected) return;
  throw new EigenscapeError(
    'ERR_DATA',
    `${path}: ${actual} bytes; expected ${expected} for ${why}: the file is ` +
      (actual < expected ? 'cut off' : 'followed by something else'),
    { details: { file: path, given: actual, expected } },
  );
}

async function brokenGzip(
  path: string,
  bytes: Buffer,
  expectedLength: (start: Buffer) => number | undefined,
  cause: unknown,
): Promise<EigenscapeError> {
  const code = errorCode(cause);
  if (code === 'ERR_BUFFER_TOO_LARGE') {
    return new EigenscapeError(
      'ERR_DATA',
      `${path}: unpacks to more than ${largestFile} bytes, the most that is read; split the file`,
      { cause, details: { file: path, expected: largestFile } },
    );
  }
  if (code !== 'Z_BUF_ERROR') {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new EigenscapeError(
      'ERR_DATA',
      `${path}: the gzip stream of ${bytes.length} bytes is damaged (${reason}); fetch the file ` +
        'again',
      { cause, details: { file: path, packedBytes: bytes.length, reason } },
    );
  }
  // What is there is unpacked only to be counted.
  const start = await unpack(bytes, {
    finishFlush: constants.Z_SYNC_FLUSH,
    maxOutputLength: largestFile,
  }).catch(() => Buffer.alloc(0));
  const expected = expectedLength(start);
  return new EigenscapeError(
    'ERR_DATA',
    `${path}: the gzip stream breaks off: its ${bytes.length} bytes unpack to ${start.length} ` +
      `bytes; expected ${expected === undefined ? 'a complete stream' : `${expected} bytes`}; ` +
      'fetch the file again',
    { cause, details: { file: path, packedBytes: bytes.length, given: start.length, expected } },
  );
}

function errorCode(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string'
    ? cause.code
    : undefined;
}
