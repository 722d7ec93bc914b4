// Arrays as callers give them, turned into one flat row-major copy: measured first, because errors
// name the sample, and which entry belongs to which sample is known only when all is measured.

import { types } from 'node:util';

import { EigenscapeError } from '../errors.js';
import { describeValue } from '../describe-value.js';

/** Every kind of typed array. */
export type NumericArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** A flat row-major array with its shape, samples first: what `loadNpy` returns. */
export interface ShapedArray<Data extends NumericArray | readonly number[] = NumericArray> {
  readonly data: Data;
  readonly shape: readonly number[];
}

/** Samples in any form: flat and row-major, one array per sample, or with a shape beside it. */
export type SampleRows =
  | NumericArray
  | readonly number[]
  | readonly (readonly number[] | NumericArray)[]
  | ShapedArray<NumericArray | readonly number[]>;

/** What was given, with its lengths known and its entries not yet read. */
export interface MeasuredRows {
  /** 'inputs', 'targets' or 'weights', as messages name it. */
  readonly name: string;
  /** Entries in all. */
  readonly length: number;
  /** [samples, …shape of one sample]; undefined if a flat array was given. */
  readonly shape: readonly number[] | undefined;
  /** One flat array, or one for each sample. Typed arrays among them are already copies. */
  readonly pieces: readonly ArrayLike<unknown>[];
}

export interface RowValues {
  /** A Float32Array if one Float32Array was given. */
  readonly data: Float64Array | Float32Array;
  /** Whether all came in as integers: by the type of the array, or number by number. */
  readonly integers: boolean;
}

/** @throws EigenscapeError ERR_SPEC when `given` is no array at all, ERR_SHAPE when it is
 *  ragged, empty or not as long as its shape says */
export function measureRows(name: string, given: unknown): MeasuredRows {
  const measured = measureForm(name, given);
  if (measured.length === 0 || measured.shape?.[0] === 0) {
    throw new EigenscapeError('ERR_SHAPE', `${name} are empty; expected at least one sample`, {
      details: { name, shape: measured.shape ?? [0] },
    });
  }
  return measured;
}

function measureForm(name: string, given: unknown): MeasuredRows {
  if (types.isTypedArray(given)) {
    return { name, length: given.length, shape: undefined, pieces: [snapshot(given)] };
  }
  if (Array.isArray(given)) {
    const entries: readonly unknown[] = given;
    return isArray(entries[0])
      ? measureNested(name, entries)
      : { name, length: entries.length, shape: undefined, pieces: [entries] };
  }
  if (typeof given === 'object' && given !== null && 'data' in given && 'shape' in given) {
    return measureShaped(name, given.data, given.shape);
  }
  throw new EigenscapeError(
    'ERR_SPEC',
    `${name}: given ${describeValue(given)}; expected a typed array, an array of numbers, an ` +
      'array of rows, or { data, shape }',
    { details: { name } },
  );
}

function measureNested(name: string, rows: readonly unknown[]): MeasuredRows {
  const pieces = rows.map((row, sample) => {
    if (isArray(row)) return snapshot(row);
    throw new EigenscapeError(
      'ERR_DATA',
      `${name}: sample ${sample} is ${describeValue(row)}; expected an array, as sample 0 is`,
      { details: { name, sample, value: row } },
    );
  });
  const width = pieces[0]?.length ?? 0;
  const ragged = pieces.findIndex((piece) => piece.length !== width);
  if (ragged >= 0) {
    const given = pieces[ragged]?.length;
    throw new EigenscapeError(
      'ERR_SHAPE',
      `${name} are ragged: sample ${ragged} has ${given} entries; expected ${width}, as in ` +
        'sample 0',
      { details: { name, sample: ragged, given, expected: width } },
    );
  }
  return { name, length: rows.length * width, shape: [rows.length, width], pieces };
}

function measureShaped(name: string, data: unknown, shape: unknown): MeasuredRows {
  if (!isArray(data)) {
    throw new EigenscapeError(
      'ERR_SPEC',
      `${name}.data is ${describeValue(data)}; expected a flat array of numbers`,
      { details: { name } },
    );
  }
  if (!isShape(shape) || shape.length === 0) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `${name}.shape is ${JSON.stringify(shape)}; expected [samples, …shape of one sample]`,
      { details: { name, shape } },
    );
  }
  const expected = shape.reduce((product, extent) => product * extent, 1);
  if (data.length !== expected) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `${name}.data has ${data.length} entries; expected ${expected} for shape ` +
        `[${shape.join(', ')}]`,
      { details: { name, given: data.length, expected, shape: [...shape] } },
    );
  }
  return { name, length: data.length, shape: [...shape], pieces: [snapshot(data)] };
}

/** Reads all entries into one row-major array that belongs to nobody else.
 *  @param width entries of one sample
 *  @throws EigenscapeError ERR_DATA for an entry that is not a number, not finite, or an
 *  integer beyond 2⁵³; the message names the sample, the entry and the value */
export function readRows(rows: MeasuredRows, width: number): RowValues {
  const [only] = rows.pieces;
  const kept =
    rows.pieces.length === 1 && (types.isFloat32Array(only) || types.isFloat64Array(only));
  const data = kept ? only : new Float64Array(rows.length);
  let integers = !kept;
  if (!kept) {
    let offset = 0;
    for (const piece of rows.pieces) {
      integers = readPiece(piece, data, offset, rows.name, width) && integers;
      offset += piece.length;
    }
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw badEntry(rows.name, bad, width, data[bad], 'a finite number');
  return { data, integers };
}

/** Writes `piece` into `data` from `offset` on; true if all of it is integers. */
function readPiece(
  piece: ArrayLike<unknown>,
  data: Float64Array | Float32Array,
  offset: number,
  name: string,
  width: number,
): boolean {
  if (types.isBigInt64Array(piece) || types.isBigUint64Array(piece)) {
    piece.forEach((value: bigint, index: number) => {
      if (!Number.isSafeInteger(Number(value))) {
        throw badEntry(name, offset + index, width, value, 'an integer between −2⁵³ and 2⁵³');
      }
      data[offset + index] = Number(value);
    });
    return true;
  }
  if (isNumberArray(piece)) {
    data.set(piece, offset);
    return !(types.isFloat32Array(piece) || types.isFloat64Array(piece) || isFloat16Array(piece));
  }
  let integers = true;
  for (let index = 0; index < piece.length; index++) {
    const value = piece[index];
    if (typeof value !== 'number') {
      throw badEntry(name, offset + index, width, value, 'a number');
    }
    integers &&= Number.isInteger(value);
    data[offset + index] = value;
  }
  return integers;
}

function badEntry(name: string, index: number, width: number, value: unknown, expected: string) {
  const sample = Math.floor(index / width);
  const feature = index % width;
  const place =
    width > 1 || name === 'inputs' ? `sample ${sample}, feature ${feature}` : `sample ${sample}`;
  const advice = isArray(value) ? '; flatten each sample and pass its shape as inputShape' : '';
  return new EigenscapeError(
    'ERR_DATA',
    `${name}: ${place} is ${describeValue(value)}; expected ${expected}${advice}`,
    { details: { name, sample, feature, value } },
  );
}

/** Extents of an array: integers of at least 0. */
export function isShape(shape: unknown): shape is readonly number[] {
  return (
    Array.isArray(shape) && shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)
  );
}

function isArray(value: unknown): value is readonly unknown[] | NumericArray {
  return Array.isArray(value) || types.isTypedArray(value);
}

type NumberArray = Exclude<NodeJS.TypedArray, BigInt64Array | BigUint64Array>;

function isNumberArray(array: ArrayLike<unknown>): array is NumberArray {
  return (
    types.isTypedArray(array) && !types.isBigInt64Array(array) && !types.isBigUint64Array(array)
  );
}

// Memory that others can write to must be copied before it is looked at. Plain arrays are read
// once.
function snapshot(array: ArrayLike<unknown>): ArrayLike<unknown> {
  return types.isTypedArray(array) && array.length > 0 ? array.slice() : array;
}

// Newer Node has it; the declarations for Node 20 do not.
function isFloat16Array(array: NumberArray): boolean {
  return Object.prototype.toString.call(array) === '[object Float16Array]';
}
