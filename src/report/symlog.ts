// The symmetric-log axis: y = sign(x)·log(1 + |x|/c), linear within ±c and logarithmic beyond.

export type Numbers = readonly number[] | Float64Array;

/** Extent of numbers, with 0 in it: [min, max]. */
export function extentWithZero(arrays: readonly Numbers[]): readonly [number, number] {
  let low = 0;
  let high = 0;
  for (const values of arrays) {
    for (const value of values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return [low, high];
}

/** The constant c for a spectrum: the power of ten at or above the error estimate, so that what is
 *  linear is what cannot be told from zero; 14 decades at most, and none without an estimate. */
export function symlogConstant(
  [low, high]: readonly [number, number],
  errorEstimate: number | undefined,
): number {
  const largest = Math.max(-low, high);
  if (!(largest > 0)) return 1;
  const floor = largest * (errorEstimate === undefined ? 1e-9 : 1e-14);
  return 10 ** Math.ceil(Math.log10(Math.max(errorEstimate ?? 0, floor)) - 1e-9);
}

export function symlog(value: number, constant: number): number {
  return Math.sign(value) * Math.log1p(Math.abs(value) / constant);
}

export function inverseSymlog(position: number, constant: number): number {
  return Math.sign(position) * Math.expm1(Math.abs(position)) * constant;
}

/** The domain widened on both sides by `share` of its length on the axis. */
export function padSymlog(
  [low, high]: readonly [number, number],
  constant: number,
  share = 0.04,
): readonly [number, number] {
  const from = symlog(low, constant);
  const to = symlog(high, constant);
  const pad = Math.max(share * (to - from), 0.1);
  return [inverseSymlog(from - pad, constant), inverseSymlog(to + pad, constant)];
}

/** Ticks: zero and powers of ten from c on, every 1st, 2nd … so that a side has `perSide` at most. */
export function symlogTicks(
  [low, high]: readonly [number, number],
  constant: number,
  perSide = 5,
): number[] {
  const first = Math.round(Math.log10(constant));
  const topOf = (extent: number): number =>
    extent > constant ? Math.floor(Math.log10(extent) + 1e-9) : first - 1;
  const tops = [topOf(-low), topOf(high)] as const;
  const step = Math.max(1, Math.ceil((Math.max(...tops) - first + 1) / perSide));
  const powers = (top: number): number[] => {
    const exponents: number[] = [];
    for (let e = Math.max(...tops); e >= first; e -= step) if (e <= top) exponents.push(e);
    return exponents.map((e) => Number(`1e${String(e)}`));
  };
  return [...powers(tops[0]).map((p) => -p), 0, ...powers(tops[1]).reverse()];
}

/** Ticks of a logarithmic axis: 1, 2, 5 in each decade where they are few, else powers of ten. */
export function logarithmicTicks([low, high]: readonly [number, number], most = 8): number[] {
  const from = Math.floor(Math.log10(low));
  const to = Math.ceil(Math.log10(high));
  const ticksAt = (mantissas: readonly number[], step: number): number[] => {
    const ticks: number[] = [];
    for (let e = from; e <= to; e += step) {
      for (const m of mantissas) ticks.push(Number(`${String(m)}e${String(e)}`));
    }
    return ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
  };
  const fine = ticksAt([1, 2, 5], 1);
  if (fine.length <= most) return fine;
  return ticksAt([1], Math.max(1, Math.ceil((to - from) / most)));
}

export interface Bin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** Counts in bins of equal width on the symlog axis over `domain`, one centred at zero; the first and
 *  the last are empty. */
export function symlogBins(
  values: Numbers,
  options: {
    readonly domain: readonly [number, number];
    readonly constant: number;
    readonly bins: number;
  },
): Bin[] {
  const { domain, constant, bins } = options;
  const width = (symlog(domain[1], constant) - symlog(domain[0], constant)) / bins;
  const counts = new Map<number, number>();
  for (const value of values) {
    const index = Math.round(symlog(value, constant) / width);
    counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  const first = Math.min(0, ...counts.keys()) - 1;
  const last = Math.max(0, ...counts.keys()) + 1;
  return Array.from({ length: last - first + 1 }, (_, i) => first + i).map((index) => ({
    low: inverseSymlog((index - 0.5) * width, constant),
    high: inverseSymlog((index + 0.5) * width, constant),
    count: counts.get(index) ?? 0,
  }));
}
