import { describe, expect, it } from 'vitest';

import {
  checkF1,
  drawF1,
  manifestF1,
  summarizeF1,
  tabulateF1,
} from '../../src/experiments/f1-figure.js';
import type { F1Point, F1Result } from '../../src/experiments/f1-figure.js';
import { renderChart } from '../../src/report/render.js';

/** 100 eigenvalues: `negative` negative ones, zeros, ten outliers up to `largest`. */
function point({
  largest,
  residualNorm,
  explained,
  lowest,
}: {
  readonly largest: number;
  readonly residualNorm: number;
  readonly explained: number;
  readonly lowest: number;
}): F1Point {
  const outliers = Array.from({ length: 10 }, (_, i) => (largest * (i + 10)) / 19);
  const negative = Array.from({ length: 20 }, (_, i) => lowest / (i + 1));
  const eigenvalues = [...negative, ...Array<number>(70).fill(0), ...outliers];
  const term = {
    method: 'dense',
    eigenvalues,
    exactZeros: 5,
    errorBound: 1e-11,
    errorEstimate: 1e-13,
    via: 'closedForm',
  } as const;
  return {
    accuracy: 0.995,
    testAccuracy: 0.96,
    gradientNorm: 0.04,
    spectrum: {
      version: 1,
      parameterCount: 100,
      sampleCount: 50,
      loss: 0.04,
      method: 'dense',
      reason: 'as asked',
      terms: { hessian: term, gaussNewton: term },
    },
    hessianNorm: 2,
    residualNorm,
    outliers: { elbow: 10, ratio: 10, gap: 1, threshold: 0.3 },
    explained,
  };
}

const result: F1Result = {
  experiment: 'f1',
  version: 1,
  seed: 3,
  network: {
    input: [64],
    layers: [{ type: 'dense', units: 50 }, { type: 'relu' }, { type: 'dense', units: 10 }],
    loss: 'softmaxCrossEntropy',
  },
  data: 'UCI digits, standardized',
  samples: 50,
  testSamples: 20,
  classes: 10,
  initializer: '0.1 · N(0, 1)',
  learningRate: 0.1,
  training: { steps: [0, 1, 2], loss: [2.3, 1, 0.04], testLoss: [2.3, 1.1, 0.1] },
  before: point({ largest: 0.5, residualNorm: 1.9, explained: 0.2, lowest: -0.4 }),
  after: point({ largest: 1.4, residualNorm: 0.08, explained: 0.999, lowest: -0.02 }),
};

describe('figure 1', () => {
  it('claims what the run showed', () => {
    const claims = checkF1(result);
    expect(Object.keys(claims)).toEqual([
      'bulkAtZero',
      'fewOutliers',
      'gaussNewtonMakesOutliers',
      'residualIsSmall',
      'negativesRemain',
    ]);
    const { bulkAtZero, ...others } = claims;
    expect(bulkAtZero).toMatchObject({ holds: false }); // 86 of 100: outliers are many here
    expect(Object.values(others).map(({ holds }) => holds)).toEqual([true, true, true, true]);
    expect(others.residualIsSmall?.measured).toBe('‖R‖/‖H‖ falls from 0.95 to 0.04');
  });

  it('does not claim what the run did not show', () => {
    const { before } = result;
    const untrained = { ...result, after: before };
    expect(checkF1(untrained)).toMatchObject({
      gaussNewtonMakesOutliers: { holds: false },
      residualIsSmall: { holds: false },
      negativesRemain: { holds: false },
    });
  });

  it('wants G to make 99 % of the outliers, and R to fall below a twentieth of H', () => {
    const after = { largest: 1.4, residualNorm: 0.08, explained: 0.999, lowest: -0.02 };
    const claims = (changed: Partial<typeof after>) =>
      checkF1({ ...result, after: point({ ...after, ...changed }) });
    expect(claims({ explained: 0.985 }).gaussNewtonMakesOutliers?.holds).toBe(false);
    expect(claims({ residualNorm: 0.12 }).residualIsSmall?.holds).toBe(false);
  });

  it('draws charts from plain JSON alone, their titles holding the numbers', async () => {
    const charts = drawF1(JSON.parse(JSON.stringify(result)) as F1Result);
    expect(charts.map(({ kind }) => kind)).toEqual([
      'eigenvalues',
      'eigenvalues',
      'histogram',
      'lossCurve',
    ]);
    expect(charts[0]?.title).toContain('10 outliers');
    for (const chart of charts) {
      expect((await renderChart(chart, { format: 'svg' })).startsWith('<svg')).toBe(true);
    }
  });

  it('has a table of both points, a summary, and a manifest that repeats every choice', () => {
    const [table] = tabulateF1(result);
    expect(table?.columns).toEqual(['', 'random start', 'after training']);
    expect(table?.rows.every((row) => row.length === 3)).toBe(true);
    expect(summarizeF1(result)).toContain('10 stand off');
    expect(manifestF1(result)).toMatchObject({
      seed: 3,
      network: '64-50-10, ReLU',
      optimizer: 'gradient descent on all samples, learning rate 0.1',
      steps: 2,
    });
  });
});
