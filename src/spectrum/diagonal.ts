// The diagonal of an operator, entry by entry with its error.

import type { SymmetricOperator } from '../curvature/operator.js';
import { inPieces } from '../in-pieces.js';
import { callEngine, runJob } from '../long-call.js';
import { addon } from '../native.js';
import type { BasisHandle } from '../native.js';
import { optionsOf, parseOptions } from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { requireOperator } from './dense-matrix.js';
import { exactDiagonal, hasDiagonalFormula, largestDense } from './exact-diagonal.js';
import { exactOrHutchinson, probeEntries } from './probe-options.js';
import type { ProbeOptions } from './probe-options.js';
import { Products } from './products.js';

/** Options of {@link diagonal}. */
export interface DiagonalOptions extends ProbeOptions {
  /** 'exact' goes by a formula for chains of dense layers, at the cost of a few gradients, else by a
   *  product with every unit vector: the default up to size 2,000, and where there is a formula.
   *  'hutchinson' averages z ∘ Az over z of ±1 (Bekas, Kokiopoulou and Saad 2007): the default beyond. */
  readonly method?: 'exact' | 'hutchinson' | undefined;
}

/** What {@link diagonal} resolves to. */
export interface DiagonalEstimate {
  /** [size] */
  readonly values: Float64Array;
  /** [size]; 0 means exact but for rounding. The variance of one product is Σ_{j≠i} a_ij². */
  readonly standardErrors: Float64Array;
  readonly method: 'exact' | 'hutchinson';
}

const schema = optionsOf({ ...probeEntries, method: exactOrHutchinson });

/** Vectors multiplied at once. */
const vectorsAtOnce = 16;

/** diag(A).
 *  @throws EigenscapeError ERR_NUMERIC when a product is not finite, or a user's operator is not symmetric
 *  or not repeatable
 *  @example const { values } = await diagonal(gaussNewton(network, data)) */
export async function diagonal(
  operator: SymmetricOperator,
  options: DiagonalOptions = {},
): Promise<DiagonalEstimate> {
  const parsed = parseOptions('diagonal', schema, options);
  requireOperator(operator);
  const cheap = operator.size <= largestDense || hasDiagonalFormula(operator);
  const method = parsed.method ?? (cheap ? 'exact' : 'hutchinson');
  if (method === 'hutchinson') {
    const products = await Products.of('diagonal', operator, options);
    return { ...(await hutchinson(products, parsed.products, parsed.seed, options)), method };
  }
  const values = await exactDiagonal('diagonal', operator, options);
  return { values, standardErrors: new Float64Array(values.length), method };
}

/** Mean and standard error of z ∘ Az, entry by entry, in one pass (Welford 1962). */
async function hutchinson(
  products: Products,
  wanted: number,
  seed: number,
  { signal, onProgress, threads }: LongCallOptions,
): Promise<{ values: Float64Array; standardErrors: Float64Array }> {
  const { size } = products;
  const values = new Float64Array(size);
  const squares = new Float64Array(size);
  const room = Math.min(vectorsAtOnce, wanted);
  const basis = callEngine(() => addon().createBasis(size, room, 'float64'));
  try {
    for (let done = 0; done < wanted;) {
      const count = Math.min(room, wanted - done);
      const stream = 2 * seed + 7919 * (done + 1);
      await runJob({ signal, threads }, (job) =>
        addon().randomizeBasis(basis, 0, count, stream, 'rademacher', job),
      );
      const z = await rowsOf(basis, count, size, { signal, threads });
      const image = await products.apply(products.isOwn ? z : z.slice());
      for (let k = 0; k < count; k += 1) {
        done += 1;
        const seen = done;
        await inPieces(size, signal, (first, last) => {
          for (let i = first; i < last; i += 1) {
            const entry = (z[k * size + i] ?? NaN) * (image[k * size + i] ?? NaN);
            const before = values[i] ?? NaN;
            const after = before + (entry - before) / seen;
            values[i] = after;
            squares[i] = (squares[i] ?? NaN) + (entry - before) * (entry - after);
          }
        });
      }
      onProgress?.({ stage: 'diagonal', done, total: wanted, secondsLeft: undefined });
    }
  } finally {
    addon().releaseBasis(basis);
  }
  const standardErrors = squares;
  await inPieces(size, signal, (first, last) => {
    for (let i = first; i < last; i += 1) {
      standardErrors[i] = Math.sqrt((squares[i] ?? NaN) / (wanted - 1) / wanted);
    }
  });
  return { values, standardErrors };
}

/** The first rows of a basis, as an array of their own. */
function rowsOf(
  basis: BasisHandle,
  count: number,
  size: number,
  options: LongCallOptions,
): Promise<Float64Array> {
  const ranks = Uint32Array.from({ length: count }, (_, row) => row);
  const rows = new Float64Array(count * size);
  return runJob(options, (job) => addon().copyBasisRows(basis, ranks, rows, job));
}
