// Datasets from CSV files: numbers only, one column of which is the target.

import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';

import * as v from 'valibot';

import { EigenscapeError } from '../errors.js';
import { countClasses } from './create-dataset.js';
import { Dataset } from './dataset.js';
import { describeValue } from '../describe-value.js';
import { filePath, readFileBytes } from './file-bytes.js';
import type { FilePath } from './file-bytes.js';
import { inPieces } from '../in-pieces.js';
import { throwIfAborted } from '../long-call.js';
import { optionsOf, parseOptions } from '../options.js';
import { progressOf, readingEntries } from './reading.js';
import type { ReadingOptions } from './reading.js';

/** Options of {@link loadCsv}. */
export interface CsvOptions extends ReadingOptions {
  /** The column that holds the targets: its name in the header, or its index from 0. */
  readonly target: string | number;
  /** Whether the first line names the columns; default: if `target` is a name. */
  readonly header?: boolean | undefined;
  /** Between cells; default ','. */
  readonly delimiter?: string | undefined;
}

const column = 'the name of a column or its index from 0';
const columnIndex = v.check<number, string>(
  (index) => Number.isSafeInteger(index) && index >= 0,
  column,
);
const csvOptions = optionsOf({
  target: v.union([v.string(), v.pipe(v.number(), columnIndex)], column),
  header: v.optional(v.boolean('true or false')),
  delimiter: v.optional(
    v.pipe(
      v.string('a character'),
      v.regex(/^[^"\r\n]+$/, 'a character other than " and line ends'),
    ),
    ',',
  ),
  ...readingEntries,
});

const parsedLine = v.object({
  record: v.array(v.string()),
  info: v.object({ lines: v.number() }),
});

/** Bytes; a few milliseconds' worth. */
const parsedAtOnce = 2 ** 15;
/** Numbers of a block. */
const blockLength = 2 ** 12;

interface Columns {
  readonly names: readonly string[] | undefined;
  readonly target: number;
}

interface Line {
  /** Where it ends in the file, from 1. */
  readonly number: number;
  readonly cells: readonly string[];
}

/** A dataset from a file of numbers, gzipped or not: one column is the target, the others, in
 *  their order, are the inputs. Quoted cells, blanks around cells, empty lines, CRLF and a byte
 *  order mark are understood. Progress counts bytes.
 *  @throws EigenscapeError (rejects) ERR_DATA when the file is absent, cut or damaged, has lines
 *  of different lengths, no such column, or a cell that is no finite number (class labels must be
 *  integers, not words); the message names the file, the line and the column. ERR_SPEC for a bad
 *  option; ERR_ABORTED
 *  @example await loadCsv('iris.csv', { target: 'species' }) */
export async function loadCsv(file: FilePath, options: CsvOptions): Promise<Dataset<'float64'>> {
  const {
    target,
    header = typeof target === 'string',
    delimiter,
    signal,
    onProgress,
  } = parseOptions('loadCsv', csvOptions, options);
  const path = filePath(file);
  const inputs = new Numbers();
  const targets = new Numbers();
  let columns: Columns | undefined;
  await eachLine(path, { delimiter, signal, onProgress }, (line) => {
    if (columns === undefined) {
      const names = header ? line.cells : undefined;
      columns = { names, target: findColumn(path, target, line.cells.length, names) };
      if (header) return;
    }
    for (const [column, cell] of line.cells.entries()) {
      const value = parseCell(path, cell, line.number, columnName(column, columns.names));
      (column === columns.target ? targets : inputs).push(value);
    }
  });
  if (targets.length === 0) {
    throw damaged(path, `holds ${header ? 'a header at most' : 'nothing'}; expected samples`, {});
  }
  const targetValues = await targets.joined(signal);
  return Dataset.from({
    dtype: 'float64',
    inputs: await inputs.joined(signal),
    targets: targetValues,
    targetWidth: 1,
    integerTargets: targetValues.every(Number.isInteger),
    weights: undefined,
    inputShape: [inputs.length / targets.length],
    classCount: countClasses(targetValues, 1),
  });
}

/** Numbers that come one after the other; there is no moment at which all of them are copied. */
class Numbers {
  length = 0;
  readonly #blocks: Float64Array[] = [];

  push(value: number): void {
    const place = this.length % blockLength;
    if (place === 0) this.#blocks.push(new Float64Array(blockLength));
    const block = this.#blocks.at(-1);
    if (block !== undefined) block[place] = value;
    this.length += 1;
  }

  async joined(signal: AbortSignal | undefined): Promise<Float64Array> {
    const all = new Float64Array(this.length);
    await inPieces(this.length, signal, (first, last) => {
      for (let place = first; place < last;) {
        const block = this.#blocks[Math.floor(place / blockLength)] ?? all;
        const from = place % blockLength;
        const count = Math.min(blockLength - from, last - place);
        all.set(block.subarray(from, from + count), place);
        place += count;
      }
    });
    return all;
  }
}

type LineOptions = ReadingOptions & { readonly delimiter: string };

async function eachLine(
  path: string,
  { delimiter, signal, onProgress }: LineOptions,
  take: (line: Line) => void,
): Promise<void> {
  const [{ CsvError, parse }, bytes] = await Promise.all([
    import('csv-parse'),
    readFileBytes(path, { signal }),
  ]);
  const report = progressOf(onProgress, 'reading', bytes.length);
  const pieces = async function* (): AsyncGenerator<Buffer> {
    for (let start = 0; start < bytes.length; start += parsedAtOnce) {
      yield bytes.subarray(start, start + parsedAtOnce);
      report(Math.min(start + parsedAtOnce, bytes.length));
      await setImmediate();
      throwIfAborted(signal);
    }
  };
  const parser = parse({ delimiter, bom: true, trim: true, skip_empty_lines: true, info: true });
  try {
    await pipeline(pieces, parser, async (lines: AsyncIterable<unknown>) => {
      for await (const line of lines) {
        const { record, info } = v.parse(parsedLine, line);
        take({ number: info.lines, cells: record });
      }
    });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw damaged(path, cause.message, {}, cause);
  }
}

function findColumn(
  path: string,
  target: string | number,
  count: number,
  names: readonly string[] | undefined,
): number {
  if (count < 2) {
    throw damaged(path, 'has 1 column; expected at least one input beside the target', { count });
  }
  if (typeof target === 'number') {
    if (target < count) return target;
    throw damaged(path, `has no column ${target}; there are ${count}, from 0 on`, {
      target,
      count,
    });
  }
  const places = [...(names ?? []).keys()].filter((column) => names?.[column] === target);
  const [place] = places;
  if (place !== undefined && places.length === 1) return place;
  throw damaged(
    path,
    `has ${places.length} columns named ${describeValue(target)}; expected one; there are ` +
      (names?.map(describeValue).join(', ') ?? 'no names without a header'),
    { target, names },
  );
}

function parseCell(path: string, cell: string, line: number, column: string): number {
  const isInteger = /^[+-]?\d+$/.test(cell);
  const isNumber = isInteger || /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cell);
  const value = Number(cell);
  if (isNumber && Number.isFinite(value) && (!isInteger || Number.isSafeInteger(value))) {
    return value;
  }
  const wanted = isInteger ? 'an integer between −2⁵³ and 2⁵³' : 'a finite number';
  const advice = line === 1 ? '; if the first line names the columns, pass header: true' : '';
  throw damaged(
    path,
    `line ${line}, column ${column} is ${describeValue(cell)}; expected ${wanted}${advice}`,
    { line, column, value: cell },
  );
}

function columnName(column: number, names: readonly string[] | undefined): string {
  const name = names?.[column];
  return name === undefined ? String(column) : `${column} (${describeValue(name)})`;
}

function damaged(
  path: string,
  what: string,
  details: Readonly<Record<string, unknown>>,
  cause?: unknown,
): EigenscapeError {
  return new EigenscapeError('ERR_DATA', `${path}: ${what}`, {
    ...(cause === undefined ? {} : { cause }),
    details: { file: path, ...details },
  });
}
