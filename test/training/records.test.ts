// The records that train makes, and where it stops by itself.

import { describe, expect, it } from 'vitest';

import { createNetwork, train } from '../../src/index.js';
import type { TrainingRecord } from '../../src/index.js';
import { data, endless, fresh, optimizer, testData } from './clusters.js';

describe('records', () => {
  it('are made at both ends and every recordEvery steps, with losses over the whole data', async () => {
    const network = fresh();
    const heard: TrainingRecord[] = [];
    const { records, stoppedBy } = await train(network, data, {
      optimizer,
      batchSize: 10,
      steps: 25,
      recordEvery: 10,
      testData,
      onRecord: (record) => heard.push(record),
    });
    expect(records.map(({ step }) => step)).toEqual([0, 10, 20, 25]);
    expect(heard).toEqual(records);
    expect(stoppedBy).toBe('steps');
    const start = fresh();
    expect(records[0]).toEqual({
      step: 0,
      loss: await start.loss(data),
      accuracy: await start.accuracy(data),
      testLoss: await start.loss(testData),
      testAccuracy: await start.accuracy(testData),
      gradientNorm: undefined,
      learningRate: 0.01,
    });
    expect(records[3]?.loss).toBe(await network.loss(data));
    expect(records[3]?.testAccuracy).toBe(await network.accuracy(testData));
    expect(records[3]?.gradientNorm).toBeGreaterThan(0);
  });

  it('are 101 unless said otherwise, but no more than passes over the data, and one for no step', async () => {
    const long = await train(fresh(), data, { optimizer, batchSize: 10, steps: 1000 });
    expect(long.records).toHaveLength(51);
    const longer = await train(fresh(), data, { optimizer, batchSize: 10, steps: 10_000 });
    expect(longer.records).toHaveLength(101);
    const none = await train(fresh(), data, { optimizer, batchSize: 10, steps: 0 });
    expect(none.records).toHaveLength(1);
    const values = createNetwork({
      input: [10],
      layers: [{ type: 'dense', units: 1 }],
      loss: 'meanSquaredError',
    });
    const { records } = await train(values, data, { optimizer, batchSize: 10, steps: 3 });
    expect(records.map(({ accuracy, testLoss }) => [accuracy, testLoss])).toEqual(
      records.map(() => [undefined, undefined]),
    );
  });
});

it('stops before the step at which the gradient of the batch is small enough', async () => {
  const network = fresh();
  const before = network.parameters();
  const enough = await train(network, data, {
    ...endless,
    batchSize: 'full',
    stopAtGradientNorm: 100,
  });
  expect(enough).toMatchObject({ stoppedBy: 'gradientNorm', state: { step: 0 } });
  expect(network.parameters()).toEqual(before);
  const norm = Math.hypot(...(await network.gradient(data)));
  const stopped = await train(network, data, {
    ...endless,
    batchSize: 'full',
    stopAtGradientNorm: norm * 0.9,
  });
  expect(stopped.stoppedBy).toBe('gradientNorm');
  expect(stopped.state.step).toBeGreaterThan(0);
  expect(Math.hypot(...(await network.gradient(data)))).toBeLessThanOrEqual(norm * 0.9);
  const again = network.clone();
  again.setParameters(before);
  await train(again, data, { optimizer, batchSize: 'full', steps: stopped.state.step - 1 });
  expect(Math.hypot(...(await again.gradient(data)))).toBeGreaterThan(norm * 0.9);
});
