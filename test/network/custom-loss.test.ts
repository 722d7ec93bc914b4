// What a custom loss is refused for, and what of it is let pass.

import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  gaussNewton,
  hessian,
  isEigenscapeError,
  residual,
  spectra,
} from '../../src/index.js';
import type {
  CustomLossSpec,
  Dataset,
  EigenscapeErrorCode,
  LossTarget,
  Network,
} from '../../src/index.js';
import { refusal } from '../data/refusal.js';
import { saddle, writtenCrossEntropy } from './written-losses.js';

const data = createDataset({
  inputs: Array.from({ length: 9 }, (_, i) => [Math.sin(i), Math.cos(2 * i)]),
  targets: Array.from({ length: 9 }, (_, i) => i / 3),
});

function networkWith(loss: unknown, outputs = 2): Network {
  return createNetwork({
    input: [2],
    layers: [{ type: 'dense', units: outputs }],
    loss: loss as CustomLossSpec,
  });
}

/** The saddle with other parts. */
const altered = (parts: object): unknown => ({ ...saddle, ...parts });

/** Every way in: each must refuse alike. */
async function refusalsOf(network: Network, samples: Dataset = data): Promise<readonly unknown[]> {
  const calls = [
    network.loss(samples),
    network.gradient(samples),
    hessian(network, samples).toDense(),
    gaussNewton(network, samples).apply(new Float64Array(network.parameterCount)),
    residual(network, samples).toDense({ via: 'products' }),
  ];
  const settled = await Promise.allSettled(calls);
  return settled.map((call) =>
    call.status === 'rejected' ? (call.reason as unknown) : 'no refusal',
  );
}

describe('the spec', () => {
  it.each([
    ['custom', /loss custom: option 'value' is missing/],
    [{ type: 'custom' }, /loss custom: option 'value' is missing/],
    [
      altered({ hessian: undefined }),
      /option 'hessian' is undefined; expected a function of one sample/,
    ],
    [altered({ gradient: 5 }), /option 'gradient' is 5; expected a function/],
    [
      altered({ value: () => Promise.resolve(1), gradient: async () => Promise.resolve([1]) }),
      /option 'gradient' is a function; expected a function of one sample \(outputs, target\) that is not async/,
    ],
    [altered({ name: '' }), /option 'name' is ""; expected a name/],
    [
      altered({ weight: 1 }),
      /option 'weight' is unknown; there are type, name, value, gradient, hessian/,
    ],
  ] as const)('%j is refused', (loss, message) => {
    expect(() => networkWith(loss)).toThrow(refusal('ERR_SPEC', message));
  });

  it('keeps its functions, in clones too, and calls them as methods', async () => {
    const loss: CustomLossSpec & { value: (this: CustomLossSpec, f: Float64Array) => number } = {
      type: 'custom',
      name: 'scaled',
      value([a = 0]) {
        return this.name === 'scaled' ? 1.5 * a * a : NaN;
      },
      gradient: ([a = 0]: Float64Array) => [3 * a],
      hessian: () => [3],
    };
    const network = networkWith(loss, 1);
    expect(network.spec.loss).toEqual(loss);
    const copy = network.clone();
    expect(copy.spec.loss).toBe(network.spec.loss);
    expect(await copy.loss(data)).toBe(await network.loss(data));
  });
});

describe('derivatives that are not those of the value', () => {
  it.each([
    [
      'a gradient with a wrong sign',
      altered({
        gradient: (f: Float64Array, t: LossTarget) =>
          [...Array.from(saddle.gradient(f, t))].map((g, c) => (c === 1 ? -g : g)),
      }),
      /^the custom loss 'saddle': entry 1 of gradient of sample 0 is -?\d.*, but central differences of value give -?\d.*; correct gradient or value/,
    ],
    [
      'a gradient that forgets a factor of 1.001',
      altered({
        gradient: (f: Float64Array, t: LossTarget) =>
          Array.from(saddle.gradient(f, t), (g) => 1.001 * g),
      }),
      /entry 0 of gradient of sample 0/,
    ],
    [
      'a Hessian of another loss',
      altered({ name: undefined, hessian: () => [1, 0, 0, 1] }),
      /^the custom loss: entry \(0, 0\) of hessian of sample 0 is 1, but central differences of gradient give/,
    ],
    [
      'a Hessian that is not symmetric',
      altered({ hessian: () => [1, 2, 3, 1] }),
      /hessian of sample 0 is not symmetric: entry \(1, 0\) is 3, but \(0, 1\) is 2/,
    ],
    [
      'a gradient that is right at the first sample only',
      altered({
        gradient: (f: Float64Array, t: LossTarget) =>
          Array.from(saddle.gradient(f, t), (g) => g * (t === 0 ? 1 : 2)),
      }),
      /of gradient of sample [1-8] is/,
    ],
  ])('%s', async (_, loss, message) => {
    const network = networkWith(loss);
    for (const reason of await refusalsOf(network)) {
      expect(reason).toEqual(refusal('ERR_SPEC', message));
    }
  });

  it('are right at kinks if they are between those of the two sides', async () => {
    const huber: CustomLossSpec = {
      type: 'custom',
      value: ([f = 0]: Float64Array) => (Math.abs(f) < 1 ? (f * f) / 2 : Math.abs(f) - 0.5),
      gradient: ([f = 0]: Float64Array) => [Math.max(-1, Math.min(1, f))],
      hessian: ([f = 0]: Float64Array) => [Math.abs(f) < 1 ? 1 : 0],
    };
    const hinge: CustomLossSpec = {
      type: 'custom',
      value: ([f = 0]: Float64Array) => Math.max(0, 1 - f),
      gradient: ([f = 0]: Float64Array) => [f < 1 ? -1 : 0],
      hessian: () => [0],
    };
    for (const loss of [huber, hinge]) {
      const network = networkWith(loss, 1);
      network.setParameters([1, 0, 0]);
      const kinked = createDataset({
        inputs: [
          [1, 0],
          [-1, 0],
          [0, 0],
          [3, 0],
        ],
        targets: [0, 0, 0, 0],
      });
      expect(await network.loss(kinked)).toBeGreaterThan(0);
    }
  });

  it('are checked for losses of large and of tiny values, and next to where they end', async () => {
    const scales = [1e-12, 1e12];
    for (const scale of scales) {
      const loss: CustomLossSpec = {
        type: 'custom',
        value: ([a = 0]: Float64Array) => scale * (1 + a ** 4),
        gradient: ([a = 0]: Float64Array) => [4 * scale * a ** 3],
        hessian: ([a = 0]: Float64Array) => [12 * scale * a ** 2],
      };
      expect(await networkWith(loss, 1).loss(data)).toBeGreaterThan(0);
      const wrong: CustomLossSpec = {
        ...loss,
        gradient: ([a = 0]: Float64Array) => [scale * a ** 3],
      };
      await expect(networkWith(wrong, 1).loss(data)).rejects.toMatchObject({ code: 'ERR_SPEC' });
    }
    const logarithm: CustomLossSpec = {
      type: 'custom',
      value: ([f = 0]: Float64Array) => -Math.log(f),
      gradient: ([f = 0]: Float64Array) => [-1 / f],
      hessian: ([f = 0]: Float64Array) => [1 / (f * f)],
    };
    const network = networkWith(logarithm, 1);
    network.setParameters([0, 0, 1e-7]);
    expect(await network.loss(data)).toBeCloseTo(7 * Math.LN10, 9);
  });
});

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
    for (const call of [network.gradient(data), hessian(network, data).toDense()]) {
      await expect(call).rejects.toEqual(
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

describe('an instance of a class', () => {
  class Quartic {
    readonly type = 'custom';
    readonly #power = 4;
    private readonly scale: number;

    constructor(scale: number) {
      this.scale = scale;
    }
    value(f: Float64Array, t: LossTarget): number {
      return f.reduce((sum, y) => sum + this.scale * (y - Number(t)) ** this.#power, 0);
    }
    gradient(f: Float64Array, t: LossTarget): Float64Array {
      return f.map((y) => 4 * this.scale * (y - Number(t)) ** 3);
    }
    hessian(f: Float64Array, t: LossTarget): number[][] {
      return Array.from(f, (y, i) =>
        Array.from(f, (_, j) => (i === j ? 12 * this.scale * (y - Number(t)) ** 2 : 0)),
      );
    }
  }

  it('keeps fields of its own, which its functions read', async () => {
    const [once, twice] = [networkWith(new Quartic(1)), networkWith(new Quartic(2))];
    twice.setParameters(once.parameters());
    expect(await twice.loss(data)).toBeCloseTo(2 * (await once.loss(data)), 12);
    const [h1, h2] = [await hessian(once, data).toDense(), await hessian(twice, data).toDense()];
    expect(h2).toEqual(h1.map((value) => 2 * value));
    const again = createNetwork(twice.spec, { parameters: twice.parameters() });
    expect(await again.loss(data)).toBe(await twice.loss(data));
  });

  it('without one of the functions is refused, as is an unknown option of a literal', () => {
    class NoHessian {
      readonly type = 'custom';
      value = (): number => 0;
      gradient = (): number[] => [0, 0];
    }
    expect(() => networkWith(new NoHessian())).toThrow(/loss custom: option 'hessian' is missing/);
    expect(() => networkWith({ ...saddle, scale: 1 })).toThrow(/option 'scale' is unknown/);
  });
});
