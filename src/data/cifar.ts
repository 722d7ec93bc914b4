// CIFAR-10, binary version: records of 3073 bytes, a label and then 32 × 32 pixels of red, of green and
// of blue.

import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import * as v from 'valibot';

import { EigenscapeError } from '../errors.js';
import { throwIfAborted } from '../long-call.js';
import { optionsOf, parseOptions, wordOption } from '../options.js';
import { Dataset } from './dataset.js';
import type { DatasetInputs } from './dataset-inputs.js';
import type { DType } from './dtype.js';
import { filePath, readFileBytes, unreadable } from './file-bytes.js';
import type { FilePath } from './file-bytes.js';
import type { TrainTest } from './idx.js';
import { scaledPixels, stageOf, storedPixels } from './pixels.js';
import type { ImagesOptions } from './pixels.js';
import { readingEntries } from './reading.js';
import type { ReadingOptions } from './reading.js';
import { openStored, storedRows } from './stored-file.js';

/** Options of {@link loadCifar10}. */
export interface Cifar10Options<D extends DType = DType> extends ReadingOptions {
  /** 'flat' (the default): inputShape [3072], for dense layers; 'image': [3, 32, 32], for convolutions.
   *  The numbers are the same. */
  readonly shape?: 'flat' | 'image' | undefined;
  /** How pixels are kept; default 'float64'. */
  readonly dtype?: D | undefined;
  /** Only this part, whose files are then the only ones that must be there; default: both. */
  readonly split?: 'train' | 'test' | undefined;
  /** Whether images stay on disk and are read chunk by chunk in every call. The bits are the same. Default
   *  false. */
  readonly stream?: boolean | undefined;
}

type Split = keyof TrainTest;

const pixels = 3 * 32 * 32;
const recordLength = 1 + pixels;
const classes = 10;
const trainingFiles = [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`);
const testFiles = ['test_batch.bin'];
/** Records that are read at once for their labels. */
const recordsAtOnce = 300;

const cifarOptions = optionsOf({
  shape: wordOption(['flat', 'image']),
  dtype: wordOption(['float64', 'float32']),
  split: v.optional(v.picklist(['train', 'test'], "'train' or 'test'")),
  stream: v.optional(v.boolean('true or false'), false),
  ...readingEntries,
});

/** CIFAR-10 (Krizhevsky 2009), binary version, from a directory that holds `data_batch_1.bin` …
 *  `data_batch_5.bin` and `test_batch.bin`, each with or without `.gz` (with `stream` without). Pixels are
 *  scaled from 0 … 255 to [0, 1], red, green and blue one after the other; 10 classes.
 *
 *  A part of the data will do: any whole number of records in a file, and training files from the first on
 *  as far as they go, without a gap. Progress counts pixels, of training images and then of test images.
 *  @throws EigenscapeError (rejects) ERR_DATA when a file is absent, cut, or holds a label above 9; the
 *  message names file and record. ERR_SPEC for a bad option; ERR_MEMORY; ERR_ABORTED
 *  @example const { train, test } = await loadCifar10('cifar-10-batches-bin', { shape: 'image' }) */
export function loadCifar10<D extends DType = 'float64'>(
  directory: FilePath,
  options?: Cifar10Options<D> & { readonly split?: undefined },
): Promise<TrainTest<D>>;
export function loadCifar10<D extends DType = 'float64'>(
  directory: FilePath,
  options: Cifar10Options<D> & { readonly split: Split },
): Promise<Dataset<D>>;
export async function loadCifar10(
  directory: FilePath,
  options: Cifar10Options = {},
): Promise<TrainTest | Dataset> {
  const { split, ...parsed } = parseOptions('loadCifar10', cifarOptions, options);
  const path = filePath(directory);
  const names = await readdir(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  const read = (part: Split) =>
    readPart(findFiles(path, names, part), { ...parsed, stage: stageOf(part) });
  if (split !== undefined) return read(split);
  return { train: await read('train'), test: await read('test') };
}

function findFiles(directory: string, names: readonly string[], split: Split): string[] {
  const wanted = split === 'train' ? trainingFiles : testFiles;
  const found = wanted.map((name) => [name, `${name}.gz`].find((file) => names.includes(file)));
  const absent = found.indexOf(undefined);
  const there = found.filter((name) => name !== undefined);
  if (there.length > 0 && (absent < 0 || absent === there.length)) {
    return there.map((name) => join(directory, name));
  }
  const missing = wanted[absent] ?? '';
  throw new EigenscapeError(
    'ERR_DATA',
    `${join(directory, missing)}: no such file, nor ${missing}.gz; expected the folder that ` +
      'cifar-10-binary.tar.gz unpacks to',
    {
      details: { directory, file: missing },
    },
  );
}

async function readPart(files: readonly string[], options: ImagesOptions): Promise<Dataset> {
  const { shape, dtype } = options;
  const { labels, inputs } = await (options.stream ? streamRecords : readRecords)(files, options);
  return Dataset.from({
    dtype,
    inputs,
    targets: Float64Array.from(labels),
    targetWidth: 1,
    integerTargets: true,
    weights: undefined,
    inputShape: shape === 'flat' ? [pixels] : [3, 32, 32],
    classCount: classes,
  });
}

interface Records {
  readonly labels: Uint8Array;
  readonly inputs: DatasetInputs;
}

async function readRecords(files: readonly string[], options: ImagesOptions): Promise<Records> {
  const { dtype, signal, stage } = options;
  const parts = [];
  const labels: Uint8Array[] = [];
  for (const file of files) {
    const bytes = await readFileBytes(file, { signal });
    const count = countRecords(file, bytes.length);
    const found = labelsIn(bytes);
    checkLabels(file, found, 0);
    parts.push({ bytes, offset: 1, count });
    labels.push(found);
  }
  const format = { width: pixels, stride: recordLength, dtype };
  const inputs = await scaledPixels(format, parts, options, stage);
  return { labels: Buffer.concat(labels), inputs };
}

async function streamRecords(
  files: readonly string[],
  { dtype, signal }: ImagesOptions,
): Promise<Records> {
  const parts = [];
  const labels: Uint8Array[] = [];
  for (const path of files) {
    const file = await openStored(path, 2);
    const count = countRecords(path, file.size);
    parts.push({ file, offset: 1, count });
    labels.push(await readLabels(path, count, signal));
  }
  const format = { ...storedPixels, width: pixels, stride: recordLength, dtype };
  return { labels: Buffer.concat(labels), inputs: storedRows(format, parts) };
}

/** The labels of a file, which is read a piece at a time. */
async function readLabels(
  path: string,
  count: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const labels = new Uint8Array(count);
  const file = await open(path);
  try {
    for (let first = 0; first < count; first += recordsAtOnce) {
      throwIfAborted(signal);
      const piece = Buffer.alloc(Math.min(recordsAtOnce, count - first) * recordLength);
      const { bytesRead } = await file.read(piece, 0, piece.length, first * recordLength);
      // What is cut while it is read is refused when the engine opens it.
      const found = labelsIn(piece.subarray(0, bytesRead));
      checkLabels(path, found, first);
      labels.set(found, first);
    }
  } finally {
    await file.close();
  }
  return labels;
}

function labelsIn(records: Buffer): Uint8Array {
  return Uint8Array.from(
    { length: Math.floor(records.length / recordLength) },
    (_, record) => records[record * recordLength] ?? 0,
  );
}

function countRecords(file: string, length: number): number {
  if (length > 0 && length % recordLength === 0) return length / recordLength;
  throw new EigenscapeError(
    'ERR_DATA',
    `${file}: ${length} bytes; expected a multiple of ${recordLength}, the length of a CIFAR-10 record: ` +
      'the file is cut off, or is not the binary version',
    { details: { file, given: length, recordLength } },
  );
}

function checkLabels(file: string, labels: Uint8Array, first: number): void {
  const beyond = labels.findIndex((label) => label >= classes);
  if (beyond < 0) return;
  throw new EigenscapeError(
    'ERR_DATA',
    `${file}: the label of record ${first + beyond} is ${labels[beyond]}; expected 0 to ${classes - 1}`,
    { details: { file, sample: first + beyond, value: labels[beyond] } },
  );
}
