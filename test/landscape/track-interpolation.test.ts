// Lines between trajectories against single lines.

import { describe, expect, it } from 'vitest';

import {
  createNetwork,
  interpolate,
  sgd,
  train,
  trackInterpolation,
  twoBlobs,
} from '../../src/index.js';
import type { TrackedLine } from '../../src/index.js';
import { sameBits } from '../curvature/random-problems.js';

const start = createNetwork(
  {
    input: [2],
    layers: [{ type: 'dense', units: 4 }, { type: 'tanh' }, { type: 'dense', units: 2 }],
    loss: 'softmaxCrossEntropy',
  },
  { seed: 1 },
);
const data = twoBlobs({ samples: 60, seed: 2 });

/** The points of a run, one every ten steps. */
async function trajectory(batchSize: number | 'full'): Promise<Float64Array[]> {
  const network = start.clone();
  const points: Float64Array[] = [];
  await train(network, data, {
    optimizer: sgd({ learningRate: 0.1 }),
    batchSize,
    steps: 50,
    recordEvery: 10,
    onRecord: () => points.push(network.parameters()),
  });
  return points;
}
const descent = await trajectory('full');
const stochastic = await trajectory(10);

describe('the lines between two trajectories', () => {
  it('are those that interpolate gives, place by place', async () => {
    const coefficients = [-0.5, 0, 0.25, 1];
    const testData = data.take(20);
    const lines = await trackInterpolation(start, descent, stochastic, {
      data,
      testData,
      coefficients,
    });
    expect(lines.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    for (const { index, ...line } of lines) {
      const [from, to] = [descent[index] ?? [], stochastic[index] ?? []];
      const alone = await interpolate(start, from, to, { data, testData, coefficients });
      expect(sameBits(line.losses, alone.losses)).toBe(true);
      expect(sameBits(line.accuracies, alone.accuracies)).toBe(true);
      expect(sameBits(line.testLosses, alone.testLosses)).toBe(true);
      expect(line.distance).toBe(alone.distance);
    }
    // They start at one point and part from there.
    expect(lines[0]?.distance).toBe(0);
    expect(lines[0]?.barrier).toBe(0);
    expect(lines[5]?.distance).toBeGreaterThan(0);
  });

  it('have a barrier where they cross a ridge', async () => {
    // tanh is odd: −W₁ and −W₂ make the same function, and half way between nothing is left of it.
    const first = [4, 0, -4, 0, 0, 4, 0, -4, 0, 0, 0, 0];
    const from = [...first, 0.4, -0.4, 0.2, -0.2, -0.4, 0.4, -0.2, 0.2, 0, 0];
    const to = from.map((value) => -value);
    const [line] = await trackInterpolation(start, [from], [to], { data });
    expect(line?.losses[0]).toBe(line?.losses[10]);
    expect(line?.losses[5]).toBeCloseTo(Math.LN2, 14);
    expect(line?.barrier).toBeGreaterThan(0.1);
    expect(line?.barrier).toBe(Math.max(...(line?.losses ?? [])) - (line?.losses[0] ?? NaN));
  });

  it('are heard one by one, so that an abort loses none', async () => {
    const heard: TrackedLine[] = [];
    const controller = new AbortController();
    const call = trackInterpolation(start, descent, stochastic, {
      data,
      signal: controller.signal,
      onLine: (line) => {
        heard.push(line);
        if (line.index === 2) controller.abort();
      },
    });
    await expect(call).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(heard.map(({ index }) => index)).toEqual([0, 1, 2]);
  });
});

describe('refuses', () => {
  it('trajectories of different lengths, and points that do not fit', async () => {
    await expect(
      trackInterpolation(start, descent, stochastic.slice(1), { data }),
    ).rejects.toMatchObject({
      code: 'ERR_SHAPE',
      message: /the trajectories hold 6 and 5 points; expected as many in both/,
    });
    await expect(
      trackInterpolation(start, descent, [...stochastic.slice(1), [1]], { data }),
    ).rejects.toMatchObject({
      code: 'ERR_SHAPE',
      message: /row 5 of the second trajectory has 1 entries; expected 22/,
    });
  });
});
