// A search that float32 begins: its answer is that of float64 alone, whatever rounding did on the way.

import { describe, expect, it } from 'vitest';
import {
  createDataset,
  createNetwork,
  extremalEigenpairs,
  gaussNewton,
  hessian,
  randomInputs,
} from '../../src/index.js';
import type { CurvatureOperator, EigenpairsAtEnd, Network } from '../../src/index.js';

/** 100-90-10: M = 10,000, the least size of which float32 begins the search. */
const spec = {
  input: [100],
  layers: [{ type: 'dense', units: 90 }, { type: 'relu' }, { type: 'dense', units: 10 }],
  loss: 'softmaxCrossEntropy',
} as const;
const data = randomInputs({ samples: 40, inputShape: [100], classes: 10, seed: 3 });

async function trueResiduals(operator: CurvatureOperator, end: EigenpairsAtEnd): Promise<number[]> {
  const { size } = operator;
  const count = end.values.length;
  const products = await operator.apply(end.vectors, count);
  return Array.from({ length: count }, (_, k) => {
    let square = 0;
    for (let i = k * size; i < (k + 1) * size; i += 1) {
      square += ((products[i] ?? NaN) - (end.values[k] ?? NaN) * (end.vectors[i] ?? NaN)) ** 2;
    }
    return Math.sqrt(square);
  });
}

function overlap(end: EigenpairsAtEnd, size: number): number {
  let worst = 0;
  for (let a = 0; a < end.values.length; a += 1) {
    for (let b = 0; b <= a; b += 1) {
      let sum = 0;
      for (let i = 0; i < size; i += 1) {
        sum += (end.vectors[a * size + i] ?? NaN) * (end.vectors[b * size + i] ?? NaN);
      }
      worst = Math.max(worst, Math.abs(sum - (a === b ? 1 : 0)));
    }
  }
  return worst;
}

async function requireRight(operator: CurvatureOperator, loose: number): Promise<void> {
  const counts = { largest: 6, smallest: 6 };
  const found = await extremalEigenpairs(operator, { ...counts, tolerance: loose });
  // Too tight for float32: this search is one of float64 from the first product.
  const exact = await extremalEigenpairs(operator, { ...counts, tolerance: 1e-10 });
  const scale = Math.max(...[...exact.largest.values, ...exact.smallest.values].map(Math.abs));
  for (const end of ['largest', 'smallest'] as const) {
    expect(found[end].converged).toEqual(Array.from({ length: 6 }, () => true));
    const residuals = await trueResiduals(operator, found[end]);
    residuals.forEach((norm, k) => {
      expect(norm).toBeLessThanOrEqual(loose * scale);
      expect(Math.abs(norm - (found[end].residualNorms[k] ?? NaN))).toBeLessThan(1e-13 * scale);
      const distance = (found[end].values[k] ?? NaN) - (exact[end].values[k] ?? NaN);
      expect(Math.abs(distance)).toBeLessThanOrEqual(found.bound + exact.bound + 1e-14 * scale);
    });
    expect(overlap(found[end], operator.size)).toBeLessThan(1e-12);
  }
}

const network = (): Network<'float64'> => createNetwork(spec, { seed: 2 });

describe('a search at 1e-6 in float64', () => {
  it('ends with the pairs of a search in float64 alone, within their residuals', async () => {
    await requireRight(hessian(network(), data), 1e-6);
  });

  it('does so for a matrix most of whose eigenvalues are 0', async () => {
    await requireRight(gaussNewton(network(), data), 1e-6);
  });

  it('does so for a shifted block of it', async () => {
    const operator = hessian(network(), data, { weightDecay: 0.25 });
    await requireRight(operator, 1e-6);
  });

  it('takes its way in float64 where the network is beyond the range of float32', async () => {
    const net = network();
    // Inputs of 1e25 and weights of 1e-25 give the outputs that 1 and 1 give; products do not fit.
    const theta = net.parameters();
    for (let i = 0; i < 90 * 100; i += 1) theta[i] = (theta[i] ?? NaN) * 1e-25;
    net.setParameters(theta);
    const inputs = Float64Array.from(data.inputs(), (value) => value * 1e25);
    const large = createDataset({ inputs, targets: data.targets(), inputShape: [100] });
    await requireRight(hessian(net, large), 1e-6);
  });

  it('leaves the event loop free and can be aborted', async () => {
    const signal = AbortSignal.timeout(1);
    await expect(
      extremalEigenpairs(hessian(network(), data), { largest: 20, tolerance: 1e-6, signal }),
    ).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  });
});
