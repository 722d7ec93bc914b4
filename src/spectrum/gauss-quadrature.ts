// Gauss quadrature of a tridiagonal matrix: its eigenvalues, and the squares of the first entries of its
// unit eigenvectors (Golub and Welsch 1969), by implicit QL with Wilkinson's shift.

import { EigenscapeError } from '../errors.js';

/** @param alpha diagonal [m]
 *  @param beta the entries beside it [m − 1]
 *  @returns nodes ascending, and weights ≥ 0 that sum to 1 */
export function gaussQuadrature(
  alpha: readonly number[],
  beta: readonly number[],
): { readonly nodes: Float64Array; readonly weights: Float64Array } {
  const m = alpha.length;
  const d = Float64Array.from(alpha);
  const e = Float64Array.from({ length: m }, (_, i) => (i < m - 1 ? (beta[i] ?? 0) : 0));
  const z = new Float64Array(m);
  z[0] = 1;
  for (let l = 0; l < m; l += 1) {
    for (let turn = 0; ; turn += 1) {
      const end = endOfBlock(d, e, l);
      if (end === l) break;
      if (turn === 60) {
        throw new EigenscapeError(
          'ERR_NUMERIC',
          `the eigenvalues of a tridiagonal matrix of order ${String(m)} did not converge; take fewer steps`,
          { details: { order: m } },
        );
      }
      turnOnce(d, e, z, l, end);
    }
  }
  const order = Array.from(d, (_, i) => i).sort((i, j) => (d[i] ?? 0) - (d[j] ?? 0));
  return {
    nodes: Float64Array.from(order, (i) => d[i] ?? NaN),
    weights: Float64Array.from(order, (i) => (z[i] ?? NaN) ** 2),
  };
}

/** The last row of the block that begins at row l: beyond it e vanishes beside its neighbours. */
function endOfBlock(d: Float64Array, e: Float64Array, l: number): number {
  let end = l;
  while (end < d.length - 1) {
    const size = Math.abs(d[end] ?? 0) + Math.abs(d[end + 1] ?? 0);
    if (Math.abs(e[end] ?? 0) <= Number.EPSILON * size) break;
    end += 1;
  }
  return end;
}

/** One QL sweep over rows l … end, whose rotations z goes through too. */
function turnOnce(d: Float64Array, e: Float64Array, z: Float64Array, l: number, end: number): void {
  const at = (values: Float64Array, i: number): number => values[i] ?? 0;
  let g = (at(d, l + 1) - at(d, l)) / (2 * at(e, l));
  const root = Math.hypot(g, 1);
  g = at(d, end) - at(d, l) + at(e, l) / (g + (g >= 0 ? root : -root));
  let [s, c, p] = [1, 1, 0];
  for (let i = end - 1; i >= l; i -= 1) {
    const f = s * at(e, i);
    const b = c * at(e, i);
    const r = Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1] = at(d, i + 1) - p;
      e[end] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = at(d, i + 1) - p;
    const t = (at(d, i) - g) * s + 2 * c * b;
    p = s * t;
    d[i + 1] = g + p;
    g = c * t - b;
    const upper = at(z, i + 1);
    z[i + 1] = s * at(z, i) + c * upper;
    z[i] = c * at(z, i) - s * upper;
  }
  d[l] = at(d, l) - p;
  e[l] = g;
  e[end] = 0;
}
