// Runs that are interrupted and go on from their last checkpoint, against runs that are not: the files
// at their ends are compared as a whole, and with them parameters, moments, records and options.

import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it, vi } from 'vitest';

import {
  adam,
  adamW,
  createNetwork,
  gaussianClusters,
  loadCheckpoint,
  sgd,
  train,
} from '../../src/index.js';
import type {
  BatchOrder,
  DType,
  LearningRate,
  Network,
  Optimizer,
  TrainingCall,
  TrainingPhase,
} from '../../src/index.js';
import { asJavaScript } from '../curvature/small-network.js';
import { refusal } from '../data/refusal.js';
import { temporaryFiles } from '../data/temporary-files.js';

const data = gaussianClusters({ samples: 50, classes: 3, dimensions: 4, seed: 4 });
const fresh = (dtype: DType = 'float64'): Network =>
  createNetwork(
    {
      input: [4],
      layers: [{ type: 'dense', units: 5 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
      loss: 'softmaxCrossEntropy',
    },
    { seed: 3, dtype },
  );

type Plan = TrainingPhase | { readonly phases: readonly TrainingPhase[] };

interface FileOptions extends TrainingCall {
  readonly dtype?: DType;
}

/** The file that a run leaves which is aborted after `interruptedAfter` steps of 23, and resumed. */
async function fileOf(plan: Plan, call: FileOptions = {}, interruptedAfter?: number) {
  const file = join(await temporaryFiles({}), 'run.safetensors');
  const { dtype, ...rest } = call;
  const network = fresh(dtype);
  const abort = new AbortController();
  const options = {
    seed: 6,
    recordEvery: 4,
    ...rest,
    ...plan,
    checkpoint: { file, every: 5 },
  };
  const running = train(network, data, {
    ...options,
    signal: abort.signal,
    onRecord: ({ step }) => {
      if (interruptedAfter !== undefined && step >= interruptedAfter) abort.abort();
    },
  });
  if (interruptedAfter === undefined) {
    await running;
  } else {
    await expect(running).rejects.toEqual(expect.objectContaining({ code: 'ERR_ABORTED' }));
    const found = await loadCheckpoint(file);
    // The next record, at which it is aborted, is at most 4 steps away.
    expect(found.step).toBeLessThan(interruptedAfter + 4);
    if (found.options === undefined) throw new Error('the options were saved');
    await train(found.network, data, { ...found.options, resumeFrom: found.state });
  }
  return readFile(file);
}

const optimizers: readonly Optimizer[] = [
  sgd({ learningRate: 0.1 }),
  sgd({ learningRate: 0.1, momentum: 0.9, dampening: 0.5 }),
  sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  adam({ learningRate: 0.01 }),
  adam({ learningRate: 0.01, amsgrad: true, weightDecay: 0.1 }),
  adamW({ learningRate: 0.01 }),
];
const rates: readonly LearningRate[] = [
  { type: 'stepDecay', initial: 0.1, every: 7, factor: 0.5 },
  { type: 'exponential', initial: 0.1, factor: 0.9 },
  { type: 'cosine', initial: 0.1, steps: 20 },
  { type: 'multiStep', initial: 0.1, milestones: [6, 11], factor: 0.1 },
  { type: 'linear', initial: 0.1, steps: 12 },
  { type: 'warmUp', steps: 8, then: { type: 'exponential', initial: 0.1, factor: 0.9 } },
  {
    type: 'piecewise',
    pieces: [
      { from: 0, rate: 0.1 },
      { from: 9, rate: 0.01 },
    ],
  },
];
const orders: readonly BatchOrder[] = ['sequential', 'shuffled', 'withReplacement'];
const steps = 23;
const plain = { optimizer: adam(), batchSize: 16, order: 'shuffled', steps } as const;

describe('a run that is interrupted and resumed leaves the file of one that is not', () => {
  const cases = [
    ...optimizers.flatMap((optimizer) =>
      orders.map((order): Plan => ({ optimizer, batchSize: 16, order, steps })),
    ),
    ...rates.map((learningRate): Plan => ({
      optimizer: adam({ learningRate }),
      batchSize: 9,
      order: 'shuffled',
      steps,
    })),
    { optimizer: adam(), batchSize: 'full', steps },
  ] satisfies Plan[];
  it.each(cases.map((plan) => [JSON.stringify(plan), plan] as const))('%s', async (_, plan) => {
    const unbroken = await fileOf(plan);
    for (const after of [8, 12]) {
      expect((await fileOf(plan, {}, after)).equals(unbroken), `after ${after}`).toBe(true);
    }
  });

  it('in each of several phases', async () => {
    const phases: readonly TrainingPhase[] = [
      { optimizer: adam({ learningRate: 0.01 }), batchSize: 16, steps: 10 },
      { optimizer: adamW({ learningRate: 0.01 }), batchSize: 5, order: 'shuffled', steps: 6 },
      { optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }), batchSize: 'full', steps: 7 },
    ];
    const unbroken = await fileOf({ phases });
    for (const after of [8, 12, 16, 20]) {
      expect((await fileOf({ phases }, {}, after)).equals(unbroken), `after ${after}`).toBe(true);
    }
  });

  it('in float32, with records at the default steps, at chosen ones, and of the full gradient', async () => {
    const calls: readonly FileOptions[] = [
      { dtype: 'float32' },
      { recordEvery: undefined },
      { recordEvery: undefined, recordAt: [3, 8, 9, 17] },
      { fullGradientNorm: true },
    ];
    for (const call of calls) {
      const unbroken = await fileOf(plain, call);
      const resumed = await fileOf(plain, call, 9);
      expect(resumed.equals(unbroken), JSON.stringify(call)).toBe(true);
    }
  });

  it('where the gradient was small enough before the last step', async () => {
    const optimizer = sgd({ learningRate: 0.5 });
    const phases = [
      { optimizer, batchSize: 'full', steps: 2000, stopAtGradientNorm: 0.05 },
      { optimizer, batchSize: 10, order: 'shuffled', steps: 10 },
    ] as const;
    const unbroken = await fileOf({ phases });
    expect((await fileOf({ phases }, {}, 12)).equals(unbroken)).toBe(true);
  });
});

describe('checkpoints of train', () => {
  it('come after each multiple of `every`, after the record there, and at the end', async () => {
    const file = join(await temporaryFiles({}), 'run.safetensors');
    const found: number[][] = [];
    const { state, records } = await train(fresh(), data, {
      ...plain,
      recordEvery: 1,
      checkpoint: { file, every: 10 },
      onRecord: async ({ step }) => {
        const before = await loadCheckpoint(file).catch(() => undefined);
        found.push([step, before?.step ?? -1, before?.records.length ?? 0]);
      },
    });
    expect(found.filter(([step]) => [9, 10, 11, 20, 21, 23].includes(step ?? 0))).toEqual([
      [9, -1, 0],
      [10, -1, 0],
      [11, 10, 11],
      [20, 10, 11],
      [21, 20, 21],
      [23, 20, 21],
    ]);
    expect(await loadCheckpoint(file)).toMatchObject({ step: 23, state, records });
  });

  it('do not change what is computed', async () => {
    const file = join(await temporaryFiles({}), 'run.safetensors');
    const [with_, without] = [fresh(), fresh()];
    await train(with_, data, { ...plain, checkpoint: { file, every: 1 } });
    await train(without, data, plain);
    expect(with_.parameters()).toEqual(without.parameters());
  });

  it('that cannot be written are refused before the first step', async () => {
    const network = fresh();
    const before = network.parameters();
    const file = join(await temporaryFiles({}), 'absent', 'run.safetensors');
    const onRecord = vi.fn();
    const training = train(network, data, { ...plain, onRecord, checkpoint: { file, every: 9 } });
    await expect(training).rejects.toEqual(refusal('ERR_FILE', /its folder .* does not exist/));
    expect(network.parameters()).toEqual(before);
    expect(onRecord).not.toHaveBeenCalled();
  });

  it('that can no longer be written end the call, and the network is free for another', async () => {
    const folder = await temporaryFiles({});
    const within = join(folder, 'within');
    await mkdir(within);
    const network = fresh();
    const training = train(network, data, {
      ...plain,
      checkpoint: { file: join(within, 'run.safetensors'), every: 7 },
      onRecord: () => rm(within, { recursive: true, force: true }),
    });
    await expect(training).rejects.toEqual(refusal('ERR_FILE', /does not exist/));
    network.setParameters(network.parameters());
  });

  it.each<[string, unknown, RegExp]>([
    [
      'a path alone',
      'run.safetensors',
      /option 'checkpoint' is "run.safetensors"; expected \{ file, every/,
    ],
    [
      'every 0',
      { file: 'x', every: 0 },
      /'checkpoint\.every' is 0; expected an integer of at least 1/,
    ],
    ['no file', { every: 5 }, /'checkpoint\.file' is missing/],
    [
      'a URL of the web',
      { file: new URL('http://a/b'), every: 5 },
      /http:\/\/a\/b; expected a path/,
    ],
  ])('are refused with %s', async (_, checkpoint, message) => {
    await expect(asJavaScript(train, fresh(), data, { ...plain, checkpoint })).rejects.toEqual(
      refusal('ERR_SPEC', message),
    );
  });
});
