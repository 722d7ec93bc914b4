// XTrace (Epperly, Tropp and Webber 2024): every random vector ω spans the range of A together with the
// others, and is itself the test of what their span leaves. With Q·R = A·Ω (k columns), and s_i ⊥ r_j for
// all j ≠ i, the span without ω_i is Q(I − s_i s_iᵀ), so that all k estimates come from k × k matrices:
//
//   tr_i = tr H − s_iᵀ H s_i + ρ_i (ω_iᵀA ω_i − 2 u_iᵀ r_i + u_iᵀ H u_i)
//   H = QᵀAQ,  w_i = Qᵀω_i,  u_i = w_i − s_i s_iᵀ w_i,  ω_iᵀAω_i = w_iᵀ r_i
//
// For normal ω the part of ω_i outside the span has a uniform direction: ρ_i, its expected squared length
// over the one that it has, takes out the variance of that length (and makes the identity exact).

import { callEngine, runJob } from '../long-call.js';
import { addon } from '../native.js';
import type { LongCallOptions } from '../progress.js';
import type { Products } from './products.js';
import { mean, negligible } from './random-forms.js';

type Vector = readonly number[];

/** The estimates share most of their span, so that they scatter less than their mean errs. Measured over 60
 *  runs each on four spectra, n = 60 with k = 10 and 22, n = 200 with k = 20: by 1.0 to 1.5. */
const widening = Math.SQRT2;

/** tr(A) with about as many products, and the standard error over the vectors left out. */
export async function xtrace(
  products: Products,
  wanted: number,
  seed: number,
  options: LongCallOptions,
): Promise<{ value: number; standardError: number }> {
  const { size } = products;
  const k = Math.min(Math.floor(wanted / 2), size);
  const reduced = await reduce(products, k, seed, options);
  const trace = reduced.h.reduce((sum, row, i) => sum + (row[i] ?? NaN), 0);
  if (reduced.h.length === size) return { value: trace, standardError: 0 };
  const { value, standardError } = mean(
    reduced.r.map((r, i) => trace + leftOut(reduced, size, r, i)),
  );
  return { value, standardError: widening * standardError };
}

interface Reduced {
  /** [rank, rank] */
  readonly h: readonly Vector[];
  /** Rows r_i, w_i, s_i [k, rank]. */
  readonly r: readonly Vector[];
  readonly w: readonly Vector[];
  readonly s: readonly Vector[];
  /** ‖ω_i‖² */
  readonly squares: Vector;
}

/** What vector i adds to tr H when it is left out of the span. */
function leftOut({ h, w, s, squares }: Reduced, size: number, r: Vector, i: number): number {
  const w_i = w[i] ?? [];
  const s_i = s[i] ?? [];
  const along = dot(s_i, w_i);
  const u = w_i.map((entry, j) => entry - (s_i[j] ?? NaN) * along);
  const outside = (squares[i] ?? NaN) - dot(u, u);
  const dimension = size - h.length + (s_i.some((entry) => entry !== 0) ? 1 : 0);
  // A span of everything but for rounding leaves nothing to estimate.
  const ratio = outside > 1e-12 * (squares[i] ?? NaN) ? dimension / outside : 0;
  return ratio * (dot(w_i, r) - 2 * dot(u, r) + form(h, u)) - form(h, s_i);
}

/** Products with Ω and with Q, and all that the estimates need of them. */
async function reduce(
  products: Products,
  k: number,
  seed: number,
  { signal, threads }: LongCallOptions,
): Promise<Reduced> {
  const call = { signal, threads };
  const basis = callEngine(() => addon().createBasis(products.size, 2 * k, 'float64'));
  const inner = async (first: number, base: number): Promise<Vector[]> =>
    rowsOf(await runJob(call, (job) => addon().basisProducts(basis, first, k, base, k, job)), k);
  try {
    await runJob(call, (job) => addon().randomizeBasis(basis, k, k, 2 * seed + 1, 'normal', job));
    await products.multiplyRows(basis, k, k, 0);
    const least = negligible(await inner(0, 0), products.dtype);
    const run = { base: 0, first: 0, count: k, least, seed: 2 * seed + 1 };
    const c = await runJob(call, (job) => addon().orthonormalizeBasis(basis, run, job));
    const w = await inner(k, 0);
    const squares = (await inner(k, k)).map((row, i) => row[i] ?? NaN);
    await products.multiplyRows(basis, 0, k, k);
    const unit = products.dtype === 'float32' ? 2 ** -23 : 2 ** -52;
    return truncate({ r: rowsOf(c, k), w, h: await inner(k, 0), squares }, unit);
  } finally {
    addon().releaseBasis(basis);
  }
}

/** Into the numerical range of A·Ω: directions B of R's rows by pivoted Gram-Schmidt, and B·Qᵀ in the place
 *  of Qᵀ. */
function truncate(full: Omit<Reduced, 's'>, unit: number): Reduced {
  const { directions, lengths } = pivotedGramSchmidt(full.r, 8 * full.r.length * unit);
  const into = (rows: readonly Vector[]): Vector[] =>
    rows.map((row) => directions.map((direction) => dot(row, direction)));
  const r = into(full.r);
  return {
    r,
    w: into(full.w),
    h: into(transpose(into(full.h))),
    s: outsiders(r, lengths),
    squares: full.squares,
  };
}

/** Orthonormal directions of rows, the longest remainder first, down to `least` of the longest. */
function pivotedGramSchmidt(
  rows: readonly Vector[],
  least: number,
): { directions: Vector[]; lengths: Vector } {
  const directions: Vector[] = [];
  const lengths: number[] = [];
  let rest = rows.map((row) => [...row]);
  for (;;) {
    const norms = rest.map((row) => Math.sqrt(dot(row, row)));
    const length = Math.max(...norms);
    if (!(length > least * (lengths[0] ?? 0)) || lengths.length === rows.length) break;
    const longest = without(rest[norms.indexOf(length)] ?? [], directions);
    const norm = Math.sqrt(dot(longest, longest));
    const direction = longest.map((entry) => entry / norm);
    directions.push(direction);
    lengths.push(length);
    rest = rest.map((row) => without(row, [direction]));
  }
  return { directions, lengths };
}

/** s_i of unit length, orthogonal to all rows of R [k, rank] but the i-th, or 0 where the others span
 *  all. With R·diag(1/length) = V·L, V of orthonormal columns, row i of V is that of e_i, of length 1, where
 *  no other row reaches; then s_i ∝ diag(1/length) L⁻¹ v_i. */
function outsiders(r: readonly Vector[], lengths: Vector): Vector[] {
  const [longest = 1] = lengths;
  const scaled = r.map((row) => row.map((entry, j) => entry / (lengths[j] ?? NaN)));
  const columns: Vector[] = [];
  const upper: number[][] = [];
  for (const column of transpose(scaled)) {
    const rest = without(without(column, columns), columns);
    const norm = Math.sqrt(dot(rest, rest));
    upper.push([...columns.map((earlier) => dot(earlier, column)), norm]);
    columns.push(rest.map((entry) => entry / norm));
  }
  return r.map((_, i) => {
    const v = columns.map((column) => column[i] ?? NaN);
    if (dot(v, v) < 1 - 1e-8) return v.map(() => 0);
    const s = backSubstitute(upper, v).map((entry, j) => (entry * longest) / (lengths[j] ?? NaN));
    const norm = Math.hypot(...s);
    return s.map((entry) => entry / norm);
  });
}

/** x of L·x = y, where `upper[j]` is column j of L down to its diagonal. */
function backSubstitute(upper: readonly Vector[], y: Vector): number[] {
  const x = [...y];
  for (let j = x.length - 1; j >= 0; j -= 1) {
    const column = upper[j] ?? [];
    const entry = (x[j] ?? NaN) / (column[j] ?? NaN);
    for (let i = 0; i < j; i += 1) x[i] = (x[i] ?? NaN) - (column[i] ?? NaN) * entry;
    x[j] = entry;
  }
  return x;
}

/** The row less its shares in orthonormal directions. */
function without(row: Vector, directions: readonly Vector[]): number[] {
  const rest = [...row];
  for (const direction of directions) {
    const along = dot(rest, direction);
    for (let j = 0; j < rest.length; j += 1) {
      rest[j] = (rest[j] ?? NaN) - along * (direction[j] ?? NaN);
    }
  }
  return rest;
}

function dot(x: Vector, y: Vector): number {
  let sum = 0;
  for (let i = 0; i < x.length; i += 1) sum += (x[i] ?? NaN) * (y[i] ?? NaN);
  return sum;
}

/** xᵀ H x */
function form(h: readonly Vector[], x: Vector): number {
  return dot(
    x,
    h.map((row) => dot(row, x)),
  );
}

function transpose(rows: readonly Vector[]): Vector[] {
  return (rows[0] ?? []).map((_, j) => rows.map((row) => row[j] ?? NaN));
}

function rowsOf(flat: Float64Array, count: number): Vector[] {
  const width = flat.length / count;
  return Array.from({ length: count }, (_, i) =>
    Array.from(flat.subarray(i * width, (i + 1) * width)),
  );
}
