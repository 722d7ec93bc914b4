// Floating numbers of 16 bits, widened: every one of them is a float32 exactly.

const words = new Uint32Array(1);
const floats = new Float32Array(words.buffer);

/** IEEE binary16: sign, 5 bits of exponent, 10 of fraction; only the low 16 bits of `bits` count. */
export function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** bfloat16, the upper half of a float32; only the low 16 bits of `bits` count. */
export function fromBfloat16(bits: number): number {
  words[0] = bits << 16;
  return floats[0] ?? NaN;
}
