import { describe, expect, it } from 'vitest';

import { powerLabel, tickLabels } from '../../src/report/axes.js';
import { escapeHtml, scriptJson } from '../../src/report/html.js';
import { numberText } from '../../src/report/number-text.js';
import { HOSTILE } from './sample-report.js';

describe('numbers in text', () => {
  it('are whole with thousands separated, plain, or with a power of ten', () => {
    expect(numberText(5090)).toBe('5,090');
    expect(numberText(-12)).toBe('−12');
    expect(numberText(2.30258)).toBe('2.3');
    expect(numberText(0.012345)).toBe('0.0123');
    expect(numberText(-2.3456e-5)).toBe('−2.35·10⁻⁵');
    expect(numberText(6.02e23)).toBe('6.02·10²³');
    expect(numberText(0)).toBe('0');
    expect(numberText(NaN)).toBe('NaN');
  });

  it('are powers on an axis as soon as one tick is small', () => {
    expect(powerLabel(-1e-12)).toBe('−10⁻¹²');
    expect(powerLabel(0.02)).toBe('2·10⁻²');
    expect(powerLabel(-10)).toBe('−10');
    expect(tickLabels([-1, 0, 1, 1000])).toEqual(['−1', '0', '1', '1,000']);
    expect(tickLabels([0, 1e-5, 1])).toEqual(['0', '10⁻⁵', '1']);
  });
});

describe('text in HTML', () => {
  it('has no character left that could open or close anything', () => {
    expect(escapeHtml(HOSTILE)).not.toMatch(/[<>"']/);
    expect(escapeHtml('a & b')).toBe('a &amp; b');
  });

  it('in a JSON element cannot end the element, and reads back the same', () => {
    const text = scriptJson({ name: HOSTILE, values: Float64Array.of(1, 2) });
    expect(text).not.toContain('<');
    expect(JSON.parse(text)).toEqual({ name: HOSTILE, values: [1, 2] });
  });
});
