// What train promises around its steps: aborting, who may read and write meanwhile, and divergence.

import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  gaussianClusters,
  hessian,
  sgd,
  train,
} from '../../src/index.js';
import type { Progress } from '../../src/index.js';
import { callMethod } from '../curvature/small-network.js';
import { refusal } from '../data/refusal.js';
import { data, endless, fresh, optimizer } from './clusters.js';

const moment = (milliseconds: number) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

const hidden = (units: number) => [{ type: 'dense', units }, { type: 'tanh' }] as const;

describe('an abort', () => {
  it('rejects with AbortError, and leaves the parameters of a whole step', async () => {
    // Steps of about a millisecond: an abort falls into one, and few are taken however late the timer is.
    const wide = {
      ...fresh().spec,
      layers: [...[100, 100].flatMap(hidden), { type: 'dense', units: 3 }],
    } as const;
    const network = createNetwork(wide);
    const controller = new AbortController();
    const reason = new Error('enough');
    const options = { optimizer, batchSize: 'full', recordEvery: 1e9 } as const;
    const training = train(network, data, { ...options, steps: 1e9, signal: controller.signal });
    setTimeout(() => {
      controller.abort(reason);
    }, 10);
    await expect(training).rejects.toMatchObject({
      name: 'AbortError',
      code: 'ERR_ABORTED',
      message: 'the call was aborted',
      cause: reason,
    });
    const left = network.parameters();
    await moment(50);
    expect(network.parameters()).toEqual(left); // nothing runs on
    // After how many steps, none included? Walk beside it until the parameters meet.
    const walker = createNetwork(wide);
    const meets = () =>
      Buffer.compare(Buffer.from(walker.parameters().buffer), Buffer.from(left.buffer)) === 0;
    let resumeFrom;
    for (let steps = 0; steps < 1e4 && !meets(); steps += 1) {
      ({ state: resumeFrom } = await train(walker, data, { ...options, steps: 1, resumeFrom }));
    }
    expect(meets()).toBe(true);
    await expect(train(network, data, { ...options, steps: 1 })).resolves.toBeDefined();
  }, 60_000);

  it('that came before rejects before the first step', async () => {
    const network = fresh();
    const signal = AbortSignal.abort('no');
    await expect(train(network, data, { ...endless, signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      cause: 'no',
    });
    expect(network.parameters()).toEqual(fresh().parameters());
  });
});

describe('while a network is trained', () => {
  it('a second training and setParameters are refused; reads see it move; then all is allowed again', async () => {
    const network = fresh();
    const controller = new AbortController();
    const training = train(network, data, { ...endless, signal: controller.signal });
    const busy = refusal(
      'ERR_BUSY',
      /the network is being trained; wait for train\(…\), or work on network.clone\(\)/,
    );
    await expect(train(network, data, endless)).rejects.toEqual(busy);
    await expect(callMethod(network, 'setParameters', fresh().parameters())).rejects.toEqual(busy);
    await moment(60);
    const losses = [await network.loss(data), await network.clone().loss(data)];
    expect(Math.max(...losses)).toBeLessThan(await fresh().loss(data));
    await expect(hessian(network, data).toDense()).resolves.toBeInstanceOf(Float64Array);
    controller.abort();
    await expect(training).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    network.setParameters(fresh().parameters());
    await expect(
      train(network, data, { optimizer, batchSize: 10, steps: 1 }),
    ).resolves.toBeDefined();
  });

  it('a progress function that throws ends it, and nothing of it writes afterwards', async () => {
    // One step takes long: the error must not let go of the network before the step is over.
    const wide = createNetwork({
      input: [10],
      layers: [
        { type: 'dense', units: 700 },
        { type: 'tanh' },
        { type: 'dense', units: 700 },
        { type: 'tanh' },
        { type: 'dense', units: 3 },
      ],
      loss: 'softmaxCrossEntropy',
    });
    const many = gaussianClusters({ samples: 3000, classes: 3, dimensions: 10, seed: 1 });
    const training = train(wide, many, {
      ...endless,
      batchSize: 'full',
      onProgress: () => {
        throw new RangeError('no more news');
      },
    });
    await expect(training).rejects.toThrow(new RangeError('no more news'));
    const mine = new Float64Array(wide.parameterCount).fill(0.5);
    wide.setParameters(mine);
    await moment(300);
    expect(wide.parameters()).toEqual(mine);
  });

  it('a record function that throws ends it', async () => {
    const network = fresh();
    const failing = {
      ...endless,
      onRecord: () => {
        throw new RangeError('full');
      },
    };
    await expect(train(network, data, failing)).rejects.toThrow(new RangeError('full'));
    await expect(
      train(network, data, { optimizer, batchSize: 10, steps: 1 }),
    ).resolves.toBeDefined();
  });

  it('progress counts the steps of the call, forward', async () => {
    const heard: Progress[] = [];
    const { state } = await train(fresh(), data, { optimizer, batchSize: 10, steps: 100 });
    await train(fresh(), data, {
      optimizer,
      batchSize: 10,
      steps: 30_000,
      resumeFrom: state,
      recordEvery: 20_000,
      onProgress: (progress) => heard.push(progress),
    });
    expect(heard.length).toBeGreaterThan(0);
    heard.forEach(({ stage, done, total }, i) => {
      expect({ stage, total }).toEqual({ stage: 'training', total: 30_000 });
      expect(done).toBeGreaterThan(heard[i - 1]?.done ?? 0);
      expect(done).toBeLessThanOrEqual(total);
    });
  });

  it('the state to resume from is copied when the call is made', async () => {
    const heavy = sgd({ learningRate: 0.01, momentum: 0.9 });
    const run = async (spoil: (velocity: Float64Array) => void): Promise<Float64Array> => {
      const network = fresh();
      const { state } = await train(network, data, { optimizer: heavy, batchSize: 10, steps: 10 });
      const training = train(network, data, {
        optimizer: heavy,
        batchSize: 10,
        steps: 10,
        resumeFrom: state,
      });
      spoil(state.moments.velocity ?? new Float64Array());
      await training;
      return network.parameters();
    };
    const expected = await run(() => undefined);
    expect(await run((velocity) => velocity.fill(1e3))).toEqual(expected);
    expect(
      await run((velocity) =>
        structuredClone(velocity, { transfer: [velocity.buffer as ArrayBuffer] }),
      ),
    ).toEqual(expected);
  });

  it('disposal ends it', async () => {
    const network = fresh();
    const training = train(network, data, {
      optimizer,
      batchSize: 10,
      steps: 1e9,
      recordEvery: 100,
    });
    await moment(20);
    network[Symbol.dispose]();
    await expect(training).rejects.toEqual(refusal('ERR_DISPOSED', /the network was disposed/));
  });
});

describe('a run that diverges', () => {
  const values = createNetwork({
    input: [10],
    layers: [{ type: 'dense', units: 1 }],
    loss: 'meanSquaredError',
  });
  const options = { batchSize: 'full', steps: 1000, recordEvery: 1000 } as const;
  const divergence =
    /training diverged at step (\d+): .* (?:is|are) not finite.* left after step \d+, where the loss of the batch was [\d.e+]+; a smaller learning rate/;

  it.each([10, 1e100, Number.MAX_VALUE])(
    'at a learning rate of %s names step and loss, and is left on its last finite step',
    async (learningRate) => {
      const network = values.clone();
      const optimizer = sgd({ learningRate });
      const failure: unknown = await train(network, data, { ...options, optimizer }).catch(
        (error: unknown) => error,
      );
      expect(failure).toEqual(refusal('ERR_NUMERIC', divergence));
      const message = failure instanceof Error ? failure.message : '';
      const [, at, after] = /at step (\d+): .* left after step (\d+)/.exec(message) ?? [];
      expect(Number(after)).toBe(Number(at) - 1);
      expect(network.parameters().every(Number.isFinite)).toBe(true);
      const again = values.clone();
      const steps = Number(after);
      // The record of its end fails where the loss of finite parameters overflows.
      await train(again, data, { ...options, optimizer, steps }).catch(() => undefined);
      expect(again.parameters()).toEqual(network.parameters());
    },
  );

  it('is left on its last finite step where the loss of an infinite parameter is finite', async () => {
    // w₂ tanh(w₁ x), at w₁ = 0: the second sample makes w₁ infinite, and the others fit w₂ tanh(∞).
    const network = createNetwork(
      {
        input: [1],
        layers: [
          { type: 'dense', units: 1, bias: false },
          { type: 'tanh' },
          { type: 'dense', units: 1, bias: false },
        ],
        loss: 'meanSquaredError',
      },
      { parameters: [0, 1e12] },
    );
    const targets = [[0], [1], [1e12], [1e12]];
    const samples = createDataset({ inputs: targets.map(() => [1]), targets });
    const training = train(network, samples, {
      optimizer: sgd({ learningRate: 1e298 }),
      batchSize: 1,
      order: 'sequential',
      steps: 4,
    });
    await expect(training).rejects.toEqual(
      refusal('ERR_NUMERIC', /step 2: the parameters are not finite; .* left after step 1/),
    );
    expect([...network.parameters()]).toEqual([0, 1e12]);
  });

  it('is left as it was if not even the first gradient is finite', async () => {
    const network = values.clone();
    const huge = new Float64Array(11).fill(1e300);
    network.setParameters(huge);
    const training = train(network, data, { ...options, optimizer });
    await expect(training).rejects.toEqual(refusal('ERR_NUMERIC', /step 0/));
    expect(network.parameters()).toEqual(huge);
  });
});
