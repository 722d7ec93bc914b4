// What the functions of a custom loss return, and what such a loss cannot.

import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  hessian,
  isEigenscapeError,
  spectra,
} from '../../src/index.js';
import type { CustomLossSpec, EigenscapeErrorCode, LossTarget } from '../../src/index.js';
import { refusal } from '../data/refusal.js';
import { data, networkWith, altered, refusalsOf } from './custom-networks.js';
import { saddle, writtenCrossEntropy } from './written-losses.js';

describe('results', () => {
  it.each<[EigenscapeErrorCode, string, () => unknown, RegExp]>([
    ['ERR_NUMERIC', 'value', () => NaN, /value of sample 0 is NaN; expected a finite number/],
    ['ERR_NUMERIC', 'gradient', () => [0, Infinity], /entry 1 of gradient of sample 0 is Infinity/],
    [
      'ERR_NUMERIC',
      'hessian',
      () => [
        [0, 0],
        [0, NaN],
      ],
      /entry \(1, 1\) of hessian of sample 0 is NaN/,
    ],
    ['ERR_SPEC', 'value', () => '1', /value of sample 0 is "1"; expected a finite number/],
    ['ERR_SPEC', 'value', () => undefined, /value of sample 0 is undefined/],
    [
      'ERR_SPEC',
      'gradient',
      () => 1,
      /gradient of sample 0 has 1; expected 2, one for each output/,
    ],
    ['ERR_SPEC', 'gradient', () => [1, null], /entry 1 of gradient of sample 0 is null/],
    [
      'ERR_SHAPE',
      'gradient',
      () => [1],
      /gradient of sample 0 has 1 entries; expected 2, one for each output/,
    ],
    [
      'ERR_SHAPE',
      'hessian',
      () => [1, 2],
      /hessian of sample 0 has 2 entries; expected 2 × 2 row-major, or 2 rows of 2/,
    ],
    [
      'ERR_SHAPE',
      'hessian',
      () => [[1, 2], [1]],
      /hessian of sample 0 has 1 entries; expected .* as row 1 is not/,
    ],
    ['ERR_SPEC', 'hessian', () => null, /hessian of sample 0 has null; expected 2 × 2/],
    [
      'ERR_SPEC',
      'value',
      () => Promise.resolve(1),
      /value returned a promise for sample 0; expected its result at once/,
    ],
    [
      'ERR_SPEC',
      'hessian',
      () => Promise.reject(new Error('late')),
      /hessian returned a promise for sample 0/,
    ],
  ])('%s: %s that gives %o', async (code, part, give, message) => {
    const network = networkWith(altered({ [part]: give }));
    for (const reason of await refusalsOf(network)) expect(reason).toEqual(refusal(code, message));
  });

  it('that a function throws are the cause, and the sample is named', async () => {
    const thrown = new TypeError('no such class');
    const loss = altered({
      gradient: () => {
        throw thrown;
      },
    });
    for (const reason of await refusalsOf(networkWith(loss))) {
      expect(reason).toEqual(refusal('ERR_SPEC', /gradient threw for sample 0: no such class/));
      expect(reason).toMatchObject({ cause: thrown, details: { sample: 0 } });
    }
  });

  it('are checked at every sample, not only where derivatives are', async () => {
    let spoilt = false;
    const loss = altered({
      gradient: (f: Float64Array, t: LossTarget) =>
        spoilt && t === 1 ? [NaN, 0] : saddle.gradient(f, t),
    });
    const network = networkWith(loss);
    expect(await network.loss(data)).toBeTypeOf('number');
    spoilt = true;
    for (const call of [() => network.gradient(data), () => hessian(network, data).toDense()]) {
      await expect(call()).rejects.toEqual(
        refusal('ERR_NUMERIC', /entry 0 of gradient of sample 3 is NaN/),
      );
    }
    spoilt = false;
    expect(await hessian(network, data).toDense()).toHaveLength(36);
  });

  it('are asked for with copies, of samples that count only', async () => {
    const seen = new Set<number>();
    const greedy: CustomLossSpec = {
      ...writtenCrossEntropy,
      value(outputs, target: Float64Array) {
        seen.add(target[3] ?? NaN);
        const value = writtenCrossEntropy.value(outputs, target);
        outputs.fill(NaN);
        target.fill(NaN);
        return value;
      },
    };
    const rows = Array.from({ length: 6 }, (_, i) => [0.25, 0.75, 0, i]);
    const weights = [1, 0, 1, 0, 1, 1];
    const inputs = rows.map((_, i) => [i, -i]);
    const weighted = createDataset({ inputs, targets: rows, weights });
    const network = networkWith(greedy, 2);
    const loss = await network.loss(weighted);
    expect(await network.loss(weighted)).toBe(loss);
    expect([...seen].sort()).toEqual([0, 2, 4, 5]);
    const without = weighted.subset([0, 2, 4, 5]);
    expect(await network.loss(without)).toBeCloseTo(loss, 14);
  });
});

describe('what a custom loss cannot', () => {
  const network = networkWith(saddle);

  it('be right about classes', async () => {
    await expect(network.accuracy(data)).rejects.toEqual(
      refusal(
        'ERR_SPEC',
        /accuracy: a network with a custom loss has no classes to be right about/,
      ),
    );
  });

  it('be run for many points at once', async () => {
    await expect(spectra(network, data, [network.parameters()])).rejects.toEqual(
      refusal('ERR_SPEC', /spectra: the loss is of type 'custom'/),
    );
  });

  it('mend outputs that are not finite', async () => {
    const large = createDataset({
      inputs: [
        [1, 1],
        [1e308, 1e308],
      ],
      targets: [0, 0],
    });
    network.setParameters([1, 1, 1, 1, 0, 0]);
    for (const reason of await refusalsOf(network, large)) {
      expect(reason).toEqual(
        refusal('ERR_NUMERIC', /output [01] of the network is not finite for sample 1/),
      );
    }
  });

  it('need more memory than there is', async () => {
    const wide = createNetwork({
      input: [1],
      layers: [{ type: 'dense', units: 30_000 }],
      loss: writtenCrossEntropy,
    });
    const many = createDataset({
      inputs: new Float64Array(500),
      inputShape: [1],
      targets: new Int32Array(500),
    });
    await expect(hessian(wide, many).apply(new Float64Array(60_000))).rejects.toEqual(
      refusal(
        'ERR_MEMORY',
        /the derivatives of a custom loss, 500 samples with 30000 outputs each, need/,
      ),
    );
  });
});

it('whatever functions give, errors are EigenscapeErrors', async () => {
  const strange = [
    null,
    undefined,
    5n,
    'x',
    {},
    [],
    [[]],
    Symbol('s'),
    () => 1,
    new Map(),
    NaN,
    -0,
  ];
  for (const part of ['value', 'gradient', 'hessian']) {
    for (const given of strange) {
      const network = networkWith(altered({ [part]: () => given }));
      for (const reason of await refusalsOf(network)) expect(isEigenscapeError(reason)).toBe(true);
    }
  }
});
