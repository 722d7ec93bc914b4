import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createRandom, restoreRandom } from '../../src/data/random.js';
import type { Random, RandomState } from '../../src/data/random.js';
import { refusal } from './refusal.js';

const draw = (random: Random, count: number) =>
  Array.from({ length: count }, () => random.uniform());

describe('laws', () => {
  test('a restored generator goes on where its state was taken, after any mix of draws', () => {
    const draws = fc.constantFrom('uniform', 'normal', 'integer', 'shuffle');
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.array(draws, { maxLength: 20 }), (seed, mix) => {
        const random = createRandom(seed);
        for (const kind of mix) {
          if (kind === 'uniform') random.uniform();
          if (kind === 'normal') random.normal();
          if (kind === 'integer') random.integerBelow(10);
          if (kind === 'shuffle') random.permutation(5);
        }
        const restored = restoreRandom(JSON.parse(JSON.stringify(random.state())) as RandomState);
        const next = (from: Random) => [from.normal(), from.uniform(), ...from.permutation(7)];
        expect(next(restored)).toEqual(next(random));
      }),
    );
  });

  test('a permutation holds every index once', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(200), (seed, n) => {
        const sorted = createRandom(seed).permutation(n).toSorted();
        expect([...sorted]).toEqual(Array.from({ length: n }, (_, index) => index));
      }),
    );
  });

  test('all orders of three are equally likely', () => {
    const random = createRandom(0);
    const counts = new Map<string, number>();
    for (let trial = 0; trial < 6000; trial++) {
      const order = random.permutation(3).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    // Each is binomial(6000, 1/6): mean 1000, standard deviation 29; 5 of them are 145.
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(145);
  });

  test('integers below n take all values from 0 to n − 1, equally often', () => {
    const random = createRandom(3);
    const counts = new Array<number>(5).fill(0);
    for (let trial = 0; trial < 5000; trial++) {
      const value = random.integerBelow(5);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    // Standard deviation 28.
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(140);
    expect(random.integerBelow(1)).toBe(0);
  });

  test('normal numbers have the moments of N(3, 2²)', () => {
    const random = createRandom(1);
    const n = 100_000;
    const numbers = Array.from({ length: n }, () => (random.normal(3, 2) - 3) / 2);
    const moment = (power: number) => numbers.reduce((sum, x) => sum + x ** power, 0) / n;
    // 5 standard errors: those of the first four moments are √(1, 2, 15, 96)/√n.
    const bound = (variance: number) => 5 * Math.sqrt(variance / n);
    expect(Math.abs(moment(1))).toBeLessThan(bound(1));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(bound(2));
    expect(Math.abs(moment(3))).toBeLessThan(bound(15));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(bound(96));
  });

  test('neighbouring seeds give unrelated numbers', () => {
    const first = Array.from({ length: 2000 }, (_, seed) => createRandom(seed).uniform() - 0.5);
    const product = first.slice(1).reduce((sum, x, index) => sum + x * (first[index] ?? 0), 0);
    // The correlation has standard error 1/√2000 = 0.022.
    expect(Math.abs((product * 12) / 2000)).toBeLessThan(0.11);
  });
});

describe('golden values', () => {
  // Computed apart, in Python: SplitMix64 → xoroshiro128+ (24, 16, 37), low 32 bits.
  test.each([
    [0, [0.21015791621412716, 0.9526210374251859, 0.7610578165804366]],
    [1, [0.641880635054016, 0.06824309202427037, 0.5407492792081153]],
    [-1, [0.8395344306452923, 0.5881749469919904, 0.42228500032897887]],
    [2 ** 53 - 1, [0.7405060436706193, 0.4276320493091684, 0.8850105922144347]],
  ])('seed %d gives the numbers of an independent implementation', (seed, expected) => {
    expect(draw(createRandom(seed), 3)).toEqual(expected);
  });

  test('seed 7 begins its normal numbers as in an independent implementation', () => {
    expect(createRandom(7).normal()).toBeCloseTo(-1.3677221630152538, 14);
  });
});

describe('refusals', () => {
  test.each([1.5, NaN, Infinity, 2 ** 53, '1', null, undefined, 1n])(
    'the seed %s is refused',
    (seed) => {
      expect(() => createRandom(seed as number)).toThrow(
        refusal('ERR_SPEC', /^The seed is .*; expected a safe integer/, { seed }),
      );
    },
  );

  test.each([
    [{ algorithm: 'xoroshiro128+', words: [0, 0, 0, 0] }],
    [{ algorithm: 'xoroshiro128+', words: [1, 2, 3] }],
    [{ algorithm: 'xoroshiro128+', words: [1, 2, 3, 0.5] }],
    [{ algorithm: 'mersenne', words: [1, 2, 3, 4] }],
    [{}],
    [null],
  ])('the state %j is refused', (state) => {
    expect(() => restoreRandom(state as RandomState)).toThrow(
      refusal('ERR_SPEC', /^restoreRandom: /),
    );
  });

  test.each([0, -1, 1.5, NaN])('an integer below %d is refused', (n) => {
    expect(() => createRandom(0).integerBelow(n)).toThrow(refusal('ERR_SPEC', /integerBelow/));
  });
});
