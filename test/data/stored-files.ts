// Small files in the formats that can be streamed.

import { Buffer } from 'node:buffer';

import { createRandom } from '../../src/data/random.js';

export function randomBytes(count: number, seed: number): Uint8Array {
  const random = createRandom(seed);
  return Uint8Array.from({ length: count }, () => Math.floor(256 * random.uniform()));
}

/** IDX images and labels of `classes` classes. */
export function idxPair(count: number, rows: number, columns: number, classes: number) {
  const header = (magic: number, ...extents: number[]): Buffer => {
    const bytes = Buffer.alloc(4 + 4 * extents.length);
    [magic, ...extents].forEach((value, place) => bytes.writeUInt32BE(value, 4 * place));
    return bytes;
  };
  const labels = randomBytes(count, 2).map((byte) => byte % classes);
  return {
    images: Buffer.concat([
      header(0x803, count, rows, columns),
      randomBytes(count * rows * columns, 1),
    ]),
    labels: Buffer.concat([header(0x801, count), labels]),
  };
}

/** CIFAR-10 records. */
export function cifarRecords(count: number, seed: number): Uint8Array {
  const bytes = randomBytes(count * 3073, seed);
  for (let record = 0; record < count; record++) bytes[record * 3073] = record % 10;
  return bytes;
}

/** An npy file of version 1. */
export function npyFile(
  descr: string,
  shape: readonly number[],
  body: Uint8Array,
  order: 'C' | 'Fortran' = 'C',
): Buffer {
  const tuple = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
  const fortran = order === 'Fortran' ? 'True' : 'False';
  const dict = `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${tuple}, }`;
  const text = `${dict.padEnd(117)}\n`;
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length, 0]);
  return Buffer.concat([start, Buffer.from(text, 'latin1'), body]);
}

/** Bytes of a typed array; in the other order where `swapped`. */
export function bytesOf(array: NodeJS.TypedArray, swapped = false): Uint8Array {
  const bytes = Buffer.from(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  if (!swapped) return bytes;
  for (let start = 0; start < bytes.length; start += array.BYTES_PER_ELEMENT) {
    bytes.subarray(start, start + array.BYTES_PER_ELEMENT).reverse();
  }
  return bytes;
}
