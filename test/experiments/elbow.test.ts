import { describe, expect, it } from 'vitest';

import { elbowThreshold } from '../../src/experiments/elbow.js';

describe('elbowThreshold', () => {
  it('lies between outliers and a flat bulk', () => {
    const bulk = Array.from({ length: 50 }, (_, i) => i / 500);
    const threshold = elbowThreshold([...bulk, 3, 4, 5], 40);
    expect(threshold).toBeGreaterThan(0.098);
    expect(threshold).toBeLessThan(3);
  });

  it('finds the corner of two straight lines whatever their scale', () => {
    for (const scale of [1e-9, 1, 1e9]) {
      const steep = [10, 9, 8, 7, 6, 5, 4, 3, 2, 1];
      const flat = Array.from({ length: 40 }, (_, i) => 1 - (i + 1) / 100);
      const values = [...steep, ...flat].map((value) => value * scale).reverse();
      const threshold = elbowThreshold(values, 50);
      expect(values.filter((value) => value > threshold)).toHaveLength(9);
    }
  });

  it('is the largest value where nothing stands off', () => {
    expect(elbowThreshold([1, 1, 1], 3)).toBe(1);
    expect(elbowThreshold([1, 2, 3], 3)).toBe(3);
    expect(elbowThreshold([7], 3)).toBe(7);
    expect(elbowThreshold([], 3)).toBe(0);
  });
});
