// Amounts of work, memory and time as people read them: three digits and a unit.

function withUnit(value: number, units: readonly (readonly [number, string])[]): string {
  const [scale, unit] = units.find(([least]) => value >= least) ?? units.at(-1) ?? [1, ''];
  const count = value / scale;
  const digits = count >= 100 ? Math.round(count).toString() : String(Number(count.toPrecision(3)));
  return `${digits} ${unit}`;
}

/** @example formatBytes(1.2e9) // '1.2 GB' */
export function formatBytes(bytes: number): string {
  return withUnit(bytes, [
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
  ]);
}

/** @example formatFlops(6.61e9) // '6.61 GFLOP' */
export function formatFlops(flops: number): string {
  return withUnit(flops, [
    [1e12, 'TFLOP'],
    [1e9, 'GFLOP'],
    [1e6, 'MFLOP'],
  ]);
}

/** @example formatSeconds(0.21) // '210 ms' */
export function formatSeconds(seconds: number): string {
  return withUnit(seconds, [
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
    [1e-3, 'ms'],
  ]);
}
