// Numbers as a reader wants them, alike in the terminal and on the page.

import { powerLabel } from './axes.js';

/** Counts whole with thousands separated; others to `digits` significant digits, as 2.31·10⁻⁵ when
 *  very small or large. */
export function numberText(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e7) return value.toLocaleString('en').replace('-', '−');
  if (size >= 1e-3 && size < 1e5) {
    const text = Number(value.toPrecision(digits)).toLocaleString('en', {
      maximumSignificantDigits: digits,
    });
    return text.replace('-', '−');
  }
  const [mantissa = '0', exponent = '0'] = size.toExponential(digits - 1).split('e');
  return `${value < 0 ? '−' : ''}${mantissa}·${powerLabel(Number(`1e${exponent}`))}`;
}
