// MNIST and its kin, from IDX files:  00 00 08 d, then d extents as big-endian uint32, then the
// bytes.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import * as v from 'valibot';

import { EigenscapeError } from '../errors.js';
import { Dataset } from './dataset.js';
import type { DatasetInputs } from './dataset-inputs.js';
import type { DType } from './dtype.js';
import { filePath, readFileBytes, requireLength, unreadable } from './file-bytes.js';
import type { FilePath } from './file-bytes.js';
import { optionsOf, parseOptions, wordOption } from '../options.js';
import { scaledPixels, stageOf, storedPixels } from './pixels.js';
import type { ImagesOptions } from './pixels.js';
import { readingEntries } from './reading.js';
import type { ReadingOptions } from './reading.js';
import { openStored, storedRows } from './stored-file.js';

/** Options of {@link loadIdx}. */
export interface IdxOptions<D extends DType = DType> extends ReadingOptions {
  /** 'flat' (the default): inputShape [rows·columns], for dense layers; 'image': [1, rows,
   *  columns], for convolutions. The numbers are the same. */
  readonly shape?: 'flat' | 'image' | undefined;
  /** How pixels are kept; default 'float64'. */
  readonly dtype?: D | undefined;
  /** Whether images stay on disk and are read chunk by chunk in every call: for data larger than
   *  memory. The bits are the same. Default false. */
  readonly stream?: boolean | undefined;
}

/** Options of {@link loadMnist} and {@link loadFashionMnist}. */
export interface MnistOptions<D extends DType = DType> extends IdxOptions<D> {
  /** Only this part, whose files are then the only ones that must be there; default: both. */
  readonly split?: 'train' | 'test' | undefined;
}

/** Training and test part of one dataset. */
export interface TrainTest<D extends DType = DType> {
  readonly train: Dataset<D>;
  readonly test: Dataset<D>;
}

type Split = keyof TrainTest;
type Kind = keyof typeof kinds;

const kinds = {
  images: { magic: 0x0803, extents: 3 },
  labels: { magic: 0x0801, extents: 1 },
} as const;

const filePrefixes: Readonly<Record<Split, string>> = { train: 'train', test: 't10k' };

const idxEntries = {
  shape: wordOption(['flat', 'image']),
  dtype: wordOption(['float64', 'float32']),
  stream: v.optional(v.boolean('true or false'), false),
  ...readingEntries,
};
const idxOptions = optionsOf(idxEntries);
const mnistOptions = optionsOf({
  ...idxEntries,
  split: v.optional(v.picklist(['train', 'test'], "'train' or 'test'")),
});

/** MNIST (LeCun, Cortes, Burges) from a directory that holds its four files under their usual
 *  names, `train-images-idx3-ubyte` or `train-images.idx3-ubyte` …, with or without `.gz`; whether
 *  a file is gzipped, its first bytes say. Pixels are scaled from 0 … 255 to [0, 1]; 10 classes.
 *
 *  With `split` only that part is read: `loadMnist(dir, { split: 'test' })` is a Dataset, and
 *  needs no training files. With `stream: true` the images, which must not be gzipped then, stay on
 *  disk. Progress counts pixels, of training images and then of test images.
 *  @throws EigenscapeError (rejects) ERR_DATA when a file is absent, cut, damaged, of another
 *  kind, or the counts of images and labels differ; the message names the file. ERR_SPEC for a
 *  bad option; ERR_MEMORY; ERR_ABORTED */
export function loadMnist<D extends DType = 'float64'>(
  directory: FilePath,
  options?: MnistOptions<D> & { readonly split?: undefined },
): Promise<TrainTest<D>>;
export function loadMnist<D extends DType = 'float64'>(
  directory: FilePath,
  options: MnistOptions<D> & { readonly split: Split },
): Promise<Dataset<D>>;
export async function loadMnist(
  directory: FilePath,
  options: MnistOptions = {},
): Promise<TrainTest | Dataset> {
  return loadDirectory('loadMnist', directory, options);
}

/** Fashion-MNIST (Xiao, Rasul, Vollgraf 2017), whose files are named and made as MNIST's are: see
 *  {@link loadMnist}. */
export function loadFashionMnist<D extends DType = 'float64'>(
  directory: FilePath,
  options?: MnistOptions<D> & { readonly split?: undefined },
): Promise<TrainTest<D>>;
export function loadFashionMnist<D extends DType = 'float64'>(
  directory: FilePath,
  options: MnistOptions<D> & { readonly split: Split },
): Promise<Dataset<D>>;
export async function loadFashionMnist(
  directory: FilePath,
  options: MnistOptions = {},
): Promise<TrainTest | Dataset> {
  return loadDirectory('loadFashionMnist', directory, options);
}

/** One pair of IDX files of bytes, [N, rows, columns] images and N labels, as of any dataset made
 *  like MNIST. Pixels are scaled from 0 … 255 to [0, 1].
 *  @throws EigenscapeError (rejects) as {@link loadMnist} */
export function loadIdx<D extends DType = 'float64'>(
  imagesFile: FilePath,
  labelsFile: FilePath,
  options?: IdxOptions<D>,
): Promise<Dataset<D>>;
export async function loadIdx(
  imagesFile: FilePath,
  labelsFile: FilePath,
  options: IdxOptions = {},
): Promise<Dataset> {
  const parsed = parseOptions('loadIdx', idxOptions, options);
  const wanted = { ...parsed, stage: 'images' };
  return readPair(filePath(imagesFile), filePath(labelsFile), wanted, undefined);
}

async function loadDirectory(
  call: string,
  directory: FilePath,
  options: MnistOptions,
): Promise<TrainTest | Dataset> {
  const { split, ...parsed } = parseOptions(call, mnistOptions, options);
  const path = filePath(directory);
  const names = await readdir(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  const read = (part: Split) => {
    const images = findFile(path, names, part, 'images');
    const labels = findFile(path, names, part, 'labels');
    return readPair(images, labels, { ...parsed, stage: stageOf(part) }, 10);
  };
  if (split !== undefined) return read(split);
  return { train: await read('train'), test: await read('test') };
}

function findFile(directory: string, names: readonly string[], split: Split, kind: Kind): string {
  const start = `${filePrefixes[split]}-${kind}`;
  const end = `idx${kinds[kind].extents}-ubyte`;
  const candidates = ['-', '.'].flatMap((joint) =>
    ['', '.gz'].map((gz) => start + joint + end + gz),
  );
  const found = candidates.find((candidate) => names.includes(candidate));
  if (found !== undefined) return join(directory, found);
  const other = split === 'train' ? 'test' : 'train';
  const advice = names.some((name) => name.startsWith(`${filePrefixes[other]}-images`))
    ? `; for the other part alone pass { split: '${other}' }`
    : '';
  throw new EigenscapeError(
    'ERR_DATA',
    `${join(directory, `${start}-${end}`)}: no such file, nor ` +
      `${candidates.slice(1).join(', ')}${advice}`,
    { details: { directory, candidates } },
  );
}

async function readPair(
  imagesFile: string,
  labelsFile: string,
  options: ImagesOptions,
  classes: number | undefined,
): Promise<Dataset> {
  const { shape, dtype, stream, signal } = options;
  // One after the other, so that of two bad files always the same is named.
  const images = await (stream ? streamImages : readImages)(imagesFile, options);
  const labels = await readIdx(labelsFile, 'labels', signal);
  const [count, rows, columns] = images.extents;
  if (labels.extents[0] !== count) {
    throw new EigenscapeError(
      'ERR_DATA',
      `${labelsFile}: ${labels.extents[0]} labels; expected ${count}, one for each image of ` +
        imagesFile,
      { details: { file: labelsFile, given: labels.extents[0], expected: count } },
    );
  }
  const classCount = classes ?? 1 + labels.bytes.reduce((most, label) => Math.max(most, label), 0);
  const beyond = labels.bytes.findIndex((label) => label >= classCount);
  if (beyond >= 0) {
    throw new EigenscapeError(
      'ERR_DATA',
      `${labelsFile}: label ${beyond} is ${labels.bytes[beyond]}; expected 0 to ${classCount - 1}`,
      { details: { file: labelsFile, sample: beyond, value: labels.bytes[beyond] } },
    );
  }
  return Dataset.from({
    dtype,
    inputs: await images.open(),
    targets: Float64Array.from(labels.bytes),
    targetWidth: 1,
    integerTargets: true,
    weights: undefined,
    inputShape: shape === 'flat' ? [rows * columns] : [1, rows, columns],
    classCount,
  });
}

/** [images, rows, columns] or [labels, 1, 1]. */
type Extents = readonly [number, number, number];

interface Images {
  readonly extents: Extents;
  readonly open: () => DatasetInputs | Promise<DatasetInputs>;
}

async function readImages(file: string, options: ImagesOptions): Promise<Images> {
  const { dtype, stage, signal } = options;
  const { extents, bytes } = await readIdx(file, 'images', signal);
  const [count, rows, columns] = extents;
  const format = { width: rows * columns, stride: rows * columns, dtype };
  const open = () => scaledPixels(format, [{ bytes, offset: 0, count }], options, stage);
  return { extents, open };
}

async function streamImages(path: string, { dtype }: ImagesOptions): Promise<Images> {
  const offset = headerLength('images');
  const file = await openStored(path, offset);
  const extents = checkIdx(path, file.start, file.size, 'images');
  const width = extents[1] * extents[2];
  const format = { ...storedPixels, width, stride: width, dtype };
  return { extents, open: () => storedRows(format, [{ file, offset, count: extents[0] }]) };
}

interface IdxFile {
  readonly extents: Extents;
  readonly bytes: Buffer;
}

async function readIdx(
  file: string,
  kind: Kind,
  signal: AbortSignal | undefined,
): Promise<IdxFile> {
  const expectedLength = (start: Buffer) => lengthOf(start, kind);
  const bytes = await readFileBytes(file, { expectedLength, signal });
  const extents = checkIdx(file, bytes, bytes.length, kind);
  return { extents, bytes: bytes.subarray(headerLength(kind)) };
}

function headerLength(kind: Kind): number {
  return 4 + 4 * kinds[kind].extents;
}

function extentsOf(bytes: Buffer, kind: Kind): Extents {
  const extent = (axis: number) =>
    axis < kinds[kind].extents ? bytes.readUInt32BE(4 + 4 * axis) : 1;
  return [extent(0), extent(1), extent(2)];
}

function lengthOf(start: Buffer, kind: Kind): number | undefined {
  if (start.length < headerLength(kind)) return undefined;
  return (
    extentsOf(start, kind).reduce((product, extent) => product * extent, 1) + headerLength(kind)
  );
}

/** The extents of a file of `length` bytes that begins with `start`.
 *  @throws EigenscapeError ERR_DATA when it is of another kind, cut, too long or empty */
function checkIdx(file: string, start: Buffer, length: number, kind: Kind): Extents {
  checkMagic(file, start, kind);
  const expected = lengthOf(start, kind);
  const header = headerLength(kind);
  if (expected === undefined) requireLength(file, length, header, `the header of IDX ${kind}`);
  const extents = extentsOf(start, kind);
  requireLength(file, length, expected ?? header, `${kind} of ${extents.join(' × ')}`);
  if (length > header) return extents;
  throw new EigenscapeError('ERR_DATA', `${file}: holds 0 ${kind}; expected at least one`, {
    details: { file, given: 0, expected: 1 },
  });
}

function checkMagic(file: string, bytes: Buffer, kind: Kind): void {
  if (bytes.length < 4) requireLength(file, bytes.length, 4, 'an IDX magic number');
  const { magic: expected } = kinds[kind];
  const actual = bytes.readUInt32BE(0);
  if (actual === expected) return;
  const swapped = Object.values(kinds).some(({ magic }) => magic === actual);
  throw new EigenscapeError(
    'ERR_DATA',
    `${file}: the magic number is ${actual}; expected ${expected}, IDX ${kind} of bytes` +
      (swapped ? '; are images and labels swapped?' : ''),
    { details: { file, given: actual, expected } },
  );
}
