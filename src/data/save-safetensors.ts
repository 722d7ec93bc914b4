// Tensors into a safetensors file, in one pass: the digest of what was written goes into the header,
// which is written last.

import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

import { throwIfAborted } from '../long-call.js';
import { replaceFile } from './replace-file.js';
import {
  digestKey,
  formatHeader,
  lengthBytes,
  noDigest,
  pieceBytes,
  requireLittleEndian,
} from './safetensors-header.js';
import type { SafetensorsType } from './safetensors-header.js';

/** A tensor to be written, F64, F32 or I64 by its array. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float64Array | Float32Array | BigInt64Array;
}

/** Replaces a file as a whole: whoever reads it meanwhile sees the old one or the new one.
 *  @param tensors are read while this runs, and must not change
 *  @throws EigenscapeError (rejects) ERR_FILE when it cannot be written, ERR_SPEC when two tensors have
 *  one name, ERR_ABORTED; the old file is then as it was, unless the new one
 *  was being put in its place */
export async function saveSafetensors(
  path: string,
  tensors: readonly NamedTensor[],
  metadata: ReadonlyMap<string, string>,
  signal?: AbortSignal,
): Promise<void> {
  requireLittleEndian();
  // Wide elements first, so that all are aligned.
  const ordered = tensors.toSorted((a, b) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const entries = ordered.map(({ name, shape, data }) => ({ name, shape, type: typeOf(data) }));
  const header = formatHeader(entries, new Map([[digestKey, noDigest], ...metadata]));
  const fill = async (file: FileHandle): Promise<void> => {
    const hash = createHash('sha256').update(header.subarray(lengthBytes));
    let position = header.length;
    for (const piece of piecesOf(ordered)) {
      throwIfAborted(signal);
      hash.update(piece);
      await write(file, piece, position);
      position += piece.length;
    }
    header.write(hash.digest('hex'), header.indexOf(noDigest));
    await write(file, header, 0);
  };
  await replaceFile(path, fill, signal);
}

function typeOf(data: NamedTensor['data']): SafetensorsType {
  if (data instanceof Float64Array) return 'F64';
  return data instanceof Float32Array ? 'F32' : 'I64';
}

function* piecesOf(tensors: readonly NamedTensor[]): Generator<Uint8Array> {
  for (const { data } of tensors) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
      yield bytes.subarray(offset, offset + pieceBytes);
    }
  }
}

async function write(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const left = bytes.length - done;
    const { bytesWritten } = await file.write(bytes, done, left, position + done);
    done += bytesWritten;
  }
}
