// A loss written in TypeScript: its functions, called for one sample, and what they return, checked.

import { types } from 'node:util';

import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import type { EigenscapeErrorCode } from '../errors.js';
import type { CustomLossSpec, LossTarget } from './spec.js';

/** One sample as the functions of a loss see it. */
export interface LossSample {
  /** Its index in the data, for messages. */
  readonly index: number;
  /** f [C] */
  readonly outputs: Float64Array;
  readonly target: LossTarget;
}

type Part = 'value' | 'gradient' | 'hessian';

/** What ∇²ℓ may lack of symmetry, against its largest entry. */
const asymmetryTolerated = 1e-8;

export function complaint(
  loss: CustomLossSpec,
  code: EigenscapeErrorCode,
  sample: number,
  message: string,
  cause: { readonly cause?: unknown } = {},
): EigenscapeError {
  const name = loss.name === undefined ? 'the custom loss' : `the custom loss '${loss.name}'`;
  return new EigenscapeError(code, `${name}: ${message}`, { ...cause, details: { sample } });
}

/** The arguments are copies: a function may keep them or write to them. */
function call(loss: CustomLossSpec, part: Part, sample: LossSample): unknown {
  const { index, outputs, target } = sample;
  let result: unknown;
  try {
    result = loss[part](outputs.slice(), typeof target === 'number' ? target : target.slice());
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : describeValue(cause);
    const message = `${part} threw for sample ${index}: ${reason}`;
    throw complaint(loss, 'ERR_SPEC', index, message, { cause });
  }
  if (!types.isPromise(result)) return result;
  result.catch(() => undefined); // refused below, whatever it comes to
  throw complaint(
    loss,
    'ERR_SPEC',
    index,
    `${part} returned a promise for sample ${index}; expected its result at once, from a function that is not async`,
  );
}

function readNumber(
  loss: CustomLossSpec,
  sample: LossSample,
  what: string,
  value: unknown,
): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  const code = typeof value === 'number' ? 'ERR_NUMERIC' : 'ERR_SPEC';
  const message = `${what} of sample ${sample.index} is ${describeValue(value)}; expected a finite number`;
  throw complaint(loss, code, sample.index, message);
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'length' in value &&
    typeof value.length === 'number'
  );
}

function misshapen(
  loss: CustomLossSpec,
  part: Part,
  sample: LossSample,
  given: unknown,
  expected: string,
): EigenscapeError {
  const what = isList(given) ? `${given.length} entries` : describeValue(given);
  const message = `${part} of sample ${sample.index} has ${what}; expected ${expected}`;
  return complaint(loss, isList(given) ? 'ERR_SHAPE' : 'ERR_SPEC', sample.index, message);
}

/** ℓ
 *  @throws EigenscapeError ERR_SPEC for what the function throws (as `cause`) or is no number, ERR_NUMERIC for
 *  one that is not finite; the messages of all three name the sample */
export function lossValue(loss: CustomLossSpec, sample: LossSample): number {
  return readNumber(loss, sample, 'value', call(loss, 'value', sample));
}

/** ∇ℓ [C]
 *  @throws EigenscapeError as {@link lossValue}, and ERR_SHAPE for another length */
export function lossGradient(loss: CustomLossSpec, sample: LossSample): Float64Array {
  const size = sample.outputs.length;
  const given = call(loss, 'gradient', sample);
  if (!isList(given) || given.length !== size) {
    throw misshapen(loss, 'gradient', sample, given, `${size}, one for each output`);
  }
  const gradient = new Float64Array(size);
  for (let c = 0; c < size; c += 1) {
    gradient[c] = readNumber(loss, sample, `entry ${c} of gradient`, given[c]);
  }
  return gradient;
}

/** ∇²ℓ [C, C], symmetric to the bit.
 *  @throws EigenscapeError as {@link lossGradient}, and ERR_SPEC for a matrix that is not symmetric */
export function lossHessian(loss: CustomLossSpec, sample: LossSample): Float64Array {
  const size = sample.outputs.length;
  const given = call(loss, 'hessian', sample);
  const expected = `${size} × ${size} row-major, or ${size} rows of ${size}`;
  if (!isList(given)) throw misshapen(loss, 'hessian', sample, given, expected);
  const inRows = given.length === size && isList(given[0]);
  if (!inRows && given.length !== size * size) {
    throw misshapen(loss, 'hessian', sample, given, expected);
  }
  const hessian = new Float64Array(size * size);
  for (let row = 0; row < size; row += 1) {
    const entries = inRows ? given[row] : given;
    if (inRows && (!isList(entries) || entries.length !== size)) {
      throw misshapen(loss, 'hessian', sample, entries, `${expected}, as row ${row} is not`);
    }
    for (let column = 0; column < size; column += 1) {
      const entry = (entries as ArrayLike<unknown>)[inRows ? column : row * size + column];
      const what = `entry (${row}, ${column}) of hessian`;
      hessian[row * size + column] = readNumber(loss, sample, what, entry);
    }
  }
  symmetrize(loss, sample, hessian);
  return hessian;
}

/** Averages away what rounding left of asymmetry, and refuses more than that. */
function symmetrize(loss: CustomLossSpec, sample: LossSample, hessian: Float64Array): void {
  const size = sample.outputs.length;
  const limit = asymmetryTolerated * largestEntry(hessian);
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j < i; j += 1) {
      const lower = hessian[i * size + j] ?? NaN;
      const upper = hessian[j * size + i] ?? NaN;
      if (Math.abs(lower - upper) > limit) {
        const message = `hessian of sample ${sample.index} is not symmetric: entry (${i}, ${j}) is ${lower}, but (${j}, ${i}) is ${upper}`;
        throw complaint(loss, 'ERR_SPEC', sample.index, message);
      }
      hessian[i * size + j] = (lower + upper) / 2;
      hessian[j * size + i] = (lower + upper) / 2;
    }
  }
}

function largestEntry(values: Float64Array): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return largest;
}
