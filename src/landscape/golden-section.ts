// The maximum of a function of one variable by golden section (Kiefer 1953): each evaluation shrinks the
// bracket by 0.618, whatever the function.

/** A point whose value no end of its bracket exceeds. */
export interface Bracketed {
  readonly alpha: number;
  readonly value: number;
  readonly bracket: readonly [number, number];
}

const golden = (3 - Math.sqrt(5)) / 2;

/** Narrows the bracket around a maximum to `tolerance`. Of a function with one maximum in the bracket it finds
 *  that; of any other, some local one. A value of Infinity is the maximum at once.
 *  @internal */
export async function maximize(
  evaluate: (alpha: number) => Promise<number>,
  start: Bracketed,
  tolerance: number,
): Promise<Bracketed> {
  let { alpha, value } = start;
  let [low, high] = start.bracket;
  while (high - low > tolerance && value < Infinity) {
    const left = high - alpha < alpha - low;
    const next = left ? alpha - golden * (alpha - low) : alpha + golden * (high - alpha);
    if (next === alpha || next <= low || next >= high) break; // as near as numbers are
    const found = await evaluate(next);
    if (found > value) {
      if (left) high = alpha;
      else low = alpha;
      alpha = next;
      value = found;
    } else if (left) {
      low = next;
    } else {
      high = next;
    }
  }
  return { alpha, value, bracket: [low, high] };
}
