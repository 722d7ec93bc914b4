// Whether the derivatives of a custom loss are those of its value: central differences at a few samples.

import { complaint, lossGradient, lossHessian, lossValue } from './custom-loss.js';
import type { LossSample } from './custom-loss.js';
import type { CustomLossSpec } from './spec.js';

/** Steps tried in turn, relative to max(1, |f_c|): a derivative is right if it fits the differences of one. At the
 *  first, rounding and truncation balance (∛ε); the others are for losses that bend within it, and are
 *  believed only as far as rounding lets them speak. */
const [firstStep, ...smallerSteps] = [6e-6, 1e-8, 1e-10] as const;
/** Relative to the largest derivative of the sample. */
const tolerance = 1e-4;
/** Outputs that are moved, at most. */
const mostDirections = 48;

/** f with f_c moved by `by`. */
function moved(sample: LossSample, c: number, by: number): LossSample {
  const outputs = sample.outputs.slice();
  outputs[c] = (outputs[c] ?? NaN) + by;
  return { ...sample, outputs };
}

/** What `evaluate` gives, or undefined where the loss has no value. */
function attempt(evaluate: () => Float64Array): Float64Array | undefined {
  try {
    return evaluate();
  } catch {
    return undefined;
  }
}

interface Mismatch {
  readonly entry: number;
  readonly given: number;
  readonly differences: number;
}

/** Compares one column of derivatives with differences of `f` along output c. At a kink a value between the
 *  two one-sided differences is right. */
function compare(
  f: (sample: LossSample) => Float64Array,
  here: Float64Array,
  sample: LossSample,
  c: number,
  column: Float64Array,
  scale: number,
): Mismatch | undefined {
  const size = Math.max(1, Math.abs(sample.outputs[c] ?? NaN));
  let worst: Mismatch | undefined;
  for (const step of [firstStep, ...smallerSteps]) {
    const h = step * size;
    const above = attempt(() => f(moved(sample, c, h)));
    const below = attempt(() => f(moved(sample, c, -h)));
    if (above === undefined || below === undefined) continue;
    // Rounding of what is subtracted; a smaller step that rounding blurs shows nothing.
    const rounding = step === firstStep ? (10 * Number.EPSILON) / h : 0;
    const found = firstMismatch(here, above, below, { h, rounding }, column, scale);
    if (found === undefined) return undefined;
    worst ??= found;
  }
  return worst;
}

function firstMismatch(
  here: Float64Array,
  above: Float64Array,
  below: Float64Array,
  { h, rounding }: { readonly h: number; readonly rounding: number },
  column: Float64Array,
  scale: number,
): Mismatch | undefined {
  for (let entry = 0; entry < column.length; entry += 1) {
    const [up = NaN, at = NaN, down = NaN] = [above[entry], here[entry], below[entry]];
    const given = column[entry] ?? NaN;
    const differences = (up - down) / (2 * h);
    const sides = [(up - at) / h, (at - down) / h] as const;
    const slack =
      tolerance * Math.max(scale, Math.abs(differences)) +
      rounding * Math.max(Math.abs(up), Math.abs(down));
    const fits = given >= Math.min(...sides) - slack && given <= Math.max(...sides) + slack;
    if (!fits) return { entry, given, differences };
  }
  return undefined;
}

function largest(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Outputs to move: all, or evenly spread ones. */
function directions(outputs: number): number[] {
  const count = Math.min(outputs, mostDirections);
  return Array.from({ length: count }, (_, i) => Math.floor((i * outputs) / count));
}

/** Checks the loss at one sample; yields after each output that it has moved, so that the caller can let timers
 *  run.
 *  @throws EigenscapeError ERR_SPEC where a derivative is wrong: which entry, of which sample, what it is and
 *  what differences give; and whatever the functions themselves are refused for */
export function* checkDerivatives(loss: CustomLossSpec, sample: LossSample): Generator<undefined> {
  const { index } = sample;
  const size = sample.outputs.length;
  const value = (at: LossSample): Float64Array => Float64Array.of(lossValue(loss, at));
  const gradientOf = (at: LossSample): Float64Array => lossGradient(loss, at);
  const valueHere = value(sample);
  const gradient = gradientOf(sample);
  const hessian = lossHessian(loss, sample);
  const expectation = 'central differences of';
  for (const c of directions(size)) {
    yield;
    const wrong = compare(
      value,
      valueHere,
      sample,
      c,
      gradient.subarray(c, c + 1),
      largest(gradient),
    );
    if (wrong !== undefined) {
      const message = `entry ${c} of gradient of sample ${index} is ${wrong.given}, but ${expectation} value give ${wrong.differences}; correct gradient or value`;
      throw complaint(loss, 'ERR_SPEC', index, message);
    }
  }
  for (const c of directions(size)) {
    yield;
    const column = hessian.subarray(c * size, (c + 1) * size);
    const wrong = compare(gradientOf, gradient, sample, c, column, largest(hessian));
    if (wrong !== undefined) {
      const message = `entry (${c}, ${wrong.entry}) of hessian of sample ${index} is ${wrong.given}, but ${expectation} gradient give ${wrong.differences}; correct hessian or gradient`;
      throw complaint(loss, 'ERR_SPEC', index, message);
    }
  }
}
