// The edges of the spectrum through training.

import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import {
  adam,
  createDataset,
  createNetwork,
  eigenvalues,
  gaussianClusters,
  gaussNewton,
  hessian,
  loadCheckpoint,
  sgd,
  train,
  trainMany,
} from '../../src/index.js';
import type { Network, Progress, SgdOptions, TrackOptions } from '../../src/index.js';
import { createRandom } from '../../src/data/random.js';
import { asJavaScript } from '../curvature/small-network.js';
import { refusal } from '../data/refusal.js';
import { temporaryFiles } from '../data/temporary-files.js';

const data = gaussianClusters({ samples: 60, classes: 3, dimensions: 4, seed: 4 });
const fresh = () =>
  createNetwork(
    {
      input: [4],
      layers: [{ type: 'dense', units: 6 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
      loss: 'softmaxCrossEntropy',
    },
    { seed: 3 },
  );
const plan = { optimizer: sgd({ learningRate: 0.1 }), batchSize: 20, steps: 24 } as const;

/** The parameters after each record, in training that tracks. */
async function trackedPoints(track: TrackOptions) {
  const network = fresh();
  const points: Float64Array[] = [];
  const { records } = await train(network, data, {
    ...plan,
    recordEvery: 8,
    track,
    onRecord: () => points.push(network.parameters()),
  });
  return records.map(({ step, edges }, index) => {
    const there: Network = fresh();
    there.setParameters(points[index] ?? []);
    return { step, edges, there };
  });
}

describe('edges', () => {
  it.each([
    ['hessian', hessian, undefined],
    ['gaussNewton', gaussNewton, undefined],
    ['hessian', hessian, 25],
  ] as const)('are the outer eigenvalues of the %s there', async (term, maker, samples) => {
    const chosen = samples === undefined ? data : data.take(samples);
    const records = await trackedPoints({ every: 6, largest: 2, smallest: 2, term, samples });
    expect(records.map(({ step }) => step)).toEqual([0, 6, 8, 12, 16, 18, 24]);
    for (const { step, edges, there } of records) {
      expect(edges !== undefined, `step ${String(step)}`).toBe(step % 6 === 0);
      if (edges === undefined) continue;
      const all = await eigenvalues(maker(there, chosen));
      const norm = Math.max(...all.map(Math.abs));
      for (const [found, exact] of [
        [edges.largest, [...all].reverse()],
        [edges.smallest, all],
      ] as const) {
        expect(found.converged).toEqual([true, true]);
        found.values.forEach((value, index) => {
          const residual = found.residualNorms[index] ?? NaN;
          expect(residual).toBeLessThanOrEqual(1e-6 * norm);
          expect(Math.abs(value - (exact[index] ?? NaN))).toBeLessThanOrEqual(
            residual + 1e-13 * norm,
          );
        });
      }
    }
  });

  it('are one eigenvalue at the upper end unless said otherwise, after the last step too', async () => {
    const { records } = await train(fresh(), data, { ...plan, recordAt: [], track: { every: 10 } });
    expect(records.map(({ step }) => step)).toEqual([0, 10, 20, 24]);
    for (const { edges } of records) {
      expect(edges?.largest.values).toHaveLength(1);
      expect(edges?.smallest.values).toHaveLength(0);
    }
  });

  it('need fewer products where the vectors of the last search are near', async () => {
    const still = { ...plan, optimizer: sgd({ learningRate: 1e-9 }), steps: 1, recordAt: [] };
    const { records } = await train(fresh(), data, {
      ...still,
      track: { every: 1, largest: 1, tolerance: 1e-10 },
    });
    const [cold = NaN, warm = NaN] = records.map(({ edges }) => edges?.products);
    expect(warm).toBeLessThanOrEqual(cold);
  });
});

describe('tracking', () => {
  it('changes no bit of the training, nor of its records', async () => {
    const heavy = sgd({ learningRate: 0.1, momentum: 0.9 });
    const phases = [
      { ...plan, optimizer: heavy, order: 'shuffled' },
      { optimizer: adam(), batchSize: 7, steps: 20, order: 'withReplacement' },
    ] as const;
    const run = async (track?: TrackOptions) => {
      const network = fresh();
      const { state, records } = await train(network, data, { phases, recordAt: [12, 30], track });
      const plain = records.map(({ edges: _, ...rest }) => rest);
      return { parameters: network.parameters(), state, records: plain };
    };
    const without = await run();
    const tracked = await run({ every: 5, largest: 2, smallest: 1 });
    expect(tracked.parameters).toEqual(without.parameters);
    expect(tracked.state).toEqual(without.state);
    for (const record of without.records) expect(tracked.records).toContainEqual(record);
  });

  it('goes on after a checkpoint: the same steps, the same eigenvalues within their residuals', async () => {
    const track = { every: 4, largest: 2, smallest: 1 };
    const whole = fresh();
    const unbroken = await train(whole, data, { ...plan, recordEvery: 6, track });
    const file = join(await temporaryFiles({}), 'run.safetensors');
    const abort = new AbortController();
    const broken = train(fresh(), data, {
      ...plan,
      recordEvery: 6,
      track,
      checkpoint: { file, every: 5 },
      signal: abort.signal,
      onRecord: ({ step }) => {
        if (step === 18) abort.abort();
      },
    });
    await expect(broken).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    const { network, state, step, options, records } = await loadCheckpoint(file);
    expect(step).toBe(15);
    expect(records.at(-1)?.edges).toEqual(unbroken.records.at(records.length - 1)?.edges);
    if (options === undefined) throw new Error('no options in the checkpoint');
    await train(network, data, { ...options, resumeFrom: state });
    expect(network.parameters()).toEqual(whole.parameters());
    const resumed = (await loadCheckpoint(file)).records;
    expect(resumed.map((record) => record.step)).toEqual(unbroken.records.map((one) => one.step));
    resumed.forEach((record, index) => {
      const { edges, ...rest } = record;
      const { edges: expected, ...others } = unbroken.records[index] ?? {};
      expect(rest).toEqual(others);
      edges?.largest.values.forEach((value, k) => {
        const within =
          (edges.largest.residualNorms[k] ?? 0) + (expected?.largest.residualNorms[k] ?? 0);
        expect(Math.abs(value - (expected?.largest.values[k] ?? NaN))).toBeLessThanOrEqual(within);
      });
    });
  });

  it('is heard of, and stops when it is aborted', async () => {
    const network = fresh();
    const before = network.parameters();
    const heard: Progress[] = [];
    const abort = new AbortController();
    const training = train(network, data, {
      ...plan,
      track: { every: 1, largest: 3 },
      signal: abort.signal,
      onProgress: (progress) => {
        heard.push(progress);
        abort.abort();
      },
    });
    await expect(training).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(heard[0]).toMatchObject({ stage: 'eigenpairs', total: 3 });
    expect(network.parameters()).toEqual(before);
  });
});

describe('the stability threshold', () => {
  // L = θ²/2·h + …: one weight, no bias, one sample √(h/2) with target 0 under mean squared error.
  const h = 3;
  const parabola = createNetwork({
    input: [1],
    layers: [{ type: 'dense', units: 1, bias: false }],
    loss: 'meanSquaredError',
  });
  const one = createDataset({ inputs: [[Math.sqrt(h / 2)]], targets: [[0]] });
  const lossAfter = async (options: SgdOptions, steps: number) => {
    const network = parabola.clone();
    network.setParameters([1]);
    const optimizer = sgd(options);
    const { records } = await train(network, one, {
      optimizer,
      batchSize: 'full',
      steps,
      recordAt: [],
      track: { every: 1e6 },
    });
    return { loss: records.at(-1)?.loss ?? NaN, edges: records[0]?.edges };
  };

  it.each<Omit<SgdOptions, 'learningRate'>>([
    {},
    { weightDecay: 1 },
    { momentum: 0.5 },
    { momentum: 0.9, weightDecay: 0.5 },
    { momentum: 0.5, dampening: 0.5 },
    { momentum: 0.9, nesterov: true },
  ])('is the curvature above which steps grow: %o', async (options) => {
    const { edges } = await lossAfter({ ...options, learningRate: 1 }, 0);
    const { weightDecay = 0 } = options;
    // h at the threshold: (t(1) + λ)/η − λ = h
    const critical = ((edges?.stabilityThreshold ?? NaN) + weightDecay) / (h + weightDecay);
    const below = await lossAfter({ ...options, learningRate: 0.97 * critical }, 400);
    const above = await lossAfter({ ...options, learningRate: 1.03 * critical }, 400);
    expect(below.loss).toBeLessThan(0.5);
    expect(above.loss).toBeGreaterThan(100);
    expect(above.edges?.stabilityThreshold).toBeLessThan(above.edges?.largest.values[0] ?? 0);
    expect(below.edges?.stabilityThreshold).toBeGreaterThan(below.edges?.largest.values[0] ?? 9);
  });

  it('follows schedules and phases, with the learning rate of the step that comes next', async () => {
    const { records } = await train(fresh(), data, {
      phases: [
        {
          ...plan,
          optimizer: sgd({ learningRate: { type: 'exponential', initial: 1, factor: 0.5 } }),
          steps: 2,
        },
        { ...plan, optimizer: sgd({ learningRate: 0.125 }), steps: 1 },
        { ...plan, optimizer: adam(), steps: 1 },
      ],
      track: { every: 1 },
    });
    expect(records.map(({ learningRate }) => learningRate)).toEqual([1, 0.5, 0.125, 0.001, 0.001]);
    expect(records.map(({ edges }) => edges?.stabilityThreshold)).toEqual([
      2,
      4,
      16,
      undefined,
      undefined,
    ]);
  });
});

it('gradient descent on a tanh network comes to the edge of stability: λ_max rises to 2/η and stays there', async () => {
  const random = createRandom(5);
  const inputs = Array.from({ length: 40 }, () => Array.from({ length: 4 }, () => random.normal()));
  const targets = inputs.map(([a = 0, b = 0, c = 0, d = 0]) => [Math.sin(2 * a) * b + c * d]);
  const network = createNetwork(
    {
      input: [4],
      layers: [
        { type: 'dense', units: 16 },
        { type: 'tanh' },
        { type: 'dense', units: 16 },
        { type: 'tanh' },
        { type: 'dense', units: 1 },
      ],
      loss: 'meanSquaredError',
    },
    { seed: 2 },
  );
  const learningRate = 0.05;
  const { records } = await train(network, createDataset({ inputs, targets }), {
    optimizer: sgd({ learningRate }),
    batchSize: 'full',
    steps: 4000,
    recordAt: [],
    track: { every: 100, tolerance: 1e-4 },
  });
  const ratios = records.map(({ edges }) => (edges?.largest.values[0] ?? NaN) / (2 / learningRate));
  expect(ratios[0]).toBeLessThan(0.2); // it sharpens by itself …
  for (const ratio of ratios.slice(10)) {
    expect(ratio).toBeGreaterThan(0.95); // … up to the edge, where it hovers
    expect(ratio).toBeLessThan(1.05);
  }
  const [early = NaN, late = NaN] = [records[10]?.loss, records.at(-1)?.loss];
  expect(late).toBeLessThan(early / 2); // and the loss goes on falling there
});

describe('refusals', () => {
  it.each([
    [/'track' is 5; expected \{ every, largest/, 5],
    [/'track.every' is missing/, {}],
    [/'track.every' is 0; expected an integer of at least 1/, { every: 0 }],
    [/'track.largest' is -1; expected an integer of at least 1/, { every: 1, largest: -1 }],
    [/'track.term' is "fisher"; expected one of "hessian"/, { every: 1, term: 'fisher' }],
    [/'track.tolerance' is 0; expected a finite number above 0/, { every: 1, tolerance: 0 }],
    [/'track.samples' is 61; expected at most 60/, { every: 1, samples: 61 }],
    [/'track.method' is unknown; there are every, largest/, { every: 1, method: 'dense' }],
  ] as const)('%s', async (message, track) => {
    const training = asJavaScript(train, fresh(), data, { ...plan, track });
    await expect(training).rejects.toEqual(refusal('ERR_SPEC', message));
  });

  it('trainMany tracks nothing, and says so', async () => {
    const network = fresh();
    const many = asJavaScript(trainMany, network, data, [network.parameters()], {
      ...plan,
      track: { every: 1 },
    });
    await expect(many).rejects.toEqual(
      refusal(
        'ERR_SPEC',
        /trainMany: option 'track' is .* trainMany tracks no spectrum; call train/,
      ),
    );
  });
});
