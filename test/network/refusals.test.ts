import { describe, expect, it } from 'vitest';

import { createDataset, createNetwork, isEigenscapeError } from '../../src/index.js';
import type { NetworkSpec } from '../../src/index.js';
import {
  asJavaScript,
  callMethod,
  smallData,
  smallNetwork,
  smallSpec,
  strangers,
} from '../curvature/small-network.js';
import { refusal } from '../data/refusal.js';

const dense = { type: 'dense', units: 2 };

function create(spec: unknown, options?: unknown): Promise<unknown> {
  return asJavaScript(createNetwork, spec, options);
}
const withLayers = (...layers: unknown[]): Promise<unknown> => create({ ...smallSpec, layers });
const withLoss = (loss: unknown): Promise<unknown> => create({ ...smallSpec, loss });

describe('createNetwork', () => {
  it.each([
    [
      'ERR_SPEC',
      /layer 0 has the unknown type 'dens'; known types: dense, conv2d, maxPool2d/,
      { type: 'dens' },
    ],
    ['ERR_SPEC', /layer 0 has the unknown type undefined/, {}],
    ['ERR_SPEC', /layer 0 \(dense\): option 'units' is missing/, { type: 'dense' }],
    [
      'ERR_SPEC',
      /option 'units' is -3; expected an integer of at least 1/,
      { ...dense, units: -3 },
    ],
    ['ERR_SPEC', /option 'units' is 2.5; expected an integer/, { ...dense, units: 2.5 }],
    ['ERR_SPEC', /option 'units' is "8"; expected an integer/, { ...dense, units: '8' }],
    ['ERR_SPEC', /option 'unit' is unknown; there are type, units, bias/, { ...dense, unit: 1 }],
    ['ERR_SPEC', /option 'bias' is 1; expected true or false/, { ...dense, bias: 1 }],
    ['ERR_SPEC', /option 'name' is ""; expected a name/, { ...dense, name: '' }],
    [
      'ERR_SPEC',
      /reads 'nowhere', which is not before it; before it are input/,
      { ...dense, inputs: ['nowhere'] },
    ],
    ['ERR_SPEC', /two layers are called 'input'/, { ...dense, name: 'input' }],
    [
      'ERR_SHAPE',
      /layer 'dense0': a dense layer reads one vector per sample/,
      { ...dense, inputs: [] },
    ],
    [
      'ERR_SHAPE',
      /layer 'relu0': an activation reads exactly one input/,
      { type: 'relu', inputs: ['input', 'input'] },
    ],
    [
      'ERR_SHAPE',
      /layer 'channelsFirst0': a channelsFirst layer reads images \[height, width, channels\], but was given \[2\]/,
      { type: 'channelsFirst' },
    ],
    [
      'ERR_SHAPE',
      /layer 'channelsFirst0': a channelsFirst layer reads one layer, but was given 2/,
      { type: 'channelsFirst', inputs: ['input', 'input'] },
    ],
    [
      'ERR_SPEC',
      /option 'alpha' is Infinity; expected a finite number/,
      { type: 'elu', alpha: Infinity },
    ],
  ] as const)('refuses a layer with %s: %s', async (code, message, layer) => {
    await expect(withLayers(layer)).rejects.toEqual(refusal(code, message));
  });

  it.each([
    ['maxPool2d', { size: 2, padding: 2 }, /above the image is 2, but must be smaller than.*, 2/],
    ['maxPool2d', { size: [3, 2], padding: [0, 2] }, /to the left of the image is 2/],
    ['avgPool2d', { size: 2, padding: [0, 0, 2, 0] }, /below the image is 2/],
    ['avgPool2d', { size: 2, padding: [1, 1, 1, 3] }, /to the right of the image is 3/],
    [
      'maxPool2d',
      { size: 2, dilation: [5, 1], padding: [1, 0], stride: 1 },
      /window 0 of a maxPool2d layer along an axis of 4 entries reads nothing but padding, dilated by 5/,
    ],
  ])('refuses a %s whose windows may hold padding alone: %j', async (type, options, message) => {
    const layers = [{ type, ...options }, { type: 'flatten' }];
    await expect(create({ ...smallSpec, input: [1, 4, 4], layers })).rejects.toEqual(
      refusal('ERR_SPEC', message),
    );
  });

  it('pools with as much padding as leaves every window an entry', async () => {
    const layers = [{ type: 'maxPool2d', size: 3, padding: 2, stride: 4 }, { type: 'flatten' }];
    const spec = { ...smallSpec, input: [1, 4, 4], layers, loss: 'meanSquaredError' };
    const network = createNetwork(spec as NetworkSpec);
    expect(await network.predict([Array.from({ length: 16 }, (_, i) => -i - 1)])).toEqual(
      Float64Array.of(-1, -3, -9, -11),
    );
  });

  it('refuses windows whose reach overflows 64 bits', async () => {
    const huge = { type: 'maxPool2d', size: [2 ** 32 + 1, 1], dilation: [2 ** 32, 1] };
    const layers = [huge, { type: 'flatten' }];
    await expect(create({ ...smallSpec, input: [1, 4, 4], layers })).rejects.toEqual(
      refusal('ERR_SHAPE', /reaches over 1.8446744073709552e\+19 entries, but .* has 4/),
    );
  });

  it.each([
    [{ variance: [1, 0], epsilon: 0 }, /'batchNorm0': .*not above 0 in channel 1; give an epsilon/],
    [{ variance: [-1, 1] }, /option 'variance.0' is -1; expected a finite number of at least 0/],
  ])('refuses a batchNorm that divides by 0: %j', async (options, message) => {
    await expect(withLayers({ type: 'batchNorm', ...options }, dense)).rejects.toEqual(
      refusal('ERR_SPEC', message),
    );
  });

  it.each([
    [
      'ERR_SPEC',
      /the loss has the unknown type 'hinge'; known losses: softmaxCrossEntropy/,
      'hinge',
    ],
    [
      'ERR_SPEC',
      /option 'labelSmoothing' is 1.5; expected a number from 0 to 1/,
      { labelSmoothing: 1.5 },
    ],
    [
      'ERR_SPEC',
      /option 'classWeights.1' is -1; expected finite numbers of at least 0/,
      { classWeights: [1, -1] },
    ],
    [
      'ERR_SPEC',
      /option 'classWeights' is an array of 0; expected a list of one number per class/,
      { classWeights: [] },
    ],
    [
      'ERR_SPEC',
      /option 'classWeights' is an array of 2; expected at least one weight above 0/,
      { classWeights: [0, 0] },
    ],
    [
      'ERR_SHAPE',
      /classWeights holds 3 numbers, but the network has 2 outputs/,
      { classWeights: [1, 1, 1] },
    ],
    ['ERR_SPEC', /option 'ignoreIndex' is 0.5; expected an integer/, { ignoreIndex: 0.5 }],
    ['ERR_SPEC', /option 'reduction' is unknown/, { reduction: 'sum' }],
  ] as const)('refuses a loss with %s: %s', async (code, message, loss) => {
    const whole = typeof loss === 'string' ? loss : { type: 'softmaxCrossEntropy', ...loss };
    await expect(withLoss(whole)).rejects.toEqual(refusal(code, message));
  });

  it.each([
    ['ERR_SPEC', /option 'seed' is 0.5; expected a safe integer/, { seed: 0.5 }],
    [
      'ERR_SPEC',
      /option 'dtype' is "float16"; expected 'float64' or 'float32'/,
      { dtype: 'float16' },
    ],
    ['ERR_SPEC', /initializer is null; expected 'pytorch'/, { initializer: null }],
    ['ERR_SPEC', /initializer is "xavier"; expected 'pytorch'/, { initializer: 'xavier' }],
    [
      'ERR_SPEC',
      /the list of parameters is null; expected an array of numbers/,
      { parameters: null },
    ],
    ['ERR_SHAPE', /given 2 values; expected 17/, { parameters: [1, 2] }],
    [
      'ERR_SPEC',
      /tensorNames holds 1 names; expected 4, one for each tensor/,
      { tensorNames: ['w'] },
    ],
    ['ERR_SPEC', /option 'sed' is unknown; there are seed, initializer/, { sed: 1 }],
  ] as const)('refuses options with %s: %s', async (code, message, options) => {
    await expect(create(smallSpec, options)).rejects.toEqual(refusal(code, message));
  });

  it('refuses sizes beyond any memory before it allocates, also where products of sizes overflow 64 bits', async () => {
    const huge = async (input: number[], ...units: number[]): Promise<unknown> =>
      create({
        input,
        layers: [
          { type: 'flatten' },
          ...units.map((count) => ({ type: 'dense', units: count, bias: false })),
        ],
        loss: 'meanSquaredError',
      });
    const tooMany =
      /a network of 64000000000 parameters needs 2048.0 GB of memory, but .* are free/;
    await expect(huge([64], 1e9)).rejects.toEqual(refusal('ERR_MEMORY', tooMany));
    const tooLarge = refusal('ERR_MEMORY', /a tensor of more than 2\^48 entries is too large/);
    await expect(huge([64], Number.MAX_SAFE_INTEGER)).rejects.toEqual(tooLarge);
    await expect(huge([2 ** 32], 2 ** 32)).rejects.toEqual(tooLarge); // 2⁶⁴, which wraps to 0
    await expect(huge([1], 2 ** 31, 2 ** 33)).rejects.toEqual(tooLarge);
    await expect(huge([2 ** 32, 2 ** 32], 3)).rejects.toEqual(tooLarge);
  });

  it('refuses a last layer of more than one axis', async () => {
    const spec = { input: [2, 2], layers: [{ type: 'relu' }], loss: 'meanSquaredError' };
    const message = /more than one axis per sample; put a flatten layer at the end/;
    await expect(create(spec)).rejects.toEqual(refusal('ERR_SHAPE', message));
  });

  it('refuses a layer that nothing reads', async () => {
    const message = /no layer reads 'dense0', and it is not the last one/;
    const idle = withLayers(dense, { ...dense, inputs: ['input'] });
    await expect(idle).rejects.toEqual(refusal('ERR_SPEC', message));
  });
});

describe('a network', () => {
  it.each([
    ['ERR_SHAPE', /given 3 values; expected 17, the network's parameterCount/, [1, 2, 3]],
    ['ERR_SPEC', /the list of parameters is undefined/, undefined],
    [
      'ERR_DATA',
      /parameter 4 is NaN; expected a finite number of float64/,
      Array(17).fill(0).fill(NaN, 4, 5),
    ],
    ['ERR_DATA', /parameter 0 is "1"; expected a finite number/, Array(17).fill('1')],
  ] as const)('refuses parameters with %s: %s', async (code, message, values) => {
    const network = smallNetwork.clone();
    const before = network.parameters();
    const setting = callMethod(network, 'setParameters', values);
    await expect(setting).rejects.toEqual(refusal(code, message));
    expect(network.parameters()).toEqual(before);
  });

  it('in float32 refuses a parameter that float32 does not hold', () => {
    const network = createNetwork(smallSpec, { dtype: 'float32' });
    const values = Array<number>(17).fill(1e39);
    expect(() => {
      network.setParameters(values);
    }).toThrow(/parameter 0 is 1e\+39; expected a finite number of float32/);
  });

  it.each([
    ['ERR_SHAPE', /predict: inputs have 3 entries; expected a multiple of 2/, [1, 2, 3]],
    [
      'ERR_SHAPE',
      /predict: inputs have rows of 3; expected 2, for samples of shape \[2\]/,
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ],
    ['ERR_SHAPE', /predict: inputs have rows of 1; expected 2/, { data: [1, 2], shape: [2, 1] }],
    [
      'ERR_SHAPE',
      /samples of the dataset have shape \[3\]; expected samples of shape \[2\]/,
      createDataset({
        inputs: [
          [1, 2, 3],
          [4, 5, 6],
        ],
        targets: [0, 1],
      }),
    ],
    [
      'ERR_DATA',
      /inputs: sample 1, feature 0 is Infinity/,
      [
        [1, 2],
        [Infinity, 2],
      ],
    ],
    ['ERR_SPEC', /inputs: given null; expected a typed array/, null],
  ] as const)('refuses to predict from %s: %s', async (code, message, inputs) => {
    const predicting = callMethod(smallNetwork, 'predict', inputs);
    await expect(predicting).rejects.toEqual(refusal(code, message));
  });

  it('refuses data that is no dataset, or one of other samples', async () => {
    for (const [, data] of strangers) {
      const reading = callMethod(smallNetwork, 'loss', data);
      await expect(reading).rejects.toEqual(
        refusal('ERR_DATA', /the data is no dataset; make one/),
      );
    }
    const plain = { inputs: [[1, 2]], targets: [0] };
    const reading = callMethod(smallNetwork, 'loss', plain);
    await expect(reading).rejects.toEqual(refusal('ERR_DATA', /the data is no dataset/));
    const wide = createDataset({ inputs: [[1, 2, 3]], targets: [0] });
    const message = /samples of the dataset have shape \[3\], but the network's input is \[2\]/;
    await expect(smallNetwork.loss(wide)).rejects.toEqual(refusal('ERR_SHAPE', message));
  });

  it('refuses options of the wrong type in every method that computes', async () => {
    for (const method of ['predict', 'loss', 'accuracy', 'gradient']) {
      const call = (options: unknown): Promise<unknown> =>
        callMethod(smallNetwork, method, smallData, options);
      for (const [name, value] of strangers) {
        if (name !== 'a bare object' && name !== 'a function') {
          await expect(call(value)).rejects.toEqual(
            refusal('ERR_SPEC', /expected \{ signal, onProgress, threads \}/),
          );
        }
        await expect(call({ signal: value })).rejects.toEqual(
          refusal('ERR_SPEC', /'signal' is .*; expected an AbortSignal/),
        );
        if (name !== 'a number') {
          const message = /'threads' is .*; expected a whole number from 1 to 48/;
          await expect(call({ threads: value })).rejects.toEqual(refusal('ERR_SPEC', message));
        }
        if (name !== 'a function') {
          await expect(call({ onProgress: value })).rejects.toEqual(
            refusal('ERR_SPEC', /'onProgress' is .*; expected a function/),
          );
        }
      }
      for (const threads of [0, -1, 1.5, 49, Infinity]) {
        await expect(call({ threads })).rejects.toEqual(
          refusal('ERR_SPEC', /'threads' is .*; expected a whole number/),
        );
      }
      await expect(call({ thread: 2 })).rejects.toEqual(
        refusal('ERR_SPEC', /option 'thread' is unknown/),
      );
    }
  });

  it('refuses accuracy under a loss without classes', async () => {
    const network = createNetwork({ ...smallSpec, loss: 'meanSquaredError' });
    const data = createDataset({ inputs: [[1, 2]], targets: [[0, 1]] });
    const message = /a network with the loss meanSquaredError has no classes to be right about/;
    await expect(network.accuracy(data)).rejects.toEqual(refusal('ERR_SPEC', message));
  });

  it('that was disposed refuses everything with ERR_DISPOSED, and may be disposed again', async () => {
    const network = smallNetwork.clone();
    network[Symbol.dispose]();
    network[Symbol.dispose]();
    const disposed = refusal('ERR_DISPOSED', /the network was disposed; create or clone another/);
    for (const call of [
      () => network.parameters(),
      () => {
        network.setParameters(smallNetwork.parameters());
      },
      () => network.clone(),
    ]) {
      await expect(asJavaScript(call)).rejects.toEqual(disposed);
    }
    await expect(network.loss(smallData)).rejects.toEqual(disposed);
    await expect(network.gradient(smallData)).rejects.toEqual(disposed);
    await expect(network.predict([1, 2])).rejects.toEqual(disposed);
  });

  it('whose outputs are not finite says which output of which sample', async () => {
    const network = createNetwork({
      input: [1],
      layers: [{ type: 'dense', units: 2, bias: false }],
      loss: 'softmaxCrossEntropy',
    });
    network.setParameters([1, 1e300]);
    const data = createDataset({ inputs: [[1], [1e10]], targets: [0, 0] });
    const message =
      /output 1 of the network is not finite for sample 1; the parameters or inputs are too large/;
    await expect(network.loss(data)).rejects.toEqual(refusal('ERR_NUMERIC', message));
    await expect(network.gradient(data)).rejects.toEqual(refusal('ERR_NUMERIC', message));
  });
});

it('whatever is passed, errors are EigenscapeErrors', async () => {
  const offending: string[] = [];
  const note = async (name: string, call: () => Promise<unknown>): Promise<void> => {
    try {
      await call();
    } catch (error) {
      if (!isEigenscapeError(error)) offending.push(`${name}: ${String(error)}`);
    }
  };
  for (const [name, value] of strangers) {
    await note(`spec ${name}`, () => create(value));
    await note(`options ${name}`, () => create(smallSpec, value));
    await note(`layer ${name}`, () => withLayers(value));
    await note(`loss ${name}`, () => withLoss(value));
    for (const key of ['input', 'layers', 'loss']) {
      await note(`${key} ${name}`, () => create({ ...smallSpec, [key]: value }));
    }
    for (const key of ['seed', 'initializer', 'dtype', 'parameters', 'tensorNames']) {
      await note(`${key} ${name}`, () => create(smallSpec, { [key]: value }));
    }
    for (const key of ['type', 'units', 'bias', 'name', 'inputs']) {
      await note(`${key} ${name}`, () => withLayers({ ...dense, [key]: value }));
    }
  }
  expect(offending).toEqual([]);
});
