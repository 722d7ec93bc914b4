// Networks and data whose matrices have directions that leave them exactly.

import { createDataset, createNetwork } from '../../src/index.js';
import { createRandom } from '../../src/data/random.js';
import type { Dataset, DType, Network, NetworkSpec } from '../../src/index.js';

/** Sets the biases of some units of a layer. */
export function setBias<D extends DType>(
  network: Network<D>,
  layer: string,
  biases: Readonly<Record<number, number>>,
): void {
  const tensor = network.layout.find((one) => one.layer === layer && one.tensor === 'bias');
  if (tensor === undefined) throw new Error(`${layer} has no bias`);
  const values = network.parameters();
  for (const [unit, bias] of Object.entries(biases)) values[tensor.offset + Number(unit)] = bias;
  network.setParameters(values);
}

/** A chain of three dense layers, of which the first has two dead units of five, the second one of four: far in the
 *  flat part of its activation, where σ' = σ'' = 0 in floating point. */
export function chainWithDeadUnits<D extends DType>(
  type: 'relu' | 'tanh' | 'sigmoid',
  dtype: D,
  loss: NetworkSpec['loss'] = 'softmaxCrossEntropy',
): Network<D> {
  const network = createNetwork(
    {
      input: [4],
      layers: [
        { type: 'dense', units: 5 },
        { type },
        { type: 'dense', units: 4 },
        { type },
        { type: 'dense', units: 3 },
      ],
      loss,
    },
    { seed: 3, dtype },
  );
  // Some units are alive by construction, so that no other dies by chance.
  setBias(network, 'dense0', { 0: 0.5, 1: -1000, 2: 0.25, 3: -1000, 4: 0.5 });
  setBias(network, 'dense2', { 0: 0.25, 1: 0.5, 2: -1000, 3: 0.25 });
  return network;
}

/** Random inputs with as many targets of 3 classes, or rows of 3 numbers. */
export function randomData(
  samples: number,
  inputs: number,
  options: { rows?: boolean; weights?: boolean; seed?: number } = {},
): Dataset {
  const random = createRandom(options.seed ?? 7);
  return createDataset({
    inputs: Array.from({ length: samples }, () =>
      Array.from({ length: inputs }, () => random.normal()),
    ),
    targets: options.rows
      ? Array.from({ length: samples }, () => Array.from({ length: 3 }, () => random.normal()))
      : Array.from({ length: samples }, (_, n) => n % 3),
    ...(options.weights && {
      weights: Array.from({ length: samples }, (_, n) => 0.5 + (n % 4)),
    }),
  });
}

/** Images [channels, side, side] of 3 classes that are constant along rows, in sixteenths. */
export function stripedImages(samples: number, channels: number, side: number): Dataset {
  const random = createRandom(11);
  const inputs = Array.from({ length: samples }, () =>
    Array.from({ length: channels * side }, () => Math.round(16 * random.normal()) / 16).flatMap(
      (value) => Array.from({ length: side }, () => value),
    ),
  );
  return createDataset({
    inputs,
    inputShape: [channels, side, side],
    targets: Int32Array.from({ length: samples }, (_, n) => n % 3),
  });
}
