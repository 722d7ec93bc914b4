// An abort rejects within 100 ms wherever the call is: also while it waits behind others in the pool.

import { expect, it } from 'vitest';

import {
  createNetwork,
  eigenvalues,
  gaussianClusters,
  hessian,
  machineInfo,
  sgd,
  train,
} from '../../src/index.js';

const moment = (milliseconds: number) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Seconds from the abort to the rejection. */
async function secondsToReject(start: (signal: AbortSignal) => Promise<unknown>, after: number) {
  const controller = new AbortController();
  let aborted = NaN;
  const call = start(controller.signal);
  setTimeout(() => {
    aborted = performance.now();
    controller.abort();
  }, after);
  await expect(call).rejects.toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED' });
  return (performance.now() - aborted) / 1000;
}

const data = gaussianClusters({ samples: 200, classes: 3, dimensions: 10, seed: 4 });
const fresh = () =>
  createNetwork({
    input: [10],
    layers: [{ type: 'dense', units: 20 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
    loss: 'softmaxCrossEntropy',
  });
const endless = {
  optimizer: sgd({ learningRate: 0.01 }),
  batchSize: 10,
  steps: 1e9,
  recordEvery: 1e9,
} as const;

it('behind jobs of LAPACK, which cannot be interrupted, train rejects at once and never runs', async () => {
  const wide = createNetwork({
    input: [10],
    layers: [{ type: 'dense', units: 100 }, { type: 'tanh' }, { type: 'dense', units: 3 }],
    loss: 'softmaxCrossEntropy',
  });
  const operator = hessian(wide, data);
  const jobs: Promise<unknown>[] = [];
  let finished = 0;
  const occupyPool = (): void => {
    while (jobs.length < 2 * machineInfo().threads) {
      // One thread each: a loop that is shared out makes the pool grow, and the queue shorter.
      jobs.push(eigenvalues(operator, { threads: 1 }).then(() => (finished += 1)));
    }
  };
  const network = fresh();
  const before = network.parameters();
  const heard: string[] = [];
  const seconds = await secondsToReject(
    (signal) =>
      train(network, data, {
        ...endless,
        signal,
        onProgress: ({ stage }) => heard.push(stage),
        onRecord: ({ step }) => {
          heard.push(`record ${String(step)}`);
          occupyPool();
        },
      }),
    50,
  );
  expect(heard).toEqual(['record 0']);
  expect(finished).toBeLessThan(machineInfo().threads); // so the steps did wait in the queue
  expect(seconds).toBeLessThan(0.1);
  network.setParameters(before); // it is free again
  await Promise.all(jobs);
  await moment(20);
  expect(network.parameters()).toEqual(before);
  expect(heard).toEqual(['record 0']);
});

it('in the middle of steps, of records, and of scheduled stretches', async () => {
  for (const options of [
    {},
    { recordEvery: 1 },
    { optimizer: sgd({ learningRate: { type: 'exponential', initial: 0.01, factor: 0.99999 } }) },
  ]) {
    const start = (signal: AbortSignal) => train(fresh(), data, { ...endless, ...options, signal });
    expect(await secondsToReject(start, 30)).toBeLessThan(0.1);
  }
});
