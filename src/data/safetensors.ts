// Tensors from safetensors files. Own code: the npm package of that name (0.0.1) is a
// placeholder, and @huggingface/hub reads only headers, over HTTP.

import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { EigenscapeError } from '../errors.js';
import { throwIfAborted } from '../long-call.js';
import { requireMemory } from '../memory.js';
import { longCallEntries, optionsOf, parseOptions } from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { filePath, unreadable } from './file-bytes.js';
import type { FilePath } from './file-bytes.js';
import { fromBfloat16, fromFloat16 } from './narrow-floats.js';
import {
  damaged,
  digestKey,
  lengthBytes,
  longestHeader,
  noDigest,
  parseHeader,
  pieceBytes,
  requireLittleEndian,
} from './safetensors-header.js';
import type { SafetensorsType } from './safetensors-header.js';
import type { NumericArray } from './sample-rows.js';

/** A tensor in row-major order, with the type that it has in the file. */
export interface SafetensorsTensor {
  readonly type: SafetensorsType;
  readonly shape: readonly number[];
  readonly data: NumericArray;
}

/** A safetensors file, read whole. */
export interface Safetensors {
  /** By name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
  /** The texts under `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** How elements are held: as the file has them, or through a function from their bits. */
type Holder =
  | { readonly make: (length: number) => NumericArray }
  | { readonly widen: (bits: number) => number };

const holders: Readonly<Record<SafetensorsType, Holder>> = {
  F64: { make: (length) => new Float64Array(length) },
  F32: { make: (length) => new Float32Array(length) },
  F16: { widen: fromFloat16 },
  BF16: { widen: fromBfloat16 },
  I64: { make: (length) => new BigInt64Array(length) },
  U64: { make: (length) => new BigUint64Array(length) },
  I32: { make: (length) => new Int32Array(length) },
  U32: { make: (length) => new Uint32Array(length) },
  I16: { make: (length) => new Int16Array(length) },
  U16: { make: (length) => new Uint16Array(length) },
  I8: { make: (length) => new Int8Array(length) },
  U8: { make: (length) => new Uint8Array(length) },
  BOOL: { make: (length) => new Uint8Array(length) },
};

/** Options of {@link loadSafetensors}; progress counts bytes. */
export type LoadSafetensorsOptions = Pick<LongCallOptions, 'signal' | 'onProgress'>;

const optionsSchema = optionsOf({
  signal: longCallEntries.signal,
  onProgress: longCallEntries.onProgress,
});

/** All tensors of a safetensors file, as PyTorch's `safetensors.torch.save_file` writes them, each with
 *  its exact values: F16 and BF16 become Float32Array, I64 BigInt64Array, BOOL Uint8Array.
 *  @throws EigenscapeError (rejects) ERR_DATA when the file is absent, cut, damaged, or holds other
 *  types of elements; the message names the file and the tensor; ERR_ABORTED
 *  @example const { tensors } = await loadSafetensors('model.safetensors');
 *  tensors.get('fc1.weight') // { type: 'F32', shape: [30, 100], data: Float32Array(3000) } */
export async function loadSafetensors(
  file: FilePath,
  options: LoadSafetensorsOptions = {},
): Promise<Safetensors> {
  const path = filePath(file);
  const { signal, onProgress } = parseOptions('loadSafetensors', optionsSchema, options);
  throwIfAborted(signal);
  requireLittleEndian();
  const handle = await openFile(path);
  try {
    return await readTensors(path, handle, { signal, onProgress });
  } catch (error) {
    throw error instanceof EigenscapeError ? error : unreadable(path, error);
  } finally {
    await handle.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    // Opening a pipe or a device could wait for ever.
    const found = await stat(path);
    if (found.isFile()) return await open(path, 'r');
  } catch (cause) {
    throw unreadable(path, cause);
  }
  throw damaged(path, 'is a folder, a pipe or a device; expected a file');
}

async function readTensors(
  path: string,
  handle: FileHandle,
  { signal, onProgress }: LoadSafetensorsOptions,
): Promise<Safetensors> {
  const { size } = await handle.stat();
  const headerBytes = await readHeader(path, handle, size);
  const dataStart = lengthBytes + headerBytes.length;
  const header = parseHeader(path, headerBytes, size - dataStart);
  const types = header.tensors.map(({ type }) => type);
  // Half floats take twice their bytes.
  const factor = types.some((type) => 'widen' in holders[type]) ? 2 : 1;
  requireMemory(
    factor * (size - dataStart),
    `${path}: its tensors`,
    'free some, or split the file',
  );

  const digest = header.metadata.get(digestKey);
  const hash = createHash('sha256').update(headerBytes.toString().replace(digest ?? '', noDigest));
  const tensors = new Map<string, SafetensorsTensor>();
  for (const { name, type, shape, begin, end } of header.tensors) {
    const target = holderOf(type, end - begin);
    for (let offset = 0; offset < end - begin; offset += pieceBytes) {
      const bytes = Math.min(pieceBytes, end - begin - offset);
      const piece = target.piece(offset, bytes);
      throwIfAborted(signal);
      await readExactly(path, handle, piece, dataStart + begin + offset);
      if (digest !== undefined) hash.update(piece);
      target.take(offset, piece);
      const done = begin + offset + bytes;
      onProgress?.({ stage: 'reading', done, total: size - dataStart, secondsLeft: undefined });
    }
    if (type === 'BOOL') requireBits(path, name, target.data);
    tensors.set(name, { type, shape, data: target.data });
  }
  if (digest !== undefined && hash.digest('hex') !== digest) {
    throw damaged(
      path,
      `its bytes do not have the digest that it was saved with: the file is damaged, or another ` +
        `program changed it and kept '${digestKey}'`,
      { details: { digest } },
    );
  }
  return { tensors, metadata: header.metadata };
}

async function readHeader(path: string, handle: FileHandle, size: number): Promise<Buffer> {
  const start = Buffer.alloc(Math.min(size, lengthBytes + 1));
  await readExactly(path, handle, start, 0);
  const foreign = [
    { begin: 'PK\x03\x04', name: 'a zip archive, as torch.save and numpy.savez write' },
    { begin: '\x80', name: 'a Python pickle, which is never read' },
    { begin: '\x93NUMPY', name: 'an npy file' },
  ].find(({ begin }) => start.toString('latin1').startsWith(begin));
  if (foreign !== undefined && start.at(lengthBytes) !== 0x7b) {
    throw damaged(
      path,
      `is ${foreign.name}; expected a safetensors file, as safetensors.torch.save_file writes`,
    );
  }
  if (size < lengthBytes) {
    throw damaged(path, `${size} bytes; expected at least ${lengthBytes}: the file is cut off`, {
      details: { actual: size, expected: lengthBytes },
    });
  }
  const length = start.readBigUInt64LE();
  if (length > BigInt(Math.min(size - lengthBytes, longestHeader))) {
    throw damaged(
      path,
      `the header should have ${length} bytes, but ` +
        (length > longestHeader
          ? `at most ${longestHeader} are read: this is no safetensors file, or it is damaged`
          : `the file ends ${size - lengthBytes} bytes after its length: the file is cut off`),
      { details: { length: Number(length), actual: size } },
    );
  }
  const header = Buffer.alloc(Number(length));
  await readExactly(path, handle, header, lengthBytes);
  return header;
}

async function readExactly(
  path: string,
  handle: FileHandle,
  target: Uint8Array,
  position: number,
): Promise<void> {
  for (let done = 0; done < target.length;) {
    const left = target.length - done;
    const { bytesRead } = await handle.read(target, done, left, position + done);
    if (bytesRead === 0) throw damaged(path, 'the file was cut off while it was read');
    done += bytesRead;
  }
}

/** Where a tensor's bytes go, piece by piece: into the array itself, or through a scratch. */
function holderOf(type: SafetensorsType, bytes: number) {
  const holder = holders[type];
  if ('make' in holder) {
    const one = holder.make(1).BYTES_PER_ELEMENT;
    const data = holder.make(bytes / one);
    const piece = (offset: number, length: number) => new Uint8Array(data.buffer, offset, length);
    return { data, piece, take: () => undefined };
  }
  const data = new Float32Array(bytes / 2);
  const scratch = new Uint16Array(Math.min(bytes, pieceBytes) / 2);
  const piece = (_: number, length: number) => new Uint8Array(scratch.buffer, 0, length);
  const take = (offset: number, { length }: Uint8Array): void => {
    data.set(Float32Array.from(scratch.subarray(0, length / 2), holder.widen), offset / 2);
  };
  return { data, piece, take };
}

function requireBits(path: string, name: string, data: NumericArray): void {
  const bad = Array.prototype.findIndex.call(data, (byte) => byte > 1);
  if (bad < 0) return;
  throw damaged(
    path,
    `tensor '${name}' of type BOOL has the byte ${data[bad]} at ${bad}; expected 0 or 1`,
  );
}
