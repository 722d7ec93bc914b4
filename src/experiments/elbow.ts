// The heuristic threshold between outliers and bulk: the elbow of the ordered plot.

/** Where the plot of the largest eigenvalues in order bends from outliers to bulk. With rank and value
 *  both scaled to [0, 1], it is the point farthest below the chord from the first to the last:
 *
 *      k = argmax_i  1 − i/(n−1) − (λ_i − λ_{n−1}) / (λ_0 − λ_{n−1})
 *
 *  λ_0 … λ_{k−1} are outliers, λ_k is bulk. The paper sets such a threshold by eye (its table
 *  1, 'heuristic').
 *  @param among n, how many of the largest are plotted
 *  @returns a threshold between λ_{k−1} and λ_k, for `countOutliers` with method 'threshold' */
export function elbowThreshold(ascending: ArrayLike<number>, among: number): number {
  const largest = Array.from(ascending).slice(-among).reverse();
  const [first = 0] = largest;
  const last = largest.at(-1) ?? 0;
  const span = first - last;
  let best = { depth: 0, threshold: first };
  largest.forEach((value, i) => {
    const depth = 1 - i / (largest.length - 1) - (value - last) / span;
    if (depth > best.depth) best = { depth, threshold: ((largest[i - 1] ?? value) + value) / 2 };
  });
  return best.threshold;
}
