// Phases, records at chosen steps, and what the options of train and of optimizers may not say.

import { describe, expect, it } from 'vitest';

import { adam, adamW, createNetwork, gaussianClusters, sgd, train } from '../../src/index.js';
import { asJavaScript } from '../curvature/small-network.js';
import { sameBits } from '../curvature/random-problems.js';
import { refusal } from '../data/refusal.js';

const data = gaussianClusters({ samples: 23, classes: 3, dimensions: 3, seed: 4 });
const network = createNetwork({
  input: [3],
  layers: [{ type: 'dense', units: 4 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
  loss: 'softmaxCrossEntropy',
});

describe('phases', () => {
  const gradual = adam({ learningRate: { type: 'exponential', initial: 0.05, factor: 0.9 } });
  it('go on with the moments that both optimizers keep; batches and rates count from their start', async () => {
    const first = { optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }), batchSize: 23, steps: 7 };
    const second = {
      ...first,
      optimizer: sgd({ learningRate: 0.05, momentum: 0.5 }),
      batchSize: 5,
    };
    const trained = network.clone();
    const { state, records } = await train(trained, data, {
      phases: [first, second, { optimizer: gradual, batchSize: 5, steps: 4 }],
    });
    expect(records.at(-1)?.step).toBe(18);
    expect(state).toMatchObject({ step: 18, phase: 2, phaseStart: 14, updates: 4 });

    const apart = network.clone();
    const one = await train(apart, data, first);
    const two = await train(apart, data, {
      ...second,
      resumeFrom: { ...one.state, phase: 1, phaseStart: 7 },
    });
    const three = await train(apart, data, { optimizer: gradual, batchSize: 5, steps: 4 });
    expect(two.state.updates).toBe(14);
    expect(three.state.moments).toEqual(state.moments);
    expect(sameBits(apart.parameters(), trained.parameters())).toBe(true);
  });

  it('that stop at a gradient norm make room for the next', async () => {
    const descend = {
      optimizer: sgd({ learningRate: 0.5 }),
      batchSize: 'full',
      steps: 1e6,
    } as const;
    const { state, stoppedBy } = await train(network.clone(), data, {
      phases: [
        { ...descend, stopAtGradientNorm: 0.05 },
        { ...descend, optimizer: gradual, steps: 3 },
      ],
    });
    expect(stoppedBy).toBe('steps');
    expect(state).toMatchObject({ phase: 1, step: state.phaseStart + 3, updates: 3 });
    expect(state.phaseStart).toBeLessThan(1e6);
  });

  it('progress counts the steps of all of them', async () => {
    const total = new Set<number>();
    const phase = { optimizer: sgd({ learningRate: 1e-3 }), batchSize: 10, steps: 20_000 };
    await train(network.clone(), data, {
      phases: [phase, phase],
      recordEvery: 1e9,
      onProgress: (progress) => total.add(progress.total),
    });
    expect([...total]).toEqual([40_000]);
  });
});

describe('records', () => {
  it('are made after the steps asked for, counted from the beginning of all training', async () => {
    const options = {
      optimizer: sgd({ learningRate: 0.1 }),
      batchSize: 5,
      recordAt: [3, 11, 4, 50],
    };
    const trained = network.clone();
    const { records, state } = await train(trained, data, { ...options, steps: 10 });
    expect(records.map(({ step }) => step)).toEqual([0, 3, 4, 10]);
    const later = await train(trained, data, {
      ...options,
      steps: 12,
      resumeFrom: state,
      recordEvery: 8,
      fullGradientNorm: true,
    });
    expect(later.records.map(({ step }) => step)).toEqual([10, 11, 16, 22]);
    const gradient = await trained.gradient(data);
    expect(later.records.at(-1)?.fullGradientNorm).toBeCloseTo(Math.hypot(...gradient), 14);
  });
});

describe('refusals', () => {
  const optimizer = sgd({ learningRate: 0.1 });
  const good = { optimizer, batchSize: 5, steps: 1 } as const;
  const schedule = (learningRate: unknown) => ({ optimizer: { ...optimizer, learningRate } });
  it.each([
    [/'order' is "random"; expected one of "sequential"/, { order: 'random' }],
    [/'seed' is 0.5; expected a safe integer/, { seed: 0.5 }],
    [/'recordAt.0' is -1; expected an integer of at least 0/, { recordAt: [-1] }],
    [/'fullGradientNorm' is 1; expected true or false/, { fullGradientNorm: 1 }],
    [
      /learningRate.type' is "poly"; expected a schedule: one of stepDecay/,
      schedule({ type: 'poly' }),
    ],
    [
      /learningRate.every' is 0; expected/,
      schedule({ type: 'stepDecay', initial: 0.1, every: 0, factor: 0.5 }),
    ],
    [
      /milestones' is an array of 2; expected steps in ascending order/,
      schedule({ type: 'multiStep', initial: 1, factor: 0.5, milestones: [3, 3] }),
    ],
    [
      /pieces' is an array of 1; expected pieces of which the first is from step 0/,
      schedule({ type: 'piecewise', pieces: [{ from: 1, rate: 0.1 }] }),
    ],
    [
      /then' is -1; expected a finite number above 0/,
      schedule({ type: 'warmUp', steps: 3, then: -1 }),
    ],
    [
      /beta1' is 1; expected a number of at least 0 and below 1/,
      { optimizer: { ...adam(), beta1: 1 } },
    ],
    [
      /nesterov is true with momentum 0 and dampening 0; expected a momentum above 0/,
      { optimizer: { type: 'sgd', learningRate: 1, nesterov: true } },
    ],
    [/resumeFrom has step 3, phaseStart 4/, { resumeFrom: { step: 3, phaseStart: 4 } }],
  ] as const)('%s', async (message, options) => {
    const training = asJavaScript(train, network.clone(), data, { ...good, ...options });
    await expect(training).rejects.toEqual(refusal('ERR_SPEC', message));
  });

  it.each([
    [/'phases' is an array of 0; expected a list of at least one phase/, { phases: [] }],
    [/'phases.0.steps' is missing/, { phases: [{ optimizer, batchSize: 5 }] }],
    [/'optimizer' is unknown/, { phases: [good], optimizer }],
    [
      /resumeFrom is in phase 1, counted from 0, but 1 phases are given/,
      { phases: [good], resumeFrom: { step: 3, phase: 1 } },
    ],
  ] as const)('%s', async (message, options) => {
    const training = asJavaScript(train, network.clone(), data, options);
    await expect(training).rejects.toEqual(refusal('ERR_SPEC', message));
  });

  it.each([
    [
      /sgd: nesterov is true with momentum 0.9 and dampening 0.1/,
      sgd,
      { learningRate: 1, momentum: 0.9, dampening: 0.1, nesterov: true },
    ],
    [/adam: option 'epsilon' is 0; expected a finite number above 0/, adam, { epsilon: 0 }],
    [/adamW: option 'decoupled' is unknown/, adamW, { decoupled: true }],
  ] as const)('%s', async (message, make, options) => {
    await expect(asJavaScript(make, options)).rejects.toEqual(refusal('ERR_SPEC', message));
  });
});
