// Σ c_i A_i + c·I of curvature operators: what `add`, `scale` and `shift` make of the library's own. The engine
// multiplies by it and assembles it in one job; no entry of a product passes through JavaScript.

import type { DType } from '../data/dtype.js';
import { runJob } from '../long-call.js';
import { addon } from '../native.js';
import type {
  JobOptions,
  NativeArray,
  NativeCombination,
  NativeJob,
  OperatorHandle,
} from '../native.js';
import { parseLongCall } from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { isCurvatureOperator } from './operator.js';
import type { CurvatureOperator, SymmetricOperator } from './operator.js';
import { readVectors } from './read-vectors.js';

interface Term {
  readonly factor: number;
  readonly operator: CurvatureOperator;
}

export class Combination {
  /** At least one, all of one size. */
  readonly #terms: readonly [Term, ...Term[]];
  readonly #shift: number;

  constructor(terms: readonly [Term, ...Term[]], shift: number) {
    this.#terms = terms;
    this.#shift = shift;
  }

  get size(): number {
    return this.#terms[0].operator.size;
  }

  /** float32 only if all terms are. */
  get dtype(): DType {
    return this.#terms.every(({ operator }) => operator.dtype === 'float32')
      ? 'float32'
      : 'float64';
  }

  plus(other: Combination): Combination {
    return new Combination([...this.#terms, ...other.#terms], this.#shift + other.#shift);
  }

  times(c: number): Combination {
    const scaled = ({ factor, operator }: Term): Term => ({ factor: c * factor, operator });
    const [first, ...others] = this.#terms;
    return new Combination([scaled(first), ...others.map(scaled)], c * this.#shift);
  }

  shifted(c: number): Combination {
    return new Combination(this.#terms, this.#shift + c);
  }

  /** Runs a job of the engine on it. Operators that are disposed meanwhile still finish it. `threads` are those
   *  of the first operator that was given some, unless the call names others.
   *  @throws EigenscapeError ERR_DISPOSED for an operator that was disposed before */
  async run<Result>(
    options: LongCallOptions,
    start: (native: NativeCombination, job: JobOptions) => NativeJob<Result>,
  ): Promise<Result> {
    const operators = this.#terms.map(({ operator }) => operator);
    const factors = Float64Array.from(this.#terms, ({ factor }) => factor);
    const long = operators.reduce((given, operator) => operator.jobOptions(given), options);
    const held: OperatorHandle[] = [];
    try {
      for (const operator of operators) held.push(operator.retain());
      for (const operator of operators) await operator.ready(long);
      const native = { operators: held, factors, shift: this.#shift };
      return await runJob(long, (job) => start(native, job));
    } finally {
      held.forEach((handle, place) => {
        operators[place]?.letGo(handle);
      });
    }
  }

  /** Products with `count` vectors, in float64 whatever the terms are. */
  async apply(
    vectors: ArrayLike<number>,
    count = 1,
    options: LongCallOptions = {},
  ): Promise<NativeArray> {
    parseLongCall('apply', options);
    const copy = readVectors(vectors, count, { size: this.size, dtype: 'float64' });
    try {
      return await this.run(options, (native, job) =>
        addon().applyOperator(native, copy, count, job),
      );
    } finally {
      addon().release(copy);
    }
  }

  /** The matrix [size, size].
   *  @throws EigenscapeError ERR_MEMORY before anything is allocated, ERR_NUMERIC when it is not finite */
  async toDense(dtype: DType, options: LongCallOptions = {}): Promise<NativeArray> {
    return this.run(options, (native, job) => addon().assembleCombination(native, dtype, job));
  }
}

/** What the operators are that {@link operatorOf} made. */
const combinations = new WeakMap<SymmetricOperator, Combination>();

/** A combination as users hold it. */
export function operatorOf(combination: Combination): SymmetricOperator {
  const operator: SymmetricOperator = {
    size: combination.size,
    dtype: combination.dtype,
    apply: (vectors, count, options) => combination.apply(vectors, count, options),
    toDense: () => combination.toDense('float64'),
  };
  combinations.set(operator, combination);
  return operator;
}

/** What the engine knows an operator by: a curvature operator, or what was made of some; nothing of others. */
export function combinationOf(operator: SymmetricOperator): Combination | undefined {
  if (isCurvatureOperator(operator)) return new Combination([{ factor: 1, operator }], 0);
  return combinations.get(operator);
}
