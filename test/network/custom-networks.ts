// Networks whose loss is a function of the test, and every way in.

import { createDataset, createNetwork, gaussNewton, hessian, residual } from '../../src/index.js';
import type { CustomLossSpec, Dataset, Network } from '../../src/index.js';
import { saddle } from './written-losses.js';

export const data = createDataset({
  inputs: Array.from({ length: 9 }, (_, i) => [Math.sin(i), Math.cos(2 * i)]),
  targets: Array.from({ length: 9 }, (_, i) => i / 3),
});

export function networkWith(loss: unknown, outputs = 2): Network {
  return createNetwork({
    input: [2],
    layers: [{ type: 'dense', units: outputs }],
    loss: loss as CustomLossSpec,
  });
}

/** The saddle with other parts. */
export const altered = (parts: object): unknown => ({ ...saddle, ...parts });

/** Every way in: each must refuse alike. */
export async function refusalsOf(
  network: Network,
  samples: Dataset = data,
): Promise<readonly unknown[]> {
  const calls = [
    network.loss(samples),
    network.gradient(samples),
    hessian(network, samples).toDense(),
    gaussNewton(network, samples).apply(new Float64Array(network.parameterCount)),
    residual(network, samples).toDense({ via: 'products' }),
  ];
  const settled = await Promise.allSettled(calls);
  return settled.map((call) =>
    call.status === 'rejected' ? (call.reason as unknown) : 'no refusal',
  );
}
