// Learning rates by the formulas of their schedules; those of PyTorch are in pytorch.test.ts.

import { describe, expect, it } from 'vitest';

import { learningRateAt } from '../../src/index.js';

describe('learningRateAt', () => {
  it.each([
    [{ type: 'stepDecay', initial: 1, every: 3, factor: 0.5 }, [1, 1, 1, 0.5, 0.5, 0.5, 0.25]],
    [
      { type: 'cosine', initial: 1, final: 0, steps: 4 },
      [1, (2 + Math.SQRT2) / 4, 0.5, (2 - Math.SQRT2) / 4, 0, 0, 0],
    ],
    [
      { type: 'multiStep', initial: 1, milestones: [2, 4], factor: 0.5 },
      [1, 1, 0.5, 0.5, 0.25, 0.25],
    ],
    [{ type: 'linear', initial: 1, startFactor: 0.5, steps: 2 }, [0.5, 0.75, 1, 1]],
    [
      {
        type: 'warmUp',
        steps: 2,
        startFactor: 0,
        then: { type: 'exponential', initial: 1, factor: 0.5 },
      },
      [0, 0.5, 1, 0.5, 0.25],
    ],
    [
      {
        type: 'piecewise',
        pieces: [
          { from: 0, rate: 1 },
          { from: 2, rate: 3 },
        ],
      },
      [1, 1, 3, 3],
    ],
  ] as const)('%j', (schedule, values) => {
    values.forEach((value, step) => {
      expect(learningRateAt(schedule, step)).toBeCloseTo(value, 15);
    });
  });
});
