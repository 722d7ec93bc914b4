// Fewer points, same picture: an ascending curve of thousands of points needs a few hundred.

import { symlog } from './symlog.js';

/** Indices of an ascending curve that a chart of about 1,000 × 600 pixels can tell apart: the first
 *  and last `ends` of them all, between these one for each pixel moved along either axis. */
export function thinAscending(
  values: ArrayLike<number>,
  { constant, ends = 120 }: { readonly constant: number; readonly ends?: number | undefined },
): number[] {
  const count = values.length;
  const height = (i: number): number => symlog(values[i] ?? 0, constant);
  const xStep = count / 1000;
  const yStep = (height(count - 1) - height(0)) / 600;
  const kept: number[] = [];
  let x = -Infinity;
  let y = -Infinity;
  for (let i = 0; i < count; i++) {
    const atEnd = i < ends || i >= count - ends;
    if (!atEnd && i - x < xStep && height(i) - y < yStep) continue;
    kept.push(i);
    x = i;
    y = height(i);
  }
  return kept;
}

/** At most `most` indices of a curve over steps, evenly spread, the first and the last among them. */
export function thinEvenly(count: number, most = 600): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / (most - 1)));
}
