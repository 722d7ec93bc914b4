import { describe, expect, it } from 'vitest';

import { o1Attribution } from '../../src/experiments/o1-attribution.js';
import type { O1Result } from '../../src/experiments/o1-attribution.js';
import { o2EdgeOfStability } from '../../src/experiments/o2-edge-of-stability.js';
import type { O2Result } from '../../src/experiments/o2-edge-of-stability.js';
import { o3Terms } from '../../src/experiments/o3-terms.js';
import type { O3Result } from '../../src/experiments/o3-terms.js';
import type { Chart } from '../../src/report/chart.js';
import { renderChart } from '../../src/report/render.js';

async function expectDrawn(charts: readonly Chart[]): Promise<void> {
  expect(charts).toHaveLength(2);
  for (const chart of charts) {
    expect(await renderChart(chart, { format: 'svg' })).toMatch(/^<svg/);
  }
}

function verdicts(claims: Readonly<Record<string, { readonly holds: boolean }>>): object {
  return Object.fromEntries(Object.entries(claims).map(([name, { holds }]) => [name, holds]));
}

/** 30 outliers; the first ten have `first` of class means, the others `others`, the rest lies within. */
function attributed({ first, others }: { first: number; others: number }) {
  return Array.from({ length: 30 }, (_, i) => {
    const classMeans = i < 10 ? first : others;
    const crossClassMeans = i < 10 ? 0.4 : 0.2;
    const withinCrossClass = 1 - classMeans - crossClassMeans;
    const shares = { classMeans, crossClassMeans, withinCrossClass, sameClass: 0 };
    return { value: 1 / (i + 1), shares, topClass: 3, topShare: 0.4 };
  });
}

function attribution(after: { first: number; others: number }): O1Result {
  const before = attributed({ first: 0.01, others: 0.01 });
  const seeds = [{ before, after: attributed(after) }];
  return { experiment: 'o1', seed: 1, classes: 10, steps: 10, seeds };
}

describe('attribution of the outliers', () => {
  it('holds where training puts class means into as many as classes, and only those', async () => {
    const result = attribution({ first: 0.5, others: 0.05 });
    expect(verdicts(o1Attribution.check(result))).toEqual({
      madeByTraining: true,
      asManyAsClasses: true,
      betweenClasses: true,
    });
    await expectDrawn(o1Attribution.draw(result));
  });

  it('fails where the share does not fall, or is no larger than at the start', () => {
    const flat = o1Attribution.check(attribution({ first: 0.5, others: 0.4 }));
    expect(flat.asManyAsClasses?.holds).toBe(false);
    expect(verdicts(o1Attribution.check(attribution({ first: 0.03, others: 0.001 })))).toEqual({
      madeByTraining: false,
      asManyAsClasses: true,
      betweenClasses: false,
    });
  });
});

/** λ·η/2 at 30 records. */
function sharpness(relative: (i: number) => number, loss = (i: number) => 1 / (1 + i)): O2Result {
  const records = Array.from({ length: 30 }, (_, i) => i);
  const runs = [2, 3].map((learningRate) => ({
    learningRate,
    steps: records.map((i) => 10 * i),
    losses: records.map(loss),
    largest: records.map((i) => (2 * relative(i)) / learningRate),
  }));
  return { experiment: 'o2', seed: 1, runs };
}

describe('the edge of stability', () => {
  it('holds where λ rises to 2/η and stays while the loss falls', async () => {
    const result = sharpness((i) => Math.min(1.02, 0.4 + 0.1 * i));
    expect(verdicts(o2EdgeOfStability.check(result))).toEqual({
      rises: true,
      staysThere: true,
      lossFalls: true,
    });
    await expectDrawn(o2EdgeOfStability.draw(result));
  });

  it('fails where λ stays below, goes on rising, or the loss rises', () => {
    const below = o2EdgeOfStability.check(sharpness((i) => Math.min(0.8, 0.4 + 0.1 * i)));
    expect(below).toMatchObject({ rises: { holds: false }, staysThere: { holds: false } });
    const beyond = o2EdgeOfStability.check(sharpness((i) => 0.4 + 0.1 * i));
    expect(beyond).toMatchObject({ rises: { holds: true }, staysThere: { holds: false } });
    const up = o2EdgeOfStability.check(
      sharpness(
        () => 1,
        (i) => 1 + i,
      ),
    );
    expect(up.lossFalls?.holds).toBe(false);
  });
});

/** ‖R‖/‖H‖ and Σ vᵀGv / Σ λ at the nine points. */
function split(shares: readonly number[], explained: readonly number[]): O3Result {
  const points = shares.map((residual, i) => ({
    step: i,
    loss: 1,
    hessian: 1,
    gaussNewton: 1,
    residual,
    outliers: 10,
    explained: explained[i] ?? NaN,
  }));
  return { experiment: 'o3', seed: 1, seeds: [points] };
}

describe('the split of H through training', () => {
  const shares = [0.98, 0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.06, 0.04];
  const explained = [0.25, 0.5, 0.8, 0.95, 0.99, 1, 1, 1, 1];

  it('holds where R dies away and G makes the outliers', async () => {
    const result = split(shares, explained);
    expect(verdicts(o3Terms.check(result))).toEqual({
      residualFalls: true,
      fallsThroughout: true,
      gaussNewtonMakesOutliers: true,
    });
    await expectDrawn(o3Terms.draw(result));
  });

  it('fails where R ends above a twentieth, rises in between, or G misses a hundredth', () => {
    const high = o3Terms.check(split(shares.with(-1, 0.051), explained));
    expect(high.residualFalls?.holds).toBe(false);
    const bump = o3Terms.check(split(shares.with(4, 0.6), explained));
    expect(verdicts(bump)).toMatchObject({ residualFalls: true, fallsThroughout: false });
    const missing = o3Terms.check(split(shares, explained.with(-1, 0.985)));
    expect(missing.gaussNewtonMakesOutliers?.holds).toBe(false);
  });
});
