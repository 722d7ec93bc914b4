// Plain values with arrays of numbers in them, as a checkpoint holds them: arrays become tensors,
// the rest JSON. What comes out has the bits of what went in.

import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';

export type FloatArray = Float64Array | Float32Array;

export interface Packed {
  /** Plain JSON; `{ "$array": path }` stands for an array, `{ "$number": "NaN" }` for what JSON lacks, null for
   *  undefined. */
  readonly json: unknown;
  /** By the path from the value to the array: 'velocity', 'moments.0'. */
  readonly arrays: ReadonlyMap<string, FloatArray>;
}

/** @throws EigenscapeError ERR_SPEC for a function or anything else that no file holds */
export function pack(value: unknown): Packed {
  const arrays = new Map<string, FloatArray>();
  return { json: packAt(value, [], arrays), arrays };
}

function packAt(value: unknown, path: readonly string[], arrays: Map<string, FloatArray>): unknown {
  if (value instanceof Float64Array || value instanceof Float32Array) {
    const name = path.join('.');
    arrays.set(name, value);
    return { $array: name };
  }
  if (typeof value === 'number') {
    const isJson = Number.isFinite(value) && !Object.is(value, -0);
    return isJson ? value : { $number: Object.is(value, -0) ? '-0' : String(value) };
  }
  if (Array.isArray(value)) {
    return value.map((entry, index) => packAt(entry, [...path, String(index)], arrays));
  }
  if (isPlain(value)) {
    const entries = Object.entries(value).map(([key, entry]) => [
      key,
      packAt(entry, [...path, key], arrays),
    ]);
    return Object.fromEntries(entries);
  }
  if (value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  throw new EigenscapeError(
    'ERR_SPEC',
    `saveCheckpoint: '${path.join('.')}' is ${describeValue(value)}, ` +
      'which no file holds; expected plain values',
    { details: { path } },
  );
}

/** The value that {@link pack} was given.
 *  @throws SyntaxError where an array is absent */
export function unpack(json: unknown, arrays: ReadonlyMap<string, FloatArray>): unknown {
  if (Array.isArray(json)) return json.map((entry) => unpack(entry, arrays));
  if (json === null) return undefined;
  if (!isPlain(json)) return json;
  if (typeof json.$number === 'string') return Number(json.$number);
  if (typeof json.$array !== 'string') {
    const entries = Object.entries(json).map(([key, entry]) => [key, unpack(entry, arrays)]);
    return Object.fromEntries(entries);
  }
  const array = arrays.get(json.$array);
  if (array === undefined) throw new SyntaxError(`the array '${json.$array}' is missing`);
  return array;
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
