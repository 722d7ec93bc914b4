// Which way `spectrum` goes for one matrix, and what it does when the matrix does not fit.

import { EigenscapeError } from '../errors.js';
import { addon } from '../native.js';
import type { DType } from '../data/dtype.js';

export type SpectrumMethod = 'dense' | 'lanczos' | 'density';

export interface MethodChoice {
  readonly method: SpectrumMethod;
  /** A sentence for people. */
  readonly reason: string;
}

export interface MethodRequest {
  readonly method: 'auto' | SpectrumMethod;
  readonly size: number;
  readonly dtype: DType;
  readonly largest: number | undefined;
  readonly smallest: number | undefined;
}

/** Bytes of the dense matrix; what its eigenvalues take beside it is small against them. */
export function matrixBytes(size: number, dtype: DType): number {
  return size ** 2 * (dtype === 'float32' ? 4 : 8);
}

/** 'auto' is dense where the matrix fits; else Lanczos if a number of eigenvalues was asked for. A density
 *  is no list of eigenvalues, so it is taken only where asked for.
 *  @throws EigenscapeError ERR_MEMORY naming the calls that would answer */
export function chooseMethod(request: MethodRequest): MethodChoice {
  const { method, size, dtype, largest, smallest } = request;
  if (method === 'lanczos' || method === 'density') return { method, reason: 'as asked' };
  const bytes = matrixBytes(size, dtype);
  const { freeMemory } = addon().machine();
  const gigabytes = (amount: number): string => `${(amount / 1e9).toFixed(1)} GB`;
  const need = `the dense matrix of ${String(size)} parameters needs ${gigabytes(bytes)}`;
  if (bytes <= freeMemory) {
    const reason = `${need}, and ${gigabytes(freeMemory)} are free`;
    return { method: 'dense', reason: method === 'dense' ? 'as asked' : reason };
  }
  const reason = `${need}, but ${gigabytes(freeMemory)} are free`;
  if (method === 'auto' && (largest !== undefined || smallest !== undefined)) {
    return { method: 'lanczos', reason };
  }
  throw new EigenscapeError(
    'ERR_MEMORY',
    `spectrum: ${reason}; spectrum(network, data, { method: 'lanczos', largest: 20, smallest: 20 }) ` +
      "finds the outermost eigenvalues without it, { method: 'density' } how they are distributed; " +
      'operator.apply(vectors, count) multiplies by it',
    { details: { bytes, freeMemory, size } },
  );
}
