// Outputs that are no numbers: each call refuses them at their source.

import { describe, expect, it } from 'vitest';

import { createDataset, createNetwork, gaussNewton, hessian, sgd, train } from '../../src/index.js';
import type { Network } from '../../src/index.js';
import { refusal } from '../data/refusal.js';

const data = createDataset({
  inputs: [
    [1, 2],
    [3, 3],
  ],
  targets: [0, 1],
});

/** What every way to the outputs is refused with. */
async function refusalsOf(network: Network): Promise<readonly unknown[]> {
  const settled = await Promise.allSettled([
    network.predict(data),
    network.loss(data),
    network.accuracy(data),
    network.gradient(data),
    hessian(network, data).toDense(),
    gaussNewton(network, data).apply(new Float64Array(network.parameterCount)),
  ]);
  return settled.map((call) =>
    call.status === 'rejected' ? (call.reason as unknown) : 'no refusal',
  );
}

describe.each(['float64', 'float32'] as const)('%s', (dtype) => {
  const dense = { type: 'dense', units: 2 } as const;
  const loss = 'softmaxCrossEntropy';

  it('a layerNorm of epsilon 0 at a constant sample says so in every call', async () => {
    const layers = [{ type: 'layerNorm', epsilon: 0 }, dense] as const;
    const network = createNetwork({ input: [2], layers, loss }, { dtype });
    const expected = refusal('ERR_NUMERIC', /layerNorm layer of epsilon 0 .*entries are all equal/);
    for (const reason of await refusalsOf(network)) expect(reason).toEqual(expected);
    const all = [...(await network.predict([[1, 2]]))];
    expect(all.every(Number.isFinite)).toBe(true);
    const steps = { optimizer: sgd({ learningRate: 0.1 }), batchSize: 'full', steps: 1 } as const;
    await expect(train(network, data, steps)).rejects.toEqual(
      refusal('ERR_NUMERIC', /layerNorm layer of epsilon 0/),
    );
  });

  it('outputs that overflow name output and sample in every call', async () => {
    const most = dtype === 'float64' ? Number.MAX_VALUE : 3.4e38;
    const parameters = [0, 0, most, most, 0, 0];
    const network = createNetwork({ input: [2], layers: [dense], loss }, { dtype, parameters });
    const expected = refusal(
      'ERR_NUMERIC',
      /output 1 of the network is not finite for sample 0; the parameters or inputs are too large/,
    );
    for (const reason of await refusalsOf(network)) expect(reason).toEqual(expected);
  });
});
