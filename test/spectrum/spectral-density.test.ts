// Stochastic Lanczos quadrature: laws of one probe, errors over many, values known by hand.

import { describe, expect, it } from 'vitest';

import { createRandom } from '../../src/data/random.js';
import { spectralDensity } from '../../src/index.js';
import type { SymmetricOperator } from '../../src/index.js';
import { refusal } from '../data/refusal.js';

function diagonal(values: readonly number[]): SymmetricOperator {
  const n = values.length;
  return { size: n, apply: (v) => Float64Array.from(v, (x, i) => x * (values[i % n] ?? NaN)) };
}

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);

/** ∫ |F − G| for two discrete measures. */
function wasserstein(a: readonly [number, number][], b: readonly [number, number][]): number {
  const steps = [...a, ...b.map(([x, w]): [number, number] => [x, -w])].sort((p, q) => p[0] - q[0]);
  let [total, difference] = [0, 0];
  steps.forEach(([x, w], i) => {
    if (i > 0) total += Math.abs(difference) * (x - (steps[i - 1]?.[0] ?? x));
    difference += w;
  });
  return total;
}

describe('one probe', () => {
  it('of ±1 on diag(1 … 5) has nodes 1 … 5 and weights 1/5 (case 11a)', async () => {
    const { nodes, weights, trace } = await spectralDensity(diagonal([1, 2, 3, 4, 5]), {
      probes: 1,
      steps: 5,
    });
    [...nodes].forEach((node, k) => {
      expect(Math.abs(node - (k + 1))).toBeLessThan(1e-12);
      expect(Math.abs((weights[k] ?? NaN) - 0.2)).toBeLessThan(1e-12);
    });
    expect(nodes).toHaveLength(5);
    expect(trace.value).toBeCloseTo(15, 11);
  });

  it('takes no more steps than there are dimensions (case 12b)', async () => {
    const { nodes, steps } = await spectralDensity(diagonal([1, 2, 3]), { probes: 1, steps: 50 });
    expect(steps).toBe(3);
    [...nodes].forEach((node, k) => {
      expect(node).toBeCloseTo(k + 1, 12);
    });
  });

  it.each([0, 1])('of %i times the identity has one node', async (value) => {
    const operator = diagonal(Array.from({ length: 40 }, () => value));
    const result = await spectralDensity(operator, { probes: 2 });
    for (const { nodes } of result.probes) expect([...nodes]).toEqual([expect.closeTo(value, 13)]);
    expect(result.density.every(Number.isFinite)).toBe(true);
  });

  it('is within W₁ ≤ π(b − a)/(4m) of the exact measure, which ±1 makes uniform', async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const random = createRandom(seed);
      const values = Array.from({ length: 200 }, () => 10 ** random.uniform(-6, 1));
      const [low, high] = [Math.min(...values), Math.max(...values)];
      for (const steps of [2, 5, 12]) {
        const { probes } = await spectralDensity(diagonal(values), { probes: 1, steps, seed });
        const ritz = Array.from(probes[0]?.nodes ?? [], (x, i): [number, number] => [
          x,
          probes[0]?.weights[i] ?? NaN,
        ]);
        const exact = values.map((x): [number, number] => [x, 1 / values.length]);
        expect(wasserstein(exact, ritz), `seed ${String(seed)}`).toBeLessThanOrEqual(
          (Math.PI * (high - low)) / (4 * steps),
        );
      }
    }
  });
});

describe('many probes', () => {
  it('weights sum to 1, the density integrates to 1, and bits do not depend on threads', async () => {
    const values = Array.from({ length: 300 }, (_, i) => Math.sin(i));
    for (const axis of ['linear', 'logarithmic'] as const) {
      const runs = await Promise.all(
        [1, 2, 3].map((threads) =>
          spectralDensity(diagonal(values), { axis, threads, probeVectors: 'normal', steps: 20 }),
        ),
      );
      const [first] = runs;
      for (const run of runs) expect(run).toEqual(first);
      expect(sum(first?.weights ?? [])).toBeCloseTo(1, 12);
      if (axis === 'linear') {
        const { grid = [], density = [] } = first ?? {};
        const pace = (grid[1] ?? NaN) - (grid[0] ?? NaN);
        expect(pace * sum(density)).toBeCloseTo(1, 3);
      }
    }
  });

  it('error bars of trace and mass cover the truth in 95 % ± 4 of 300 runs of 100 probes', async () => {
    const values = Array.from({ length: 40 }, (_, i) => (i < 20 ? i / 20 : 2 + i / 40));
    const truth = sum(values);
    let [traces, masses] = [0, 0];
    for (let seed = 0; seed < 300; seed += 1) {
      const { trace, intervals } = await spectralDensity(diagonal(values), {
        probes: 100,
        steps: 8,
        seed,
        probeVectors: 'normal',
        gridPoints: 1,
        intervals: [[-1, 1.5]],
      });
      if (Math.abs(trace.value - truth) <= 1.984 * trace.standardError) traces += 1;
      const [mass] = intervals;
      if (mass && Math.abs(mass.value - 0.5) <= 1.984 * mass.standardError) masses += 1;
    }
    for (const covered of [traces, masses])
      expect(Math.abs(covered / 300 - 0.95)).toBeLessThan(0.04);
  }, 60_000);

  it('errors of trace and mass fall with the probes by slope −½ ± 0.1', async () => {
    // As many steps as dimensions: nothing but the probes is in error.
    const values = Array.from({ length: 16 }, (_, i) => i + 1);
    const counts = [4, 16, 64];
    const runs = 80;
    const squares = { trace: counts.map(() => 0), mass: counts.map(() => 0) };
    for (const [k, probes] of counts.entries()) {
      for (let run = 0; run < runs; run += 1) {
        const { trace, intervals } = await spectralDensity(diagonal(values), {
          probes,
          steps: values.length,
          seed: 1000 * k + run,
          probeVectors: 'normal',
          gridPoints: 1,
          intervals: [[0, 5.5]],
        });
        const mass = intervals[0]?.value ?? NaN;
        squares.trace[k] = (squares.trace[k] ?? NaN) + (trace.value - sum(values)) ** 2;
        squares.mass[k] = (squares.mass[k] ?? NaN) + (mass - 5 / 16) ** 2;
      }
    }
    for (const of of [squares.trace, squares.mass]) {
      const points = of.map((square, k) => [
        Math.log(counts[k] ?? NaN),
        Math.log(square / runs) / 2,
      ]);
      const mean = (axis: 0 | 1) => sum(points.map((point) => point[axis] ?? NaN)) / points.length;
      const [x, y] = [mean(0), mean(1)];
      const covariance = sum(points.map(([a = NaN, b = NaN]) => (a - x) * (b - y)));
      const slope = covariance / sum(points.map(([a = NaN]) => (a - x) ** 2));
      expect(Math.abs(slope + 0.5), `slope ${String(slope)}`).toBeLessThan(0.1);
    }
  }, 60_000);

  it('refuses what is asymmetric', async () => {
    const operator: SymmetricOperator = { size: 2, apply: ([x = 0, y = 0]) => [x + y, y] };
    await expect(spectralDensity(operator)).rejects.toEqual(
      refusal('ERR_NUMERIC', /not symmetric/),
    );
  });
});
