// Matrices of which the eigenvalues are known, or that are hard to take apart.

import { matrixOperator } from '../../src/index.js';
import { createRandom } from '../../src/data/random.js';

export const epsilon = { float64: 2 ** -52, float32: 2 ** -23 } as const;
export type DTypeName = keyof typeof epsilon;

const arrayOf = (dtype: DTypeName, length: number): Float64Array | Float32Array =>
  new (dtype === 'float32' ? Float32Array : Float64Array)(length);

/** Q D Q for Q = I − 2uuᵀ with a random unit vector u: its eigenvalues are those of D. */
export function withSpectrum(spectrum: Float64Array, dtype: DTypeName) {
  const size = spectrum.length;
  const random = createRandom(5);
  const u = Float64Array.from({ length: size }, () => random.normal());
  const length = Math.hypot(...u);
  for (let i = 0; i < size; i += 1) u[i] = (u[i] ?? NaN) / length;
  const du = u.map((value, i) => value * (spectrum[i] ?? NaN));
  const udu = du.reduce((sum, value, i) => sum + value * (u[i] ?? NaN), 0);
  const matrix = arrayOf(dtype, size * size);
  for (let i = 0; i < size; i += 1) {
    const [ui, dui] = [u[i] ?? NaN, du[i] ?? NaN];
    for (let j = 0; j < i; j += 1) {
      const [uj, duj] = [u[j] ?? NaN, du[j] ?? NaN];
      const entry = 4 * udu * ui * uj - 2 * (ui * duj + dui * uj);
      matrix[i * size + j] = entry;
      matrix[j * size + i] = entry;
    }
    matrix[i * size + i] = (spectrum[i] ?? NaN) + 4 * udu * ui * ui - 4 * ui * dui;
  }
  return matrixOperator(matrix, size);
}

/** Row i has diagonal(i), and beside(i) left of it. */
export function tridiagonal(
  size: number,
  diagonal: (i: number) => number,
  beside: (i: number) => number,
  dtype: DTypeName = 'float64',
) {
  const matrix = arrayOf(dtype, size * size);
  for (let i = 0; i < size; i += 1) {
    matrix[i * size + i] = diagonal(i);
    if (i > 0) {
      matrix[i * size + i - 1] = beside(i);
      matrix[(i - 1) * size + i] = beside(i);
    }
  }
  return matrixOperator(matrix, size);
}
