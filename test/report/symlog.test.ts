import { describe, expect, it } from 'vitest';

import {
  extentWithZero,
  inverseSymlog,
  logarithmicTicks,
  padSymlog,
  symlog,
  symlogBins,
  symlogConstant,
  symlogTicks,
} from '../../src/report/symlog.js';
import { thinAscending, thinEvenly } from '../../src/report/thin.js';
import { sampleSpectrum } from './sample-report.js';

describe('symlog', () => {
  it('is odd, increasing and undone by its inverse over 30 decades', () => {
    let last = -1;
    for (let e = -20; e <= 10; e++) {
      const value = 10 ** e;
      const position = symlog(value, 1e-9);
      expect(position).toBeGreaterThan(last);
      expect(symlog(-value, 1e-9)).toBe(-position);
      expect(inverseSymlog(position, 1e-9) / value).toBeCloseTo(1, 9);
      last = position;
    }
  });

  it('has the power of ten at or above the error estimate as its constant', () => {
    expect(symlogConstant([-1, 10], 3e-12)).toBeCloseTo(1e-11, 20);
    expect(symlogConstant([-1, 10], 1e-12)).toBeCloseTo(1e-12, 20);
  });

  it('spans 14 decades at most, 9 without an estimate, and serves a spectrum of zeros', () => {
    expect(symlogConstant([0, 1], 1e-30)).toBeCloseTo(1e-14, 20);
    expect(symlogConstant([0, 1], undefined)).toBeCloseTo(1e-9, 15);
    expect(symlogConstant([0, 0], 1e-16)).toBe(1);
  });

  it('pads a domain on both sides', () => {
    const [low, high] = padSymlog([-1, 100], 1e-6);
    expect(low).toBeLessThan(-1);
    expect(high).toBeGreaterThan(100);
    expect(padSymlog([0, 0], 1)[1]).toBeGreaterThan(0);
  });
});

describe('ticks', () => {
  it('are zero and powers of ten inside the domain, few on each side', () => {
    const ticks = symlogTicks([-2e-3, 30], 1e-12, 5);
    expect(ticks).toContain(0);
    expect(ticks.filter((tick) => tick > 0).length).toBeLessThanOrEqual(5);
    expect(ticks.every((tick) => tick >= -2e-3 && tick <= 30)).toBe(true);
    expect([...ticks].sort((a, b) => a - b)).toEqual(ticks);
    for (const tick of ticks.filter((t) => t !== 0)) {
      expect(Number.isInteger(Math.log10(Math.abs(tick)))).toBe(true);
    }
  });

  it('of a logarithmic axis have 2 and 5 only where decades are few', () => {
    expect(logarithmicTicks([0.9, 12])).toEqual([1, 2, 5, 10]);
    expect(logarithmicTicks([1e-6, 1], 4)).toEqual([1e-6, 1e-4, 1e-2, 1]);
  });
});

describe('symlogBins', () => {
  it('counts every value once and puts zeros into a bin centred at zero', () => {
    const values = sampleSpectrum(3);
    const domain = extentWithZero([values]);
    const bins = symlogBins(values, { domain, constant: 1e-13, bins: 60 });
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(values.length);
    const zero = bins.find(({ low, high }) => low < 0 && high > 0);
    expect(zero?.low).toBe(-(zero?.high ?? 0));
    expect(zero?.count).toBeGreaterThanOrEqual(100);
    expect([bins[0]?.count, bins.at(-1)?.count]).toEqual([0, 0]);
  });
});

describe('thinning', () => {
  it('keeps both ends whole and every step larger than a pixel', () => {
    const values = Float64Array.from({ length: 20_000 }, (_, i) => (i < 10_000 ? 0 : i / 1e4));
    const kept = thinAscending(values, { constant: 1e-3, ends: 50 });
    expect(kept.length).toBeLessThan(2500);
    expect(kept.slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(kept.slice(-50)).toEqual(Array.from({ length: 50 }, (_, i) => 19_950 + i));
    expect(kept).toContain(10_000);
  });

  it('of curves keeps the first and the last step', () => {
    const kept = thinEvenly(5000, 300);
    expect(kept).toHaveLength(300);
    expect([kept[0], kept.at(-1)]).toEqual([0, 4999]);
    expect(thinEvenly(3)).toEqual([0, 1, 2]);
  });
});
