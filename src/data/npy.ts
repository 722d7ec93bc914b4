// Arrays from npy files. Own reader: npyjs 1.2 ignores fortran_order and trailing bytes, refuses
// big-endian files, and parses the header by searching in it.

import { endianness } from 'node:os';

import { EigenscapeError } from '../errors.js';
import { filePath, readFileBytes, requireLength } from './file-bytes.js';
import type { FilePath } from './file-bytes.js';
import { fromFloat16 } from './narrow-floats.js';
import { parseNpyHeader } from './npy-header.js';
import type { NpyHeader } from './npy-header.js';
import type { NumericArray } from './sample-rows.js';

/** An array in row-major order, whatever the order in the file. */
export interface NpyArray {
  readonly data: NumericArray;
  readonly shape: readonly number[];
}

interface Element {
  readonly bytes: number;
  /** The elements of a buffer that holds nothing else, in this machine's byte order. */
  readonly view: (buffer: ArrayBuffer) => NumericArray;
}

const elements: ReadonlyMap<string, Element> = new Map<string, Element>([
  ['b1', { bytes: 1, view: (buffer) => new Uint8Array(buffer) }],
  ['i1', { bytes: 1, view: (buffer) => new Int8Array(buffer) }],
  ['u1', { bytes: 1, view: (buffer) => new Uint8Array(buffer) }],
  ['i2', { bytes: 2, view: (buffer) => new Int16Array(buffer) }],
  ['u2', { bytes: 2, view: (buffer) => new Uint16Array(buffer) }],
  ['i4', { bytes: 4, view: (buffer) => new Int32Array(buffer) }],
  ['u4', { bytes: 4, view: (buffer) => new Uint32Array(buffer) }],
  ['i8', { bytes: 8, view: (buffer) => new BigInt64Array(buffer) }],
  ['u8', { bytes: 8, view: (buffer) => new BigUint64Array(buffer) }],
  ['f2', { bytes: 2, view: (buffer) => Float32Array.from(new Uint16Array(buffer), fromFloat16) }],
  ['f4', { bytes: 4, view: (buffer) => new Float32Array(buffer) }],
  ['f8', { bytes: 8, view: (buffer) => new Float64Array(buffer) }],
]);

/** An array saved by `numpy.save`, gzipped or not, as `createDataset` takes it.
 *
 *  All integers, floats and booleans, of either byte order. int64 becomes BigInt64Array, uint64
 *  BigUint64Array, float16 Float32Array, bool Uint8Array; each element keeps its value exactly,
 *  NaN too. Column-major files (fortran_order) are put into row-major order.
 *  @throws EigenscapeError (rejects) ERR_DATA when the file is absent, cut, damaged, longer than
 *  its shape says, or holds objects, text, complex numbers or records; the message names the file
 *  @example createDataset({ inputs: await loadNpy('x.npy'), targets: await loadNpy('y.npy') }) */
export async function loadNpy(file: FilePath): Promise<NpyArray> {
  const path = filePath(file);
  const bytes = await readFileBytes(path, (start) => expectedLength(path, start));
  const header = parseNpyHeader(path, bytes);
  const { shape, dataOffset } = header;
  const element = elementOf(path, header.descr);
  const why = `shape (${shape.join(', ')}) of '${header.descr}'`;
  requireLength(path, bytes.length, totalLength(header, element), why);

  const body = new Uint8Array(bytes.subarray(dataOffset));
  if (header.descr.endsWith('b1')) refuseOtherThanBits(path, body);
  if (header.descr.startsWith(endianness() === 'LE' ? '>' : '<')) swapBytes(body, element.bytes);
  const rowMajor = header.fortranOrder ? toRowMajor(body, shape, element.bytes) : body;
  return { data: element.view(rowMajor.buffer), shape };
}

function totalLength({ shape, dataOffset }: NpyHeader, { bytes }: Element): number {
  return dataOffset + shape.reduce((product, extent) => product * extent, bytes);
}

/** What a file that begins so should hold; undefined if not even the header is whole. */
function expectedLength(path: string, start: Buffer): number | undefined {
  try {
    const header = parseNpyHeader(path, start);
    return totalLength(header, elementOf(path, header.descr));
  } catch {
    return undefined;
  }
}

function elementOf(path: string, descr: string): Element {
  const element = elements.get(descr.slice(1));
  const order = descr.charAt(0);
  if (
    element !== undefined &&
    (order === '<' || order === '>' || (order === '|' && element.bytes === 1))
  ) {
    return element;
  }
  const kind = descr.charAt(1);
  const what =
    kind === 'O' ? 'Python objects (a pickle), which are never read' : `elements '${descr}'`;
  throw new EigenscapeError(
    'ERR_DATA',
    `${path}: holds ${what}; expected integers, booleans or floats of at most 8 bytes; convert ` +
      'with array.astype(numpy.float64) before saving',
    { details: { file: path, descr } },
  );
}

function swapBytes(body: Uint8Array<ArrayBuffer>, bytes: number): void {
  const view = Buffer.from(body.buffer);
  if (bytes === 2) view.swap16();
  if (bytes === 4) view.swap32();
  if (bytes === 8) view.swap64();
}

/** Column-major to row-major: element (i₁, …, i_d) is at Σ i_a·Π_{b<a} n_b in the file. Whole
 *  bytes move, so that no NaN changes its bits. */
function toRowMajor(
  body: Uint8Array<ArrayBuffer>,
  shape: readonly number[],
  bytes: number,
): Uint8Array<ArrayBuffer> {
  const strides = shape.map((_, axis) =>
    shape.slice(0, axis).reduce((product, extent) => product * extent, bytes),
  );
  const result = new Uint8Array(body.length);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.length; to += bytes) {
    for (let byte = 0; byte < bytes; byte++) result[to + byte] = body[from + byte] ?? 0;
    // On to the next element in row-major order: the last index first, with carry.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const [extent, stride, current] = [shape[axis] ?? 0, strides[axis] ?? 0, index[axis] ?? 0];
      from += stride;
      index[axis] = current + 1;
      if (current + 1 < extent) break;
      index[axis] = 0;
      from -= extent * stride;
    }
  }
  return result;
}

function refuseOtherThanBits(path: string, body: Uint8Array): void {
  const bad = body.findIndex((byte) => byte > 1);
  if (bad < 0) return;
  throw new EigenscapeError(
    'ERR_DATA',
    `${path}: boolean ${bad} is the byte ${body[bad]}; expected 0 or 1`,
    { details: { file: path, element: bad, value: body[bad] } },
  );
}
