// What train promises around its steps: records, stopping, aborting, who may read and write meanwhile.

import { describe, expect, it } from 'vitest';

import {
  createNetwork,
  gaussianClusters,
  hessian,
  isEigenscapeError,
  sgd,
  train,
} from '../../src/index.js';
import type { Progress, TrainingRecord } from '../../src/index.js';
import {
  asJavaScript,
  callMethod,
  smallData,
  smallNetwork,
  strangers,
} from '../curvature/small-network.js';
import { refusal } from '../data/refusal.js';

const data = gaussianClusters({ samples: 200, classes: 3, dimensions: 10, seed: 4 });
const testData = gaussianClusters({ samples: 50, classes: 3, dimensions: 10, seed: 5 });
const fresh = () =>
  createNetwork({
    input: [10],
    layers: [{ type: 'dense', units: 20 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
    loss: 'softmaxCrossEntropy',
  });
const optimizer = sgd({ learningRate: 0.01 });
const endless = { optimizer, batchSize: 10, steps: 1e9, recordEvery: 1e9 } as const;
const moment = (milliseconds: number) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

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

describe('an abort', () => {
  it('rejects with AbortError, and leaves the parameters of a whole step', async () => {
    const network = fresh();
    const controller = new AbortController();
    const reason = new Error('enough');
    const training = train(network, data, { ...endless, signal: controller.signal });
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
    // After how many steps? Walk beside it until the parameters meet.
    const walker = fresh();
    let resumeFrom;
    let met = false;
    for (let steps = 0; steps < 1e6 && !met; steps += 1) {
      ({ state: resumeFrom } = await train(walker, data, {
        optimizer,
        batchSize: 10,
        steps: 1,
        recordEvery: 1e9,
        resumeFrom,
      }));
      met = Buffer.compare(Buffer.from(walker.parameters().buffer), Buffer.from(left.buffer)) === 0;
    }
    expect(met).toBe(true);
    await expect(
      train(network, data, { optimizer, batchSize: 10, steps: 1 }),
    ).resolves.toBeDefined();
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

  it('is left as it was if not even the first gradient is finite', async () => {
    const network = values.clone();
    const huge = new Float64Array(11).fill(1e300);
    network.setParameters(huge);
    const training = train(network, data, { ...options, optimizer });
    await expect(training).rejects.toEqual(refusal('ERR_NUMERIC', /step 0/));
    expect(network.parameters()).toEqual(huge);
  });
});

describe('refusals', () => {
  const good = { optimizer, batchSize: 'full', steps: 1 } as const;
  it.each([
    [/'steps' is -1; expected an integer of at least 0/, { steps: -1 }],
    [/'steps' is "10"; expected an integer/, { steps: '10' }],
    [/'batchSize' is 0; expected an integer of at least 1/, { batchSize: 0 }],
    [/'batchSize' is "all"; expected 'full' or an integer/, { batchSize: 'all' }],
    [
      /'optimizer' is "sgd"; expected an optimizer: sgd\(\{ … \}\), adam\(\{ … \}\) or adamW/,
      { optimizer: 'sgd' },
    ],
    [
      /'optimizer.type' is "rmsprop"; expected an optimizer: sgd/,
      { optimizer: { type: 'rmsprop', learningRate: 1 } },
    ],
    [
      /'optimizer.learningRate' is NaN; expected a finite number above 0/,
      { optimizer: { type: 'sgd', learningRate: NaN } },
    ],
    [/'optimizer.learningRate' is missing/, { optimizer: { type: 'sgd' } }],
    [/'optimizer.rate' is unknown/, { optimizer: { ...optimizer, rate: 1 } }],
    [
      /'stopAtGradientNorm' is -1; expected a finite number of at least 0/,
      { stopAtGradientNorm: -1 },
    ],
    [/'recordEvery' is 0; expected an integer of at least 1/, { recordEvery: 0 }],
    [/'onRecord' is 5; expected a function of a record/, { onRecord: 5 }],
    [/'threads' is 0; expected a whole number from 1 to 48/, { threads: 0 }],
    [
      /'resumeFrom' is null; expected \{ step, phase, phaseStart, seed, updates, moments \}/,
      { resumeFrom: null },
    ],
    [/'resumeFrom.step' is 0.5; expected an integer of at least 0/, { resumeFrom: { step: 0.5 } }],
    [
      /resumeFrom.moments.velocity is null; expected an array of numbers/,
      { resumeFrom: { step: 0, moments: { velocity: null } } },
    ],
    [/are more than can be counted exactly/, { resumeFrom: { step: Number.MAX_SAFE_INTEGER } }],
    [/'epochs' is unknown; there are signal/, { epochs: 3 }],
  ] as const)('%s', async (message, options) => {
    const training = asJavaScript(train, fresh(), data, { ...good, ...options });
    await expect(training).rejects.toEqual(refusal('ERR_SPEC', message));
  });

  it.each([
    [
      'ERR_SHAPE',
      /resumeFrom.moments.velocity has 3 entries; expected 17, one per parameter/,
      [1, 2, 3],
    ],
    [
      'ERR_DATA',
      /entry 0 of resumeFrom.moments.velocity is NaN; expected a finite number of float64/,
      Array(17).fill(NaN),
    ],
    ['ERR_DATA', /entry 0 of resumeFrom.moments.velocity is "0"/, Array(17).fill('0')],
  ] as const)('%s: %s', async (code, message, velocity) => {
    const heavy = {
      ...good,
      optimizer: sgd({ learningRate: 1, momentum: 0.9 }),
      resumeFrom: { step: 0, moments: { velocity } },
    };
    const training = asJavaScript(train, smallNetwork.clone(), smallData, heavy);
    await expect(training).rejects.toEqual(refusal(code, message));
  });

  it.each([
    [/'learningRate' is 0; expected a finite number above 0/, { learningRate: 0 }],
    [/'learningRate' is missing/, {}],
    [
      /'momentum' is -0.1; expected a finite number of at least 0/,
      { learningRate: 1, momentum: -0.1 },
    ],
    [/'nesterov' is 1; expected true or false/, { learningRate: 1, nesterov: 1 }],
    [
      /'lr' is unknown; there are learningRate, momentum, dampening, weightDecay, nesterov/,
      { learningRate: 1, lr: 1 },
    ],
    [/given undefined; expected \{ learningRate/, undefined],
  ] as const)('sgd: %s', async (message, options) => {
    await expect(asJavaScript(sgd, options)).rejects.toEqual(refusal('ERR_SPEC', message));
  });

  it('data of another shape is refused before a step, as training or as test data', async () => {
    const network = smallNetwork.clone();
    const message = /samples of the dataset have shape \[10\], but the network's input is \[2\]/;
    await expect(train(network, data, good)).rejects.toEqual(refusal('ERR_SHAPE', message));
    await expect(train(network, smallData, { ...good, testData })).rejects.toEqual(
      refusal('ERR_SHAPE', message),
    );
    expect(network.parameters()).toEqual(smallNetwork.parameters());
  });

  it('whatever is passed, errors are EigenscapeErrors, and the network can be trained afterwards', async () => {
    const network = smallNetwork.clone();
    const offending: string[] = [];
    const note = async (name: string, ...args: unknown[]): Promise<void> => {
      try {
        await asJavaScript(train, ...args);
      } catch (error) {
        if (!isEigenscapeError(error)) offending.push(`${name}: ${String(error)}`);
      }
    };
    for (const [name, value] of strangers) {
      await note(`network ${name}`, value, smallData, good);
      await note(`data ${name}`, network, value, good);
      await note(`options ${name}`, network, smallData, value);
      for (const key of [
        'optimizer',
        'batchSize',
        'steps',
        'stopAtGradientNorm',
        'testData',
        'recordEvery',
        'resumeFrom',
        'signal',
        'threads',
      ]) {
        await note(`${key} ${name}`, network, smallData, { ...good, [key]: value });
      }
      for (const key of ['learningRate', 'momentum', 'weightDecay', 'nesterov']) {
        await note(`${key} ${name}`, network, smallData, {
          ...good,
          optimizer: { ...optimizer, [key]: value },
        });
      }
    }
    expect(offending).toEqual([]);
    await expect(train(network, smallData, good)).resolves.toBeDefined();
  });
});
