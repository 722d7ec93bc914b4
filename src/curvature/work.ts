// Work of products and of dense matrices: formulas in the letters of docs/cost-model.md.

import { passWork, entryFlops, secondsPerByte, secondsPerCall } from '../network/work.js';
import type { LayerWork, StageWork } from '../network/work.js';
import type { CurvatureTerm } from './operator.js';

/** What the work on one operator is counted from. */
export interface OperatorWork {
  readonly term: CurvatureTerm;
  readonly layers: readonly LayerWork[];
  /** N */
  readonly samples: number;
  /** M, of the block where one was chosen. */
  readonly size: number;
  readonly entryBytes: number;
  /** Parameters of each dense layer in the matrix, in order, if closed forms hold for it. */
  readonly chain: readonly ChainWork[] | undefined;
  /** Whether the point is evaluated once for all products, or again for every block. */
  readonly keepsPoint: boolean;
}

/** A dense layer of a chain. */
export interface ChainWork {
  /** d_l: inputs in the matrix, the 1 of the bias among them. */
  readonly inputs: number;
  /** h_l */
  readonly units: number;
  /** Share of the samples in which a unit has a derivative: about a half after ReLU. */
  readonly active: number;
  /** Whether its activation has a second derivative. */
  readonly curved: boolean;
}

const secondOrder = (term: CurvatureTerm): boolean => term === 'hessian' || term === 'residual';

/** Share of the speed of a large product that those of tangent and adjoint passes reach: 0.50 in layers 30
 *  wide, 0.55 in convolutions of 10 and 20 channels, 0.65 to 0.9 in layers 70 wide and more. */
const passEfficiency = 0.6;

/** Products with `count` vectors, `blockSize` at once. Tangent: W + W' multiplications per sample and vector; adjoint
 *  as many; H and R have as many again where weights and inputs both move: 2(2W + 4W') flops, G and Fisher
 *  2(2W + 2W'). Forward and adjoint at the point, 2(W + W'), once or for each block. */
export function productWork(work: OperatorWork, count: number, blockSize: number): StageWork {
  const { term, layers, samples, size, entryBytes, keepsPoint } = work;
  const { all, inner } = passWork(layers);
  const perVector = 2 * (2 * all + (secondOrder(term) ? 4 : 2) * inner);
  const blocks = Math.ceil(count / blockSize);
  const points = keepsPoint ? 1 : blocks;
  const flops = samples * (count * perVector + points * 2 * (all + inner));
  return {
    stage: 'products',
    flops,
    equivalent: flops / passEfficiency,
    threads: 'all',
    seconds: blocks * secondsPerCall + count * size * entryBytes * secondsPerByte,
  };
}

/** Share of the speed of a large product that those of the closed form reach, with N as inner dimension. */
const tileEfficiency = 0.95;

/** The same of products as thin as a layer is wide. */
const gramEfficiency = 0.5;

/** The dense matrix. By the closed form, with M_l = h_l·d_l and q_l the share of samples that enter: block
 *  (m, l) takes 2·N·q_l·M_m·M_l flops, a block on the diagonal a quarter of it; its factor X has
 *  N·q_l·M_m·h_l entries, E_{m,l} N·h_m·h_l. Else M products. The matrix is written once. */
export function assemblyWork(work: OperatorWork, blockSize: number): StageWork {
  const { size, entryBytes, chain } = work;
  const write = size ** 2 * entryBytes * secondsPerByte;
  if (chain === undefined) {
    const products = productWork(work, size, Math.min(blockSize, size));
    return { ...products, stage: 'assembly', seconds: products.seconds + write };
  }
  const { flops, entries } = closedForm(work, chain);
  return {
    stage: 'assembly',
    flops,
    equivalent: flops / tileEfficiency + entryFlops * entries,
    threads: 'all',
    seconds: secondsPerCall + write,
  };
}

/** The Gram matrix of R rows: of dense layers R²·Σh + N²·Σd flops, of others R²·M, and the passes behind the rows. */
export function gramWork(
  work: OperatorWork,
  { rows, flops }: { readonly rows: number; readonly flops: number },
): StageWork {
  const { all, inner } = passWork(work.layers);
  const passes = 2 * (work.samples * (all + inner) + rows * inner);
  return {
    stage: 'assembly',
    flops: flops + passes,
    equivalent: flops / gramEfficiency + passes / passEfficiency + 4 * entryFlops * rows ** 2,
    threads: 'all',
    seconds: secondsPerCall + rows ** 2 * work.entryBytes * secondsPerByte,
  };
}

/** Flops of the products, and entries that are computed one by one. */
function closedForm(
  { term, samples }: OperatorWork,
  chain: readonly ChainWork[],
): { flops: number; entries: number } {
  let [flops, entries] = [0, 0];
  const curved = term !== 'residual' || chain.some((layer) => layer.curved);
  for (const [m, rows] of chain.entries()) {
    for (const [l, columns] of chain.slice(0, m + 1).entries()) {
      const diagonal = l === m;
      if (diagonal && !curved) continue;
      const n = samples * columns.active;
      const parameters = rows.units * rows.inputs;
      flops += (2 * n * parameters * columns.units * columns.inputs) / (diagonal ? 4 : 1);
      entries += (n * parameters * columns.units) / (diagonal ? 2 : 1);
      entries += 2 * samples * rows.units * columns.units;
    }
  }
  return { flops, entries };
}
