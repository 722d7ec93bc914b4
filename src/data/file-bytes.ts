// Whole files in memory, unpacked if they are gzipped, whatever their name says.

import { readFile, stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { constants, createGunzip } from 'node:zlib';
import type { ZlibOptions } from 'node:zlib';

import { EigenscapeError } from '../errors.js';
import { describeValue } from '../describe-value.js';
import { throwIfAborted } from '../long-call.js';

/** A path, or a file: URL. */
export type FilePath = string | URL;

// What readFile takes at most; it also keeps a small gzip file from filling the memory.
const largestFile = 2 ** 31 - 1;

/** Bytes that are unpacked, or copied, before the event loop turns. */
const atOnce = 2 ** 18;

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

/** How {@link readFileBytes} reads. */
export interface ReadBytesOptions {
  /** The length that the first bytes of the unpacked file promise; only for the message. */
  readonly expectedLength?: (start: Buffer) => number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** All bytes of a file, unpacked if they begin as gzip does (1F 8B).
 *  @throws EigenscapeError ERR_DATA when the file is absent, unreadable, or its gzip stream cut
 *  or damaged; ERR_ABORTED
 *  @internal */
export async function readFileBytes(
  path: string,
  { expectedLength = () => undefined, signal }: ReadBytesOptions = {},
): Promise<Buffer> {
  throwIfAborted(signal);
  const bytes = await readWhole(path, signal).catch((cause: unknown) => {
    throwIfAborted(signal);
    throw cause instanceof EigenscapeError ? cause : unreadable(path, cause);
  });
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await unpack(path, bytes, signal);
  } catch (cause) {
    if (cause instanceof EigenscapeError) throw cause;
    throw await brokenGzip(path, bytes, { expectedLength, signal }, cause);
  }
}

async function readWhole(path: string, signal: AbortSignal | undefined): Promise<Buffer> {
  const found = await stat(path);
  // Such as /dev/zero, which has no end.
  if (found.isCharacterDevice() || found.isBlockDevice()) {
    throw new EigenscapeError('ERR_DATA', `${path}: is a device; expected a file`, {
      details: { file: path },
    });
  }
  return readFile(path, { signal });
}

/** What zlib's own gunzip does, whose last act is to join all pieces at once. */
async function unpack(
  path: string,
  bytes: Buffer,
  signal: AbortSignal | undefined,
  options?: ZlibOptions,
): Promise<Buffer> {
  const unpacker = createGunzip({ chunkSize: atOnce, ...options });
  unpacker.end(bytes);
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of unpacker as AsyncIterable<Buffer>) {
    throwIfAborted(signal);
    pieces.push(piece);
    length += piece.length;
    if (length > largestFile) throw tooLarge(path);
  }
  const whole = Buffer.allocUnsafeSlow(length);
  let place = 0;
  for (const piece of pieces) {
    whole.set(piece, place);
    place += piece.length;
    await setImmediate();
    throwIfAborted(signal);
  }
  return whole;
}

function tooLarge(path: string): EigenscapeError {
  return new EigenscapeError(
    'ERR_DATA',
    `${path}: unpacks to more than ${largestFile} bytes, the most that is read; split the file`,
    { details: { file: path, expected: largestFile } },
  );
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
  { expectedLength, signal }: Required<ReadBytesOptions>,
  cause: unknown,
): Promise<EigenscapeError> {
  const code = errorCode(cause);
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
  const start = await unpack(path, bytes, signal, { finishFlush: constants.Z_SYNC_FLUSH }).catch(
    () => {
      throwIfAborted(signal);
      return Buffer.alloc(0);
    },
  );
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
