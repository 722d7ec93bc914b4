import { describe, expect, it } from 'vitest';

import { f7Phases } from '../../src/experiments/f7-phases.js';
import type { F7Record, F7Result, F7Run } from '../../src/experiments/f7-phases.js';
import { renderChart } from '../../src/report/render.js';

function record(step: number, loss: number, testAccuracy: number): F7Record {
  return { step, loss, accuracy: 1, testLoss: 2 * loss, testAccuracy };
}

/** Twenty records a part: the loss after the switch, the test accuracy at its end, the barrier. */
function run({ after = 0.5, accuracy = 0.91, height = 0.01 } = {}): F7Run {
  const one = Array.from({ length: 21 }, (_, i) => record(i, i === 0 ? 2 : 0.1, 0.9));
  const two = one.map((_, i) => record(20 + i, i === 1 ? after : 0.05, accuracy));
  const coefficients = [-1, 0, 1, 2];
  const values = coefficients.map(() => 0.1);
  return {
    seed: 1,
    parameterCount: 100,
    parts: [one, two],
    line: {
      coefficients,
      losses: values,
      accuracies: values,
      testLosses: values,
      testAccuracies: values,
    },
    barrier: { height, initialLoss: 2, at: 0.5 },
    distance: 1,
  };
}

function result(...runs: readonly F7Run[]): F7Result {
  return {
    experiment: 'f7',
    seed: 1,
    scale: 'demo',
    data: 'made',
    digest: '00',
    samples: { train: 1000, test: 797 },
    batches: [500, 32],
    runs,
  };
}

function holds(...runs: readonly F7Run[]): readonly boolean[] {
  return Object.values(f7Phases.check(result(...runs))).map((claim) => claim.holds);
}

describe('figures 7 and 8', () => {
  it('hold for a jump, a gain in test accuracy and a flat line', () => {
    expect(f7Phases.check(result(run()))).toMatchObject({
      noBarrier: { holds: true, measured: '0.5 %' },
      jumpAtSwitch: { holds: true, measured: expect.stringMatching(/^5 times/) as unknown },
      moreAccurate: { holds: true, measured: expect.stringMatching(/^1 % /) as unknown },
    });
  });

  it('fail where one run has a barrier of 5 % of the loss at the start', () => {
    expect(holds(run(), run({ height: 0.1 }))).toEqual([false, true, true]);
  });

  it('fail where one run has no jump', () => {
    expect(holds(run(), run({ after: 0.09 }))).toEqual([true, false, true]);
  });

  it('fail where small batches end less accurate in the mean', () => {
    expect(holds(run(), run({ accuracy: 0.88 }))).toEqual([true, true, false]);
  });

  it('fail where nothing was measured', () => {
    expect(holds()).toEqual([false, false, false]);
  });

  it('go on from a kept stretch as if they had not stopped', async () => {
    const kept = new Map<string, unknown>();
    const until = async (last: string): Promise<void> => {
      const stop = new Error(last);
      const running = f7Phases.run({
        seed: 1,
        scale: 'demo',
        piece: async (name, measure) => {
          const piece = (kept.get(name) ?? (await measure())) as Awaited<
            ReturnType<typeof measure>
          >;
          kept.set(name, JSON.parse(JSON.stringify(piece)));
          if (name === last) throw stop;
          return piece;
        },
      });
      await expect(running).rejects.toBe(stop);
    };
    const last = 'seed-1-part-1-1';
    await until(last);
    const whole = kept.get(last);
    kept.delete(last);
    await until(last);
    expect(kept.get(last)).toEqual(whole);
    expect([...kept.keys()]).toEqual(['seed-1-part-1-0', last]);
    expect(whole).toMatchObject({
      records: [50, 60, 70, 80, 90, 100].map(
        (step) => expect.objectContaining({ step }) as unknown,
      ),
    });
  }, 60_000);

  it('need the folder of CIFAR-10 at the paper’s scale', async () => {
    await expect(f7Phases.perform({ seed: 1, scale: 'paper' })).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining('--data-dir') as unknown,
    });
  });

  it('are drawn: loss and accuracy through training and along the line', async () => {
    const charts = f7Phases.draw(result(run()));
    expect(charts).toHaveLength(4);
    for (const chart of charts) {
      const svg = await renderChart(chart, { format: 'svg' });
      expect(svg).toContain('test data');
    }
  });
});
