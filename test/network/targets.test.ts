// Number 8 of the public faults: labels of every type, and those out of range.

import { describe, expect, it } from 'vitest';

import { createDataset, createNetwork, hessian } from '../../src/index.js';
import type { Dataset, LossSpec, SampleRows } from '../../src/index.js';
import { refusal } from '../data/refusal.js';

const inputs = [
  [1, 2],
  [3, -1],
  [-2, 0.5],
];
const networkOf = (loss: LossSpec) =>
  createNetwork({ input: [2], layers: [{ type: 'dense', units: 4 }], loss }, { seed: 1 });
const softmax = networkOf('softmaxCrossEntropy');

async function everything(data: Dataset): Promise<unknown[]> {
  return [
    await softmax.loss(data),
    await softmax.accuracy(data),
    await softmax.gradient(data),
    await hessian(softmax, data).toDense(),
  ];
}

describe('class labels', () => {
  it('of every integer type and as one-hot rows give identical numbers', async () => {
    const expected = await everything(createDataset({ inputs, targets: [2, 0, 3] }));
    const forms: SampleRows[] = [
      Int8Array.of(2, 0, 3),
      Uint8Array.of(2, 0, 3),
      Uint8ClampedArray.of(2, 0, 3),
      Int16Array.of(2, 0, 3),
      Uint16Array.of(2, 0, 3),
      Int32Array.of(2, 0, 3),
      Uint32Array.of(2, 0, 3),
      BigInt64Array.of(2n, 0n, 3n),
      BigUint64Array.of(2n, 0n, 3n),
      Float32Array.of(2, 0, 3),
      Float64Array.of(2, 0, 3),
      [[2], [0], [3]],
      { data: [2, 0, 3], shape: [3, 1] },
      [
        [0, 0, 1, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 1],
      ],
    ];
    for (const targets of forms) {
      expect(await everything(createDataset({ inputs, targets }))).toEqual(expected);
    }
  });

  it.each([
    [4, [0, 4, 1]],
    [-1, Int32Array.of(0, -1, 1)],
    [4, BigInt64Array.of(0n, 4n, 1n)],
    [255, Uint8Array.of(0, 255, 1)],
    [1.5, [0, 1.5, 1]],
    [1.5, Float32Array.of(0, 1.5, 1)],
    [-0.5, [0, -0.5, 0]],
    [2 ** 32, [0, 2 ** 32, 0]],
  ] as const)(
    '%d is refused, naming the sample, the value and the range',
    async (value, targets) => {
      const data = createDataset({ inputs, targets });
      const message = new RegExp(
        `the target of sample 1 is ${String(value)}; expected a class from 0 to 3, for a network of 4 outputs`,
      );
      const bad = refusal('ERR_DATA', message, { sample: 1, value });
      await expect(softmax.loss(data)).rejects.toEqual(bad);
      expect(() => hessian(softmax, data)).toThrow(bad);
    },
  );

  it('NaN is refused when the dataset is made', () => {
    expect(() => createDataset({ inputs, targets: [0, NaN, 1] })).toThrow(
      refusal('ERR_DATA', /targets: sample 1 is NaN; expected a finite number/),
    );
  });

  it('ignoreIndex is a class like no other: outside the range, negative, or inside it', async () => {
    for (const ignoreIndex of [-100, 255, 2]) {
      const network = networkOf({ type: 'softmaxCrossEntropy', ignoreIndex });
      const kept = createDataset({ inputs: inputs.slice(1), targets: [0, 3] });
      const data = createDataset({ inputs, targets: [ignoreIndex, 0, 3] });
      expect(await network.loss(data)).toBe(await softmax.loss(kept));
      expect(await network.accuracy(data)).toBe(await softmax.accuracy(kept));
      expect(await hessian(network, data).toDense()).toEqual(
        await hessian(softmax, kept).toDense(),
      );
      const stray = createDataset({ inputs, targets: [ignoreIndex, 4, 3] });
      const message = new RegExp(
        `sample 1 is 4; expected a class from 0 to 3.*, or ignoreIndex ${String(ignoreIndex)}`,
      );
      await expect(network.loss(stray)).rejects.toEqual(refusal('ERR_DATA', message));
    }
  });

  it('when all are ignored there is no loss', async () => {
    const network = networkOf({ type: 'softmaxCrossEntropy', ignoreIndex: 7 });
    const data = createDataset({ inputs, targets: [7, 7, 7] });
    const message =
      /every sample is ignored or has weight 0, its own or its class's, so the loss has no denominator/;
    await expect(network.loss(data)).rejects.toEqual(refusal('ERR_DATA', message));
    await expect(network.gradient(data)).rejects.toEqual(refusal('ERR_DATA', message));
  });

  it('one dataset serves networks that read it differently', async () => {
    const data = createDataset({ inputs, targets: [7, 0, 3] });
    const ignoring = networkOf({ type: 'softmaxCrossEntropy', ignoreIndex: 7 });
    await expect(ignoring.loss(data)).resolves.toBeGreaterThan(0);
    await expect(softmax.loss(data)).rejects.toEqual(refusal('ERR_DATA', /sample 0 is 7/));
    const single = createNetwork(ignoring.spec, { seed: 1, dtype: 'float32' });
    expect(Math.abs((await single.loss(data)) - (await ignoring.loss(data)))).toBeLessThan(1e-6);
  });
});

describe('rows', () => {
  it('of probabilities are refused unless they sum to 1', async () => {
    const rows = [
      [0, 0, 1, 0],
      [0.5, 0.9, 0, 0],
      [0, 1, 0, 0],
    ];
    const message = /the class probabilities of sample 1 sum to 1.4; expected 1 \(within 1e-6\)/;
    const loss = softmax.loss(createDataset({ inputs, targets: rows }));
    await expect(loss).rejects.toEqual(refusal('ERR_DATA', message, { sample: 1 }));
  });

  it('of probabilities are refused outside 0 … 1, although they sum to 1', async () => {
    const rows = [
      [0, 0, 1, 0],
      [1.5, -0.5, 0, 0],
      [0, 1, 0, 0],
    ];
    const message = /the target of sample 1 is 1.5; expected class probabilities from 0 to 1/;
    const loss = softmax.loss(createDataset({ inputs, targets: rows }));
    await expect(loss).rejects.toEqual(refusal('ERR_DATA', message));
  });

  it('of another width than the outputs are refused, and so are classes where values are wanted', async () => {
    const three = createDataset({
      inputs,
      targets: [
        [0, 0, 1],
        [1, 0, 0],
        [0, 1, 0],
      ],
    });
    const classes = createDataset({ inputs, targets: [0, 1, 2] });
    const message =
      /each target has 3 entries, but the network has 4 outputs; expected one class per sample/;
    await expect(softmax.loss(three)).rejects.toEqual(refusal('ERR_SHAPE', message));
    for (const loss of ['meanSquaredError', 'binaryCrossEntropy'] as const) {
      const wanted = /each target has 1 entries, but the network has 4 outputs; expected one value/;
      await expect(networkOf(loss).loss(classes)).rejects.toEqual(refusal('ERR_SHAPE', wanted));
    }
  });

  it('of binary targets are refused outside 0 … 1', async () => {
    const rows = [
      [0, 0, 1, 0],
      [1, 0, 0, 2],
      [0, 1, 0, 0],
    ];
    const loss = networkOf('binaryCrossEntropy').loss(createDataset({ inputs, targets: rows }));
    const message = /the target of sample 1 is 2; expected values from 0 to 1/;
    await expect(loss).rejects.toEqual(refusal('ERR_DATA', message));
  });
});
