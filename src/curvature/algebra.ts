// Sums, multiples and shifts of symmetric operators. Those of the library's own are the engine's (combination.ts);
// where a part is the user's, what is written here is what users would write around its product, with the dense
// matrix too where the parts have one.

import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import { inPieces } from '../in-pieces.js';
import { throwIfAborted } from '../long-call.js';
import { combinationOf, operatorOf } from './combination.js';
import type { ProductOptions, SymmetricOperator } from './operator.js';

type Entries = ArrayLike<number>;
type Vectors = Float64Array | Float32Array;
type Signal = AbortSignal | undefined;

/** A + B: float32 only if both are.
 *  @throws EigenscapeError ERR_SHAPE when their sizes differ */
export function add(a: SymmetricOperator, b: SymmetricOperator): SymmetricOperator {
  requirePart('add', a);
  requirePart('add', b);
  if (a.size !== b.size) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `add: the operators have sizes ${String(a.size)} and ${String(b.size)}; expected the same`,
      { details: { call: 'add', sizes: [a.size, b.size] } },
    );
  }
  const [ownA, ownB] = [combinationOf(a), combinationOf(b)];
  if (ownA !== undefined && ownB !== undefined) return operatorOf(ownA.plus(ownB));
  const dtype = a.dtype === 'float32' && b.dtype === 'float32' ? 'float32' : 'float64';
  const sum = (x: Entries, y: Entries, signal?: Signal) =>
    entries(x.length, signal, (index) => (x[index] ?? NaN) + (y[index] ?? NaN));
  const denseA = a.toDense?.bind(a);
  const denseB = b.toDense?.bind(b);
  return {
    size: a.size,
    dtype,
    async apply(vectors, count, options) {
      const left = await product(a, vectors, count, options);
      return sum(left, await product(b, vectors, count, options), options?.signal);
    },
    ...(denseA !== undefined &&
      denseB !== undefined && { toDense: async () => sum(await denseA(), await denseB()) }),
  };
}

/** c·A.
 *  @throws EigenscapeError ERR_SPEC unless c is a finite number */
export function scale(a: SymmetricOperator, c: number): SymmetricOperator {
  requirePart('scale', a);
  requireFactor('scale', c);
  const own = combinationOf(a);
  if (own !== undefined) return operatorOf(own.times(c));
  const multiply = (x: Entries, signal?: Signal) =>
    entries(x.length, signal, (index) => c * (x[index] ?? NaN));
  const dense = a.toDense?.bind(a);
  return {
    size: a.size,
    dtype: a.dtype ?? 'float64',
    apply: async (vectors, count, options) =>
      multiply(await a.apply(vectors, count, options), options?.signal),
    ...(dense !== undefined && { toDense: async () => multiply(await dense()) }),
  };
}

/** A + c·I.
 *  @throws EigenscapeError ERR_SPEC unless c is a finite number */
export function shift(a: SymmetricOperator, c: number): SymmetricOperator {
  requirePart('shift', a);
  requireFactor('shift', c);
  const own = combinationOf(a);
  if (own !== undefined) return operatorOf(own.shifted(c));
  const { size } = a;
  const dense = a.toDense?.bind(a);
  return {
    size,
    dtype: a.dtype ?? 'float64',
    async apply(vectors, count, options) {
      const products = await product(a, vectors, count, options);
      return entries(
        products.length,
        options?.signal,
        (index) => (products[index] ?? NaN) + c * (vectors[index] ?? NaN),
      );
    },
    ...(dense !== undefined && {
      toDense: async () => {
        const matrix = Float64Array.from(await dense());
        for (let i = 0; i < size; i += 1)
          matrix[i * (size + 1)] = (matrix[i * (size + 1)] ?? NaN) + c;
        return matrix;
      },
    }),
  };
}

/** Products of a part. Unless it is the library's, it may keep or change what it is given, so it gets its own. */
async function product(
  part: SymmetricOperator,
  vectors: Vectors,
  count: number,
  options: ProductOptions | undefined,
): Promise<Entries> {
  if (combinationOf(part) !== undefined) return part.apply(vectors, count, options);
  return part.apply(await copyOf(vectors, options?.signal), count, options);
}

async function copyOf(vectors: Vectors, signal: Signal): Promise<Vectors> {
  const { length } = vectors;
  const copy =
    vectors instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
  await inPieces(length, signal, (first, last) => {
    copy.set(vectors.subarray(first, last), first);
  });
  return copy;
}

/** A fresh array, made in pieces: vectors may have millions of entries. */
async function entries(
  length: number,
  signal: Signal,
  entryAt: (index: number) => number,
): Promise<Float64Array> {
  throwIfAborted(signal);
  const result = new Float64Array(length);
  await inPieces(length, signal, (first, last) => {
    for (let index = first; index < last; index += 1) result[index] = entryAt(index);
  });
  return result;
}

function requirePart(call: string, operator: unknown): void {
  const given = typeof operator === 'object' && operator !== null ? operator : {};
  if ('size' in given && 'apply' in given && typeof given.apply === 'function') return;
  throw new EigenscapeError(
    'ERR_SPEC',
    `${call}: given ${describeValue(operator)}; expected an operator: { size, apply(vectors, count) }`,
    { details: { call, value: operator } },
  );
}

function requireFactor(call: string, c: unknown): void {
  if (typeof c === 'number' && Number.isFinite(c)) return;
  throw new EigenscapeError(
    'ERR_SPEC',
    `${call}: the number is ${describeValue(c)}; expected a finite number`,
    { details: { call, value: c } },
  );
}
