// Arrays from npy files. Own reader: npyjs 1.2 ignores fortran_order and trailing bytes, refuses
// big-endian files, and parses the header by searching in it.

import { endianness } from 'node:os';

import * as v from 'valibot';

import { EigenscapeError } from '../errors.js';
import { inPieces } from '../in-pieces.js';
import { throwIfAborted } from '../long-call.js';
import { requireMemory } from '../memory.js';
import { addon } from '../native.js';
import { optionsOf, parseOptions } from '../options.js';
import { filePath, readFileBytes, requireLength } from './file-bytes.js';
import type { FilePath } from './file-bytes.js';
import { fromFloat16 } from './narrow-floats.js';
import { parseNpyHeader } from './npy-header.js';
import type { NpyHeader } from './npy-header.js';
import { progressOf, readingEntries } from './reading.js';
import type { ReadingOptions } from './reading.js';
import type { NumericArray } from './sample-rows.js';
import { StoredArray } from './stored-array.js';
import { openStored, storedRows } from './stored-file.js';

/** An array in row-major order, whatever the order in the file. */
export interface NpyArray {
  readonly data: NumericArray;
  readonly shape: readonly number[];
}

/** Options of {@link loadNpy}. */
export interface NpyOptions extends ReadingOptions {
  /** Whether the elements stay on disk, and are read chunk by chunk by calls on a dataset with these inputs:
   *  for arrays larger than memory. The bits are the same. Default false. */
  readonly stream?: boolean | undefined;
}

interface Element {
  readonly bytes: number;
  /** The elements of a buffer that holds nothing else, in this machine's byte order; floats of 16 bits as
   *  their bits. */
  readonly view: (buffer: ArrayBuffer) => NumericArray;
}

/** Kept as float32 in a dataset: what {@link loadNpy} reads as a Float32Array. */
const floats32: ReadonlySet<string> = new Set(['f2', 'f4']);

/** In bytes; numpy writes longer ones for records alone, which are refused. */
const longestHeader = 2 ** 17;

const npyOptions = optionsOf({
  stream: v.optional(v.boolean('true or false'), false),
  ...readingEntries,
});

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
  ['f2', { bytes: 2, view: (buffer) => new Uint16Array(buffer) }],
  ['f4', { bytes: 4, view: (buffer) => new Float32Array(buffer) }],
  ['f8', { bytes: 8, view: (buffer) => new Float64Array(buffer) }],
]);

/** An array saved by `numpy.save`, gzipped or not, as `createDataset` takes it.
 *
 *  All integers, floats and booleans, of either byte order. int64 becomes BigInt64Array, uint64
 *  BigUint64Array, float16 Float32Array, bool Uint8Array; each element keeps its value exactly,
 *  NaN too. Column-major files (fortran_order) are put into row-major order.
 *
 *  With `stream: true` the elements stay on disk, in a file that is neither gzipped nor column-major; what
 *  `createDataset` refuses in memory (NaN) is then refused by the call that reads it.
 *  @throws EigenscapeError (rejects) ERR_DATA when the file is absent, cut, damaged, longer than
 *  its shape says, or holds objects, text, complex numbers or records; the message names the file;
 *  ERR_MEMORY; ERR_ABORTED. Progress counts bytes
 *  @example createDataset({ inputs: await loadNpy('x.npy'), targets: await loadNpy('y.npy') }) */
export function loadNpy(
  file: FilePath,
  options?: NpyOptions & { readonly stream?: false | undefined },
): Promise<NpyArray>;
export function loadNpy(
  file: FilePath,
  options: NpyOptions & { readonly stream: true },
): Promise<StoredArray>;
export function loadNpy(file: FilePath, options?: NpyOptions): Promise<NpyArray | StoredArray>;
export async function loadNpy(
  file: FilePath,
  options: NpyOptions = {},
): Promise<NpyArray | StoredArray> {
  const { stream, ...reading } = parseOptions('loadNpy', npyOptions, options);
  throwIfAborted(reading.signal);
  return stream ? streamNpy(filePath(file)) : readNpy(filePath(file), reading);
}

async function readNpy(path: string, reading: ReadingOptions): Promise<NpyArray> {
  const { signal } = reading;
  const expected = (start: Buffer) => expectedLength(path, start);
  const bytes = await readFileBytes(path, { expectedLength: expected, signal });
  const header = parseNpyHeader(path, bytes);
  const { shape, descr } = header;
  const element = elementOf(path, descr);
  requireLength(path, bytes.length, totalLength(header, element), describe(header));

  const body = await readBody(path, bytes, header, reading);
  const rowMajor = header.fortranOrder
    ? await toRowMajor(body, shape, element.bytes, signal)
    : body;
  const data = element.view(rowMajor.buffer);
  return { data: descr.endsWith('f2') ? await widened(data, signal) : data, shape };
}

/** The elements' bytes in this machine's order, in a buffer of their own. */
async function readBody(
  path: string,
  bytes: Buffer,
  header: NpyHeader,
  { signal, onProgress }: ReadingOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { descr, dataOffset } = header;
  const length = bytes.length - dataOffset;
  requireMemory(length, `the elements of ${path}`, 'let them stay on disk: { stream: true }');
  const body = new Uint8Array(length);
  addon().preferLargePages(body);
  const report = progressOf(onProgress, 'reading', length);
  await inPieces(length, signal, (first, last) => {
    const piece = body.subarray(first, last);
    piece.set(bytes.subarray(dataOffset + first, dataOffset + last));
    if (descr.endsWith('b1')) refuseOtherThanBits(path, piece, first);
    if (isSwapped(header)) swapBytes(piece, elementOf(path, descr).bytes);
    report(last);
  });
  return body;
}

async function widened(
  words: NumericArray,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const floats = new Float32Array(words.length);
  await inPieces(words.length, signal, (first, last) => {
    for (let index = first; index < last; index += 1)
      floats[index] = fromFloat16(Number(words[index]));
  });
  return floats;
}

async function streamNpy(path: string): Promise<StoredArray> {
  const file = await openStored(path, longestHeader);
  const header = parseNpyHeader(path, file.start);
  const { shape, descr, dataOffset } = header;
  const element = elementOf(path, descr);
  requireLength(path, file.size, totalLength(header, element), describe(header));
  if (header.fortranOrder && shape.length > 1) {
    throw new EigenscapeError(
      'ERR_DATA',
      `${path}: is in column-major order (fortran_order), so its samples cannot be read in pieces; save it ` +
        'with numpy.save(file, numpy.ascontiguousarray(array)), or load it without stream: true',
      { details: { file: path } },
    );
  }
  const [count, ...sample] = shape;
  const width = sample.reduce((product, extent) => product * extent, 1);
  if (count === undefined || count * width === 0) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `${path}: has shape (${shape.join(', ')}); expected at least one sample, and one entry in each`,
      { details: { file: path, shape } },
    );
  }
  const dtype = floats32.has(descr.slice(1)) ? 'float32' : 'float64';
  const rows = storedRows(
    {
      element: descr.slice(1),
      swapped: isSwapped(header),
      divisor: 1,
      width,
      stride: width * element.bytes,
      dtype,
    },
    [{ file, offset: dataOffset, count }],
  );
  return StoredArray.from({ rows, shape, dtype });
}

function isSwapped({ descr }: NpyHeader): boolean {
  return descr.startsWith(endianness() === 'LE' ? '>' : '<');
}

function describe({ shape, descr }: NpyHeader): string {
  return `shape (${shape.join(', ')}) of '${descr}'`;
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

function swapBytes(piece: Uint8Array<ArrayBuffer>, bytes: number): void {
  const view = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
  if (bytes === 2) view.swap16();
  if (bytes === 4) view.swap32();
  if (bytes === 8) view.swap64();
}

/** Column-major to row-major: element (i₁, …, i_d) is at Σ i_a·Π_{b<a} n_b in the file. Whole
 *  bytes move, so that no NaN changes its bits. */
async function toRowMajor(
  body: Uint8Array<ArrayBuffer>,
  shape: readonly number[],
  bytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const strides = shape.map((_, axis) =>
    shape.slice(0, axis).reduce((product, extent) => product * extent, bytes),
  );
  const result = new Uint8Array(body.length);
  const index = shape.map(() => 0);
  let from = 0;
  // Elements are of 1, 2, 4 or 8 bytes, so that a piece ends between two.
  await inPieces(result.length, signal, (first, last) => {
    for (let to = first; to < last; to += bytes) {
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
  });
  return result;
}

function refuseOtherThanBits(path: string, piece: Uint8Array, first: number): void {
  const place = piece.findIndex((byte) => byte > 1);
  if (place < 0) return;
  const [bad, value] = [first + place, piece[place]];
  throw new EigenscapeError(
    'ERR_DATA',
    `${path}: boolean ${bad} is the byte ${value}; expected 0 or 1`,
    {
      details: { file: path, element: bad, value },
    },
  );
}
