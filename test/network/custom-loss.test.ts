// What a custom loss is refused for, and what of it is let pass.

import { describe, expect, it } from 'vitest';

import { createDataset, createNetwork, hessian } from '../../src/index.js';
import type { CustomLossSpec, LossTarget } from '../../src/index.js';
import { refusal } from '../data/refusal.js';
import { data, networkWith, altered, refusalsOf } from './custom-networks.js';
import { saddle } from './written-losses.js';

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
