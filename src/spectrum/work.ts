// Work of eigenvalues and of what is found from products alone: formulas in the letters of docs/cost-model.md.

import { productWork } from '../curvature/work.js';
import type { OperatorWork } from '../curvature/work.js';
import type { DType } from '../data/dtype.js';
import { secondsPerByte } from '../network/work.js';
import type { StageWork } from '../network/work.js';
import { roundedBlock, roundedRows } from './rounded-search.js';

/** From this order on the reduction goes by a band, on all threads (native/eigensolver/two_stage.cpp). */
const twoStageFrom: Readonly<Record<DType, number>> = { float64: 500, float32: 400 };
/** Width of that band. */
const bandWidth = 32;

/** Shares of the speed of a large product. One stage, on one thread: half of its flops are products with
 *  vectors. By a band: 0.45 at n = 500, 0.7 at 1,000, 0.88 at 4,000 on two cores of 52 GFLOP/s. */
const vectorEfficiency = 0.3;
const oneStageEfficiency = 0.6;
const bandEfficiency = 0.7;
/** Band to tridiagonal form, 6·b·n² flops. */
const chaseEfficiency = 0.16;
/** Flops of a product as long as one of the n² steps that are left: of one stage with what is small in it, of the
 *  values of a tridiagonal matrix alone. */
const stepFlops = { oneStage: 700, counts: 150 };

/** All eigenvalues of a symmetric matrix of order n: 4/3·n³ flops to tridiagonal form, and what grows with n². */
export function eigenvalueWork(n: number, dtype: DType): StageWork {
  const flops = (4 / 3) * n ** 3;
  const common = { stage: 'eigenvalues', flops, seconds: 0 };
  if (n < twoStageFrom[dtype]) {
    const stage = flops / 2 / vectorEfficiency + flops / 2 / oneStageEfficiency;
    return { ...common, equivalent: stage + stepFlops.oneStage * n ** 2, threads: 'one' };
  }
  const chase = (6 * bandWidth * n ** 2) / chaseEfficiency;
  const equivalent = flops / bandEfficiency + chase + stepFlops.counts * n ** 2;
  return { ...common, equivalent, threads: 'all' };
}

/** Seconds for a block of vectors beside its flops: small eigenproblems, JavaScript between the steps. */
const secondsPerStep = 8e-4;
/** Share of the speed of a large product at which vectors are made orthogonal. */
const orthogonalEfficiency = 0.65;

/** Two sweeps over the j vectors before each, 4·M·j flops both: 4·M·p² for p vectors. */
function orthogonalization(size: number, vectors: number, runs: number, steps: number): StageWork {
  const flops = 4 * size * vectors ** 2 * runs;
  return {
    stage: 'orthogonalization',
    flops,
    equivalent: flops / orthogonalEfficiency,
    threads: 'all',
    seconds: steps * secondsPerStep + vectors * runs * size * 8 * secondsPerByte,
  };
}

/** Products that a search for so many outermost pairs takes about, where its basis need not be restarted:
 *  127 for 3, 252 to 444 for 20, 608 to 720 for 40. */
export function lanczosProducts(pairs: number, size: number): number {
  return Math.min(15 * pairs + 60, size + pairs);
}

/** `pairs` outermost eigenpairs by block Lanczos. */
export function lanczosWork(
  work: OperatorWork,
  pairs: number,
  blockSize: number,
): readonly StageWork[] {
  const products = lanczosProducts(pairs, work.size);
  const steps = Math.ceil(products / blockSize);
  return [productWork(work, products, blockSize), orthogonalization(work.size, products, 1, steps)];
}

/** The same at a tolerance that lets float32 begin: `products` and basis there, at twice the speed, then two
 *  products for each pair in float64, one to go on from and one for its residual.
 *  784-70-10: 648 to 690 products in blocks of 8, 80 in float64. Bytes without the kept point. */
export function roundedLanczosWork(
  work: OperatorWork,
  pairs: number,
): { readonly stages: readonly StageWork[]; readonly bytes: number } {
  const single = { ...work, entryBytes: 4 };
  const products = Math.ceil(lanczosProducts(pairs, work.size) / roundedBlock) * roundedBlock;
  const rows = Math.min(products, roundedRows(pairs, roundedBlock));
  const runs = products / rows;
  const halved = [
    productWork(single, products, roundedBlock),
    orthogonalization(work.size, rows, runs, products / roundedBlock),
  ].map((stage) => ({ ...stage, equivalent: stage.equivalent / 2 }));
  return {
    stages: [...halved, productWork(work, 2 * pairs, pairs)],
    bytes: work.size * (4 * rows + 8 * 5 * pairs + 4),
  };
}

/** A density from `probes` runs of `steps` steps side by side; vectors cross between engine and JavaScript
 *  several times a step. */
export function densityWork(
  work: OperatorWork,
  probes: number,
  steps: number,
): readonly StageWork[] {
  const made = Math.min(steps, work.size);
  const crossings = 6 * probes * made * work.size * 8 * secondsPerByte;
  const rest = orthogonalization(work.size, made, probes, made);
  return [productWork(work, probes * made, probes), { ...rest, seconds: rest.seconds + crossings }];
}
