// Files that this library writes: ONNX Runtime computes the same, and importing them gives the same network.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSpec } from '../../src/network/parse-spec.js';
import {
  compareWithOnnxRuntime,
  createNetwork,
  exportOnnx,
  importOnnx,
  type DType,
  type LayerSpec,
  type Network,
  type NetworkSpec,
} from '../../src/index.js';
import { problems } from '../curvature/random-problems.js';
import { networks, onVectors, rows } from './exported-networks.js';
import { fixtures } from './fixtures.js';
import { imageNetworks } from './random-networks.js';

const dtypes = fc.constantFrom<DType>('float32', 'float64');
const runs = { numRuns: 60, seed: 11 };
const quiet = { onNote: () => undefined };
/** What the engine is told of each layer; batchNorm's default statistics written out, and no flatten of
 *  what is flat already, which ONNX cannot tell from nothing. */
function engineLayers(network: Network) {
  const { native } = parseSpec(network.spec);
  return native.layers.map(({ type, name, inputs, attributes }) => {
    if (type !== 'batchNorm') return { type, name, inputs, attributes };
    const channels = network.layout.find(({ layer }) => layer === name)?.shape[0] ?? 0;
    const filled = (values: number | readonly number[] | undefined, value: number) =>
      typeof values === 'object' && values.length > 0
        ? values
        : Array<number>(channels).fill(value);
    const { mean, variance, epsilon } = attributes;
    const statistics = { mean: filled(mean, 0), variance: filled(variance, 1), epsilon };
    return { type, name, inputs, attributes: statistics };
  });
}

async function expectRoundTrip(spec: NetworkSpec, dtype: DType): Promise<void> {
  const network = createNetwork(spec, { dtype, seed: 5 });
  const bytes = await exportOnnx(network);
  const again = await importOnnx(bytes, { loss: spec.loss, dtype, ...quiet });
  expect(again.parameters()).toEqual(network.parameters());
  expect(again.layout).toEqual(network.layout);
  expect(again.spec.input).toEqual(spec.input);
  const isVector = spec.input.length === 1;
  const kept = isVector ? spec.layers.filter(({ type }) => type !== 'flatten') : spec.layers;
  if (kept.length === spec.layers.length) {
    const layers = engineLayers(network);
    if (dtype === 'float64') expect(engineLayers(again)).toEqual(layers);
    expect(engineLayers(again).map(({ name }) => name)).toEqual(layers.map(({ name }) => name));
  }
  expect(await exportOnnx(again)).toEqual(
    kept.length === spec.layers.length ? bytes : expect.anything(),
  );
}

async function expectRuntime(spec: NetworkSpec, dtype: DType): Promise<void> {
  const network = createNetwork(spec, { dtype, seed: 5 });
  const { maximumScaledDifference } = await compareWithOnnxRuntime(network, { samples: 8 });
  expect(maximumScaledDifference).toBeLessThan(1e-5);
}

describe('a float32 export gives our outputs in ONNX Runtime', () => {
  it.each(rows)('%s', async (_, spec) => {
    await expectRuntime(spec, 'float32');
    await expectRuntime(spec, 'float64');
  });

  it('random perceptrons', () =>
    fc.assert(
      fc.asyncProperty(problems(), dtypes, ({ spec }, dtype) => expectRuntime(spec, dtype)),
      runs,
    ));

  it('random networks on images, with branches', () =>
    fc.assert(fc.asyncProperty(imageNetworks, dtypes, expectRuntime), runs));
});

describe('export and import give the same network', () => {
  it.each(rows)('%s', async (_, spec) => {
    await expectRoundTrip(spec, 'float32');
    await expectRoundTrip(spec, 'float64');
  });

  it('random networks on images, with branches', () =>
    fc.assert(fc.asyncProperty(imageNetworks, dtypes, expectRoundTrip), runs));

  it.each(fixtures.filter(({ name }) => /external-data|zero-biases|no-bias|gelu/.test(name)))(
    '$name, imported from PyTorch before',
    async ({ file, spec: { loss }, dtype }) => {
      const network = await importOnnx(file, { loss, dtype, ...quiet });
      const again = await importOnnx(await exportOnnx(network), { loss, dtype, ...quiet });
      expect(again.parameters()).toEqual(network.parameters());
      expect(again.layout).toEqual(network.layout);
      expect(again.spec).toEqual(network.spec);
    },
  );

  it.each(['float32', 'float64'] as const)(
    'numbers at the edges of %s, bit for bit',
    async (dtype) => {
      const most = dtype === 'float32' ? 2 ** 127 * (2 - 2 ** -23) : Number.MAX_VALUE;
      const least = dtype === 'float32' ? 2 ** -149 : Number.MIN_VALUE;
      const layers = [{ type: 'dense', units: 1 }] as const;
      const network = createNetwork({ input: [4], layers, loss: 'meanSquaredError' }, { dtype });
      network.setParameters([most, -most, least, -0, 1 / 3]);
      const bytes = await exportOnnx(network);
      const again = await importOnnx(bytes, { loss: 'meanSquaredError', dtype, ...quiet });
      expect(again.parameters()).toEqual(network.parameters());
      expect(Object.is(again.parameters()[3], -0)).toBe(true);
    },
  );

  it('a sigmoid as the last layer is kept, under binary cross-entropy too', async () => {
    const spec = { ...onVectors({ type: 'sigmoid' }), loss: 'binaryCrossEntropy' } as const;
    const ending = { ...spec, layers: [...spec.layers, { type: 'sigmoid' }] } as const;
    await expectRoundTrip(ending, 'float64');
    await expectRuntime(ending, 'float64');
  });
});

describe('a float64 export in ONNX Runtime, which has few kernels for it', () => {
  const exact = { alpha: 0.25, epsilon: 2 ** -10 };
  const single = (type: LayerSpec['type']): readonly NetworkSpec[] =>
    networks[type].map((spec) => ({
      ...spec,
      layers: spec.layers.map((layer) => {
        if (layer.type === 'leakyRelu') return { ...layer, alpha: exact.alpha };
        const isNorm = layer.type === 'batchNorm' || layer.type === 'layerNorm';
        return isNorm ? { ...layer, epsilon: exact.epsilon } : layer;
      }),
    }));
  const compare = async (spec: NetworkSpec) => {
    const network = createNetwork(spec, { seed: 3 });
    return compareWithOnnxRuntime(network, { model: await exportOnnx(network), samples: 8 });
  };
  const inFloat64: readonly LayerSpec['type'][] = [
    ...(['dense', 'maxPool2d', 'flatten', 'batchNorm', 'layerNorm', 'add', 'concat'] as const),
    ...(['channelsFirst', 'relu', 'tanh', 'sigmoid', 'silu', 'leakyRelu'] as const),
  ];

  it.each(inFloat64)('%s agrees to rounding', async (type) => {
    for (const spec of single(type)) {
      const { maximumScaledDifference, dtype } = await compare(spec);
      expect(dtype).toBe('float64');
      // Sums of at most 60 terms; layerNorm divides by a standard deviation that may be small.
      expect(maximumScaledDifference).toBeLessThan(1e-12);
    }
  });

  const lacking = [
    'conv2d',
    'avgPool2d',
    'globalAvgPool2d',
    'softplus',
    'softsign',
    'mish',
    'gelu',
    'elu',
  ] as const;
  it.each(lacking)(
    '%s has no float64 kernel there, and the error says what helps',
    async (type) => {
      const [spec = onVectors()] = networks[type];
      await expect(compare(spec)).rejects.toMatchObject({
        code: 'ERR_ONNX_RUNTIME',
        message: expect.stringMatching(
          /ONNX Runtime cannot load the model: .*; it has most kernels for float32 only: exportOnnx\(network, \{ dtype: 'float32' \}\)/,
        ) as unknown,
      });
    },
  );
});
