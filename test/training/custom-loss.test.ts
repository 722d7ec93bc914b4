// Training under losses written in TypeScript, against the same losses in the engine.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import {
  adam,
  createNetwork,
  gaussianClusters,
  saveCheckpoint,
  sgd,
  train,
} from '../../src/index.js';
import type { BatchOrder, LossSpec, Network } from '../../src/index.js';
import { refusal } from '../data/refusal.js';
import { temporaryFiles } from '../data/temporary-files.js';
import { distance, sameBits } from '../curvature/random-problems.js';

const data = gaussianClusters({ samples: 23, classes: 3, dimensions: 3, seed: 4 });

/** −log p_y. */
const written = {
  type: 'custom',
  value: (f, target) =>
    Math.log(f.reduce((sum, x) => sum + Math.exp(x), 0)) - (f[Number(target)] ?? NaN),
  gradient: (f, target) => {
    const sum = f.reduce((total, x) => total + Math.exp(x), 0);
    return f.map((x, c) => Math.exp(x) / sum - (c === Number(target) ? 1 : 0));
  },
  hessian: (f) => {
    const sum = f.reduce((total, x) => total + Math.exp(x), 0);
    const p = Array.from(f, (x) => Math.exp(x) / sum);
    return p.map((a, i) => p.map((b, j) => (i === j ? a : 0) - a * b));
  },
} as const satisfies LossSpec;
const networkOf = (loss: LossSpec): Network<'float64'> =>
  createNetwork({
    input: [3],
    layers: [{ type: 'dense', units: 4 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
    loss,
  });

describe('no checkpoint holds functions:', () => {
  const message =
    /: the loss 'cubic' is of type 'custom', functions that no checkpoint holds; keep/;
  const network = networkOf({ ...written, name: 'cubic' });
  const before = network.parameters();
  const refused = async (call: string, action: (file: string) => Promise<unknown>) => {
    const folder = await temporaryFiles({});
    const failure: unknown = await action(join(folder, 'run.safetensors')).catch(
      (error: unknown) => error,
    );
    expect(failure).toEqual(refusal('ERR_SPEC', message));
    expect(String(failure)).toContain(`${call}: `);
    expect(await readdir(folder)).toEqual([]);
  };

  it('saveCheckpoint refuses a custom loss by name, and writes nothing', async () => {
    await refused('saveCheckpoint', (file) => saveCheckpoint(file, { network }));
  });

  it('train with checkpoints refuses it before the first step', async () => {
    const plan = { optimizer: adam(), batchSize: 5, steps: 3 } as const;
    await refused('train', (file) =>
      train(network, data, { ...plan, checkpoint: { file, every: 1 } }),
    );
    expect(network.parameters()).toEqual(before);
    await expect(train(network.clone(), data, plan)).resolves.toBeDefined();
  });
});

describe('a loss written out', () => {
  it.each(['sequential', 'shuffled', 'withReplacement'] as const satisfies BatchOrder[])(
    'takes the steps of the one in the engine, %s',
    async (order) => {
      const options = {
        optimizer: adam({ learningRate: { type: 'exponential', initial: 0.02, factor: 0.99 } }),
        batchSize: 5,
        order,
        steps: 40,
        recordEvery: 10,
      };
      const theirs = networkOf('softmaxCrossEntropy');
      const mine = networkOf(written);
      const expected = await train(theirs, data, options);
      const found = await train(mine, data, options);
      expect(distance(mine.parameters(), theirs.parameters())).toBeLessThan(1e4 * 2 ** -52);
      found.records.forEach((record, i) => {
        expect(record.step).toBe(expected.records[i]?.step);
        expect(record.loss).toBeCloseTo(expected.records[i]?.loss ?? NaN, 12);
        expect(record.accuracy).toBeUndefined();
      });
      expect(found.state).toMatchObject({ step: 40, updates: 40 });
    },
  );

  it('resumed, has the bits of a run without a break', async () => {
    const options = {
      optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
      batchSize: 5,
      order: 'shuffled',
    } as const;
    const whole = networkOf(written);
    const { state } = await train(whole, data, { ...options, steps: 17 });
    const parts = networkOf(written);
    const { state: resumeFrom } = await train(parts, data, { ...options, steps: 6 });
    const { state: end } = await train(parts, data, { ...options, steps: 11, resumeFrom });
    expect(sameBits(parts.parameters(), whole.parameters())).toBe(true);
    expect(end).toEqual(state);
  });

  it('stops at a gradient norm, and hears of an abort', async () => {
    const options = {
      optimizer: sgd({ learningRate: 0.1 }),
      batchSize: 'full',
      steps: 1e6,
      recordEvery: 1e6,
    } as const;
    const norm = Math.hypot(...(await networkOf(written).gradient(data)));
    const { stoppedBy, state } = await train(networkOf(written), data, {
      ...options,
      stopAtGradientNorm: norm / 2,
    });
    expect(stoppedBy).toBe('gradientNorm');
    expect(state.step).toBeGreaterThan(0);
    const controller = new AbortController();
    const network = networkOf(written);
    const abortOnTheWay = ({ done }: { readonly done: number }) => {
      if (done > 1) controller.abort();
    };
    const training = train(network, data, {
      ...options,
      signal: controller.signal,
      onProgress: abortOnTheWay,
    });
    await expect(training).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    const left = network.parameters();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(network.parameters()).toEqual(left);
    expect(sameBits(left, networkOf(written).parameters())).toBe(false);
  });

  it('that diverges leaves the network on its last finite step', async () => {
    const network = networkOf(written);
    const training = train(network, data, {
      optimizer: sgd({ learningRate: 1e200 }),
      batchSize: 5,
      steps: 50,
    });
    await expect(training).rejects.toMatchObject({
      code: 'ERR_NUMERIC',
      message: expect.stringMatching(
        /training diverged at step \d+: .* the network is left after step \d+/,
      ) as string,
    });
    expect(network.parameters().every(Number.isFinite)).toBe(true);
  });
});
