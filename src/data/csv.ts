// Datasets from CSV files: numbers only, one column of which is the target.

import { Readable } from 'node:stream';

import * as v from 'valibot';

import { EigenscapeError } from '../errors.js';
import { createDataset } from './create-dataset.js';
import type { Dataset } from './dataset.js';
import { describeValue } from '../describe-value.js';
import { filePath, readFileBytes } from './file-bytes.js';
import type { FilePath } from './file-bytes.js';
import { optionsOf, parseOptions } from '../options.js';

/** Options of {@link loadCsv}. */
export interface CsvOptions {
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
});

const parsedLine = v.object({
  record: v.array(v.string()),
  info: v.object({ lines: v.number() }),
});

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
 *  order mark are understood.
 *  @throws EigenscapeError (rejects) ERR_DATA when the file is absent, cut or damaged, has lines
 *  of different lengths, no such column, or a cell that is no finite number (class labels must be
 *  integers, not words); the message names the file, the line and the column. ERR_SPEC for a bad
 *  option
 *  @example await loadCsv('iris.csv', { target: 'species' }) */
export async function loadCsv(file: FilePath, options: CsvOptions): Promise<Dataset<'float64'>> {
  const {
    target,
    header = typeof target === 'string',
    delimiter,
  } = parseOptions('loadCsv', csvOptions, options);
  const path = filePath(file);
  const inputs: number[] = [];
  const targets: number[] = [];
  let columns: Columns | undefined;
  for await (const line of readLines(path, delimiter)) {
    if (columns === undefined) {
      const names = header ? line.cells : undefined;
      columns = { names, target: findColumn(path, target, line.cells.length, names) };
      if (header) continue;
    }
    for (const [column, cell] of line.cells.entries()) {
      const value = parseCell(path, cell, line.number, columnName(column, columns.names));
      (column === columns.target ? targets : inputs).push(value);
    }
  }
  if (targets.length === 0) {
    throw damaged(path, `holds ${header ? 'a header at most' : 'nothing'}; expected samples`, {});
  }
  return createDataset({ inputs, targets, inputShape: [inputs.length / targets.length] });
}

// In pieces, so that the event loop turns while a long file is parsed.
function* piecesOf(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += 65536) {
    yield bytes.subarray(start, start + 65536);
  }
}

async function* readLines(path: string, delimiter: string): AsyncGenerator<Line> {
  const [{ CsvError, parse }, bytes] = await Promise.all([
    import('csv-parse'),
    readFileBytes(path),
  ]);
  const parser = parse({ delimiter, bom: true, trim: true, skip_empty_lines: true, info: true });
  const parsed: AsyncIterable<unknown> = Readable.from(piecesOf(bytes)).pipe(parser);
  try {
    for await (const line of parsed) {
      const { record, info } = v.parse(parsedLine, line);
      yield { number: info.lines, cells: record };
    }
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
