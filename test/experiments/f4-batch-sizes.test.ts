import { describe, expect, it } from 'vitest';

import { f4BatchSizes } from '../../src/experiments/f4-batch-sizes.js';
import type { F4Result, F4Run } from '../../src/experiments/f4-batch-sizes.js';
import { renderChart } from '../../src/report/render.js';

/** 40 eigenvalues that fall as 1/rank, times `scale`, `elbow` of them outliers. */
function run(batch: number, { scale = 1, elbow = 9, least = -1e-3 } = {}): F4Run {
  return {
    seed: 1,
    batch,
    steps: 3000,
    loss: 0.002,
    parameterCount: 1000,
    largest: Array.from({ length: 40 }, (_, i) => scale / (i + 1)),
    smallest: Array.from({ length: 20 }, (_, i) => least / (i + 1)),
    residual: 1e-9,
    converged: true,
    threshold: 0.1,
    counts: { elbow, gap: 1, ratio: 9 },
  };
}

function result(...runs: readonly F4Run[]): F4Result {
  return { experiment: 'f4', seed: 1, scale: 'demo', data: 'made', digest: '00', runs };
}

function holds(...runs: readonly F4Run[]): readonly boolean[] {
  return Object.values(f4BatchSizes.check(result(...runs))).map((claim) => claim.holds);
}

describe('figures 4 and 6', () => {
  it('hold where the large batch has as many outliers, five times as large', () => {
    const claims = f4BatchSizes.check(result(run(10), run(512, { scale: 5, elbow: 10 })));
    expect(claims).toMatchObject({
      sameCount: { holds: true, measured: '9 and 10' },
      largerOutliers: { holds: true, measured: expect.stringMatching(/^5 times/) as unknown },
      negativesStaySmall: { holds: true },
    });
  });

  it('fail where the counts of one start differ by two', () => {
    const same = [run(10), run(512, { scale: 2 })];
    expect(holds(...same, run(10), run(512, { scale: 2, elbow: 11 }))).toEqual([false, true, true]);
  });

  it('fail where the outliers of one start are smaller', () => {
    const larger = [run(10), run(512, { scale: 2 })];
    expect(holds(...larger, run(10), run(512, { scale: 0.9 }))).toEqual([true, false, true]);
  });

  it('fail where the negative end is as large as the outliers, or positive', () => {
    const deep = { scale: 2, least: -0.1 };
    expect(holds(run(10), run(512, deep))).toEqual([true, true, false]);
    expect(holds(run(10), run(512, { scale: 2, least: 1e-3 }))).toEqual([true, true, false]);
  });

  it('fail where a pair did not converge', () => {
    const unfinished = { ...run(512, { scale: 2 }), converged: false };
    expect(holds(run(10), unfinished)).toEqual([false, false, false]);
  });

  it('fail where nothing was measured', () => {
    expect(holds()).toEqual([false, false, false]);
  });

  it('take pieces that are there, and run both batches of a seed for the same steps', async () => {
    const asked: string[] = [];
    const { runs } = await f4BatchSizes.run({
      seed: 3,
      scale: 'demo',
      piece: <Piece>(name: string) => {
        asked.push(name);
        return Promise.resolve(run(name.endsWith('-10') ? 10 : 512) as Piece);
      },
    });
    expect(asked.slice(0, 3)).toEqual(['seed-3-batch-10', 'seed-3-batch-512', 'seed-4-batch-10']);
    expect(runs).toHaveLength(10);
  });

  it('measure a run: both ends of the Hessian after as many steps as the small batch takes', async () => {
    const stop = new Error('enough');
    const measured: F4Run[] = [];
    const running = f4BatchSizes.run({
      seed: 4,
      scale: 'demo',
      piece: async (_, measure) => {
        if (measured.length === 2) throw stop;
        const piece = await measure();
        measured.push(piece as F4Run);
        return piece;
      },
    });
    await expect(running).rejects.toBe(stop);
    const [small, large] = measured;
    expect(small?.loss).toBeLessThan(0.01);
    expect(large?.steps).toBe(small?.steps);
    expect(large).toMatchObject({ batch: 512, parameterCount: 1034, converged: true });
    expect([large?.largest.length, large?.smallest.length]).toEqual([40, 21]);
    expect(large?.largest[39]).toBeGreaterThan(large?.smallest[20] ?? NaN);
  }, 120_000);

  it('need the folder of MNIST at the paper’s scale', async () => {
    await expect(f4BatchSizes.perform({ seed: 1, scale: 'paper' })).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining('--data-dir') as unknown,
    });
  });

  it('are drawn, points and medians of one batch in one colour', async () => {
    const charts = f4BatchSizes.draw(result(run(10), run(512, { scale: 5 })));
    expect(charts).toHaveLength(2);
    for (const chart of charts) {
      const svg = await renderChart(chart, { format: 'svg' });
      expect(svg.match(/>batch 10</g)).toHaveLength(1);
    }
  });
});
