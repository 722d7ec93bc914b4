// Outermost eigenpairs against dense spectra: those of PyTorch, and one of order 21,840.

import { readFileSync, readdirSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import * as library from '../../src/index.js';
import {
  createDataset,
  createNetwork,
  extremalEigenpairs,
  gaussNewton,
  hessian,
  residual,
} from '../../src/index.js';
import type { NetworkSpec } from '../../src/index.js';
import { lenet } from '../fixtures/spectrum/lenet-network.mjs';

interface Golden {
  readonly loss: number;
  readonly largest: number[];
  readonly smallest: number[];
}

interface Reference {
  readonly name: string;
  readonly spec: NetworkSpec;
  readonly parameters: number[];
  readonly inputs: number[][];
  readonly targets: number[];
  readonly eigenvalues: Readonly<Record<string, number[]>>;
}

const folder = new URL('../fixtures/reference/', import.meta.url);
const references = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Reference);

const largest = (values: readonly number[] = []) => Math.max(...values.map(Math.abs));

describe('the Hessian of a network with convolutions, M = 21,840', () => {
  it('has the ends that the dense solver found', async () => {
    const golden = JSON.parse(
      readFileSync(new URL('../fixtures/spectrum/lenet-hessian.json', import.meta.url), 'utf8'),
    ) as Golden;
    const { network, data } = await lenet(library);
    expect(await network.loss(data)).toBeCloseTo(golden.loss, 11);
    const { largest, smallest } = await extremalEigenpairs(hessian(network, data), {
      largest: 12,
      smallest: 12,
      tolerance: 1e-7,
    });
    const norm = golden.largest[0] ?? NaN;
    for (const [found, known] of [
      [largest, golden.largest],
      [smallest, golden.smallest],
    ] as const) {
      expect(found.converged.every(Boolean)).toBe(true);
      found.values.forEach((value, k) => {
        expect(Math.abs(value - (known[k] ?? NaN))).toBeLessThan(1e-10 * norm);
      });
    }
  }, 60_000);
});

describe('every network of the reference files', () => {
  it.each(references.map((reference) => [reference.name, reference] as const))(
    '%s: values to 1e-10·‖A‖ where the residual says so',
    async (_, reference) => {
      const { spec, parameters, inputs, targets } = reference;
      const network = createNetwork(spec, { parameters });
      const data = createDataset({ inputs, targets });
      for (const [term, make] of Object.entries({ hessian, gaussNewton, residual })) {
        const known = reference.eigenvalues[term] ?? [];
        // Where a term is zero, PyTorch has rounding of what cancels in H.
        const slack =
          1e-10 * largest(known) + Number.EPSILON * largest(reference.eigenvalues.hessian);
        const ends = await extremalEigenpairs(make(network, data), {
          largest: 5,
          smallest: 5,
          tolerance: 1e-11,
        });
        ends.largest.values.forEach((value, k) => {
          expect(Math.abs(value - (known.at(-1 - k) ?? NaN))).toBeLessThanOrEqual(slack);
        });
        ends.smallest.values.forEach((value, k) => {
          expect(Math.abs(value - (known[k] ?? NaN))).toBeLessThanOrEqual(slack);
        });
        expect([...ends.largest.converged, ...ends.smallest.converged]).not.toContain(false);
      }
    },
    30_000,
  );
});
