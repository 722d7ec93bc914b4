// Seeded random numbers for the whole library, the same ones on every machine. The generator is
// xoroshiro128+ (Blackman and Vigna 2018, in pure-rand); its 128 bits are filled by SplitMix64
// (Steele, Lea and Flood 2014), so that neighbouring seeds share nothing.

import { randomNormal } from 'd3-random';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus, xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import * as v from 'valibot';

import { EigenscapeError } from '../errors.js';
import { describeValue } from '../describe-value.js';
import { optionsOf, parseOptions } from '../options.js';

type Generator = ReturnType<typeof xoroshiro128plus>;

/** Where a generator stands: plain JSON, complete. */
export interface RandomState {
  readonly algorithm: 'xoroshiro128+';
  /** Four signed 32-bit integers, not all 0. */
  readonly words: readonly number[];
}

const fourWords = 'four 32-bit integers, not all 0';
const randomState = optionsOf({
  algorithm: v.literal('xoroshiro128+', "'xoroshiro128+'"),
  words: v.pipe(
    v.array(
      v.pipe(
        v.number(fourWords),
        v.check((word) => word === (word | 0), fourWords),
      ),
      fourWords,
    ),
    v.length(4, fourWords),
    v.check((words) => words.some((word) => word !== 0), fourWords),
  ),
});

/** A stream of random numbers; its whole state is {@link Random.state}. */
export class Random {
  readonly #generator: Generator;
  readonly #normal: typeof randomNormal;

  /** @internal */
  constructor(generator: Generator) {
    this.#generator = generator;
    this.#normal = randomNormal.source(() => uniformFloat64(generator));
  }

  /** low + (high − low)·u, with u a multiple of 2⁻⁵³ in [0, 1). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * uniformFloat64(this.#generator);
  }

  /** N(mean, standardDeviation²), by Marsaglia's polar method. */
  normal(mean = 0, standardDeviation = 1): number {
    // A sampler holds back the second number of each pair, which `state` could not see: use it
    // once.
    return this.#normal(mean, standardDeviation)();
  }

  /** 0, 1, … or n − 1, without bias. */
  integerBelow(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new EigenscapeError(
        'ERR_SPEC',
        `integerBelow: the limit is ${describeValue(n)}; expected an integer of at least 1`,
        { details: { limit: n } },
      );
    }
    return uniformInt(this.#generator, 0, n - 1);
  }

  /** Puts `values` into a random order in place (Fisher-Yates), and returns them. */
  shuffle<Values extends unknown[] | Uint32Array>(values: Values): Values {
    for (let last = values.length - 1; last > 0; last--) {
      const other = uniformInt(this.#generator, 0, last);
      const held = values[last];
      values[last] = values[other];
      values[other] = held;
    }
    return values;
  }

  /** 0 … n − 1 in random order. */
  permutation(n: number): Uint32Array {
    return this.shuffle(Uint32Array.from({ length: n }, (_, index) => index));
  }

  /** Where the stream stands now; {@link restoreRandom} goes on from there. */
  state(): RandomState {
    return { algorithm: 'xoroshiro128+', words: [...this.#generator.getState()] };
  }
}

/** A generator; the same seed gives the same numbers on every machine.
 *  @param seed any safe integer, negative ones too
 *  @throws EigenscapeError ERR_SPEC when it is not one */
export function createRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed)) {
    throw new EigenscapeError(
      'ERR_SPEC',
      `The seed is ${describeValue(seed)}; expected a safe integer (|seed| < 2⁵³)`,
      { details: { seed } },
    );
  }
  return new Random(xoroshiro128plusFromState(seedWords(seed)));
}

/** A generator that goes on where {@link Random.state} was taken.
 *  @throws EigenscapeError ERR_SPEC when `state` is not such a state */
export function restoreRandom(state: RandomState): Random {
  const { words } = parseOptions('restoreRandom', randomState, state);
  return new Random(xoroshiro128plusFromState(words));
}

/** Two outputs of SplitMix64, each as [high, low] 32-bit words: the order in which pure-rand keeps
 *  its state. */
function seedWords(seed: number): number[] {
  const word64 = (value: bigint) => BigInt.asUintN(64, value);
  const words: number[] = [];
  let counter = word64(BigInt(seed));
  for (let output = 0; output < 2; output++) {
    counter = word64(counter + 0x9e3779b97f4a7c15n);
    let z = counter;
    z = word64((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = word64((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    z ^= z >> 31n;
    words.push(Number(z >> 32n) | 0, Number(z & 0xffffffffn) | 0);
  }
  return words;
}
