// Files that this library writes: ONNX Runtime computes the same, and importing them gives the same network.

import { fromBinary } from '@bufbuild/protobuf';
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
  type LossSpec,
  type Network,
  type NetworkSpec,
} from '../../src/index.js';
import { requireSmallModel } from '../../src/onnx/export/size.js';
import { ModelProtoSchema, TensorProto_DataType as DataType } from '../../src/onnx/onnx_pb.js';
import { asJavaScript } from '../curvature/small-network.js';
import { problems } from '../curvature/random-problems.js';
import { fixtures } from './fixtures.js';
import { imageNetworks } from './random-networks.js';

const dtypes = fc.constantFrom<DType>('float32', 'float64');
const runs = { numRuns: 60, seed: 11 };
const quiet = { onNote: () => undefined };
const decode = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes);
const onImages = (...layers: readonly LayerSpec[]): NetworkSpec => ({
  input: [2, 6, 5],
  layers: [...layers, { type: 'flatten' }, { type: 'dense', units: 3 }],
  loss: 'softmaxCrossEntropy',
});
const onVectors = (...layers: readonly LayerSpec[]): NetworkSpec => ({
  input: [6],
  layers: [{ type: 'dense', units: 4, name: 'body.0' }, ...layers, { type: 'dense', units: 2 }],
  loss: { type: 'softmaxCrossEntropy', labelSmoothing: 0.1 },
});

/** At least one network for every type of layer; a type without one does not compile. */
const networks: Readonly<Record<LayerSpec['type'], readonly NetworkSpec[]>> = {
  dense: [onVectors(), onVectors({ type: 'dense', units: 3, bias: false, name: 'fc.1' })],
  conv2d: [
    onImages({ type: 'conv2d', filters: 3, kernelSize: 3, bias: false }),
    onImages(
      { type: 'conv2d', filters: 4, kernelSize: [3, 2], padding: [1, 0, 2, 1], groups: 2 },
      { type: 'conv2d', filters: 2, kernelSize: 2, stride: [1, 2], dilation: [2, 1] },
    ),
  ],
  maxPool2d: [
    onImages({ type: 'maxPool2d', size: 2 }),
    onImages({
      type: 'maxPool2d',
      size: [3, 2],
      stride: 1,
      padding: [1, 0, 2, 1],
      dilation: [1, 2],
    }),
  ],
  avgPool2d: [
    onImages({ type: 'avgPool2d', size: [3, 2] }),
    onImages({ type: 'avgPool2d', size: 3, stride: 2, padding: 1 }),
    onImages({ type: 'avgPool2d', size: 3, stride: 2, padding: [1, 2, 0, 1], countPadding: false }),
  ],
  globalAvgPool2d: [onImages({ type: 'relu' }, { type: 'globalAvgPool2d' })],
  flatten: [onImages(), onVectors({ type: 'flatten' })],
  channelsFirst: [
    onImages({ type: 'channelsFirst' }),
    onImages(
      { type: 'channelsFirst', name: 'moved' },
      { type: 'tanh', name: 'r' },
      { type: 'add', inputs: ['r', 'moved'] },
      { type: 'channelsFirst', name: 'again' },
    ),
  ],
  batchNorm: [
    onImages({ type: 'batchNorm', mean: [0.1, -0.3], variance: [0.5, 2], epsilon: 1e-3 }),
    onVectors({ type: 'batchNorm' }),
    onImages({ type: 'batchNorm', scale: false }),
    onVectors({ type: 'batchNorm', bias: false }),
  ],
  layerNorm: [
    onImages({ type: 'layerNorm' }),
    onVectors({ type: 'layerNorm', epsilon: 1e-2 }),
    onImages({ type: 'layerNorm', scale: false, bias: false }),
    onVectors({ type: 'layerNorm', scale: false }),
    onVectors({ type: 'layerNorm', bias: false }),
  ],
  add: [
    onImages({ type: 'tanh', name: 'r' }, { type: 'add', inputs: ['r', 'input'], name: 'sum' }),
    onImages({ type: 'tanh', name: 'r' }, { type: 'add', inputs: ['r', 'input', 'r'] }),
  ],
  concat: [
    onImages({ type: 'tanh', name: 'r' }, { type: 'concat', inputs: ['r', 'input', 'r'] }),
    onVectors({ type: 'relu', name: 'r' }, { type: 'concat', inputs: ['body.0', 'r'] }),
  ],
  relu: [onVectors({ type: 'relu', name: 'my relu/1' })],
  tanh: [onVectors({ type: 'tanh' })],
  sigmoid: [onVectors({ type: 'sigmoid' })],
  softplus: [onVectors({ type: 'softplus' })],
  softsign: [onVectors({ type: 'softsign' })],
  gelu: [onVectors({ type: 'gelu' }, { type: 'dense', units: 3 }, { type: 'gelu' })],
  silu: [onVectors({ type: 'silu' })],
  mish: [onVectors({ type: 'mish' })],
  elu: [onVectors({ type: 'elu' }), onVectors({ type: 'elu', alpha: 0.123457 })],
  leakyRelu: [onVectors({ type: 'leakyRelu' }), onVectors({ type: 'leakyRelu', alpha: 0.2 })],
};
const rows = Object.entries(networks).flatMap(([type, specs]) =>
  specs.map((spec, index) => [`${type} ${index}`, spec] as const),
);

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

describe('the file', () => {
  const spec: NetworkSpec = {
    input: [1, 4, 4],
    layers: [
      { type: 'conv2d', filters: 2, kernelSize: 3, padding: [1, 0], name: 'body.0' },
      { type: 'silu' },
      { type: 'maxPool2d', size: 2, name: 'output' },
      { type: 'flatten' },
      { type: 'dense', units: 3, bias: false },
    ],
    loss: { type: 'softmaxCrossEntropy', classWeights: [1, 2, 0.5] },
  };

  it('is of operator set 17 and IR version 8, says who wrote it, and keeps the loss', async () => {
    const model = decode(await exportOnnx(createNetwork(spec)));
    expect(model.irVersion).toBe(8n);
    expect(model.opsetImport).toMatchObject([{ domain: '', version: 17n }]);
    expect(model.producerName).toBe('eigenscape');
    expect(model.producerVersion).toMatch(/^\d+\.\d+\.\d+/);
    expect(model.metadataProps).toMatchObject([
      {
        key: 'eigenscape.loss',
        value: '{"type":"softmaxCrossEntropy","classWeights":[1,2,0.5]}',
      },
    ]);
  });

  it('has nodes named as layers, tensors as in the layout, and names of values that differ', async () => {
    const tensorNames = ['input', 'body.0', 'head.weight'];
    const { graph } = decode(await exportOnnx(createNetwork(spec, { tensorNames })));
    const nodes = graph?.node.map(({ name, opType, input, output }) =>
      [name, opType, input.join(), output.join()].join(' '),
    );
    expect(nodes).toEqual([
      'body.0 Conv input_1,input,body.0 body.0_1',
      'silu1/Sigmoid Sigmoid body.0_1 silu1/Sigmoid',
      'silu1 Mul body.0_1,silu1/Sigmoid silu1',
      'output MaxPool silu1 output',
      'flatten3 Flatten output flatten3',
      'dense4 Gemm flatten3,head.weight output_1',
    ]);
    expect(graph?.initializer.map(({ name }) => name)).toEqual(tensorNames);
    const network = createNetwork(spec, { tensorNames });
    expect((await compareWithOnnxRuntime(network)).maximumDifference).toBeLessThan(1e-5);
  });

  it('takes any number of samples', async () => {
    const { graph } = decode(await exportOnnx(createNetwork(spec)));
    const shapes = [...(graph?.input ?? []), ...(graph?.output ?? [])].map(({ type }) =>
      type?.value.case === 'tensorType'
        ? type.value.value.shape?.dim.map(({ value }) => String(value.value)).join()
        : undefined,
    );
    expect(shapes).toEqual(['N,1,4,4', 'N,3']);
  });

  it.each<[DType | undefined, DType, DataType]>([
    [undefined, 'float32', DataType.FLOAT],
    [undefined, 'float64', DataType.DOUBLE],
    ['float32', 'float64', DataType.FLOAT],
    ['float64', 'float32', DataType.DOUBLE],
  ])('with dtype %s holds a network of %s as type %i', async (dtype, own, stored) => {
    const network = createNetwork(spec, { dtype: own });
    const bytes = await exportOnnx(network, { dtype });
    const { graph } = decode(bytes);
    expect(graph?.initializer.map(({ dataType }) => dataType)).toEqual([stored, stored, stored]);
    const again = await importOnnx(bytes, { loss: spec.loss, ...quiet });
    const isRounded = dtype === 'float32' || own === 'float32';
    const expected = [...network.parameters()].map((value) =>
      isRounded ? Math.fround(value) : value,
    );
    expect([...again.parameters()]).toEqual(expected);
  });

  it('is the one of the moment of the call', async () => {
    const network = createNetwork(spec);
    const before = await exportOnnx(network);
    const promise = exportOnnx(network);
    network.setParameters(network.parameters().fill(0));
    expect(await promise).toEqual(before);
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

describe('refusals', () => {
  const network = createNetwork(onVectors());

  it('a custom loss, by name, and how to export its network all the same', async () => {
    const loss = {
      type: 'custom',
      name: 'quartic',
      value: ([f = 0], t: number) => (f - t) ** 4,
      gradient: ([f = 0], t: number) => [4 * (f - t) ** 3],
      hessian: ([f = 0], t: number) => [12 * (f - t) ** 2],
    } as const satisfies LossSpec;
    const layers: readonly LayerSpec[] = [{ type: 'dense', units: 1 }];
    const own = createNetwork({ input: [2], layers, loss });
    await expect(exportOnnx(own)).rejects.toMatchObject({
      code: 'ERR_SPEC',
      message: expect.stringMatching(
        /^exportOnnx: the network has the custom loss 'quartic', whose functions no ONNX file holds/,
      ) as unknown,
    });
    const other = createNetwork(
      { ...own.spec, loss: 'meanSquaredError' },
      { parameters: own.parameters() },
    );
    expect(decode(await exportOnnx(other)).graph?.node).toHaveLength(1);
  });

  it('two tensors of one name, and one without a name', async () => {
    const named = (tensorNames: readonly string[]) =>
      exportOnnx(createNetwork(onVectors(), { tensorNames }));
    await expect(named(['a', 'b', 'a', 'c'])).rejects.toThrow(
      "exportOnnx: two tensors are called 'a'; in ONNX each needs one of its own: give createNetwork other tensorNames",
    );
    await expect(named(['a', 'b', '', 'c'])).rejects.toThrow('exportOnnx: a tensor has no name');
  });

  it('an abort between pieces', async () => {
    const layers: readonly LayerSpec[] = [{ type: 'dense', units: 300 }];
    const wide = createNetwork({ input: [300], layers, loss: 'meanSquaredError' });
    const controller = new AbortController();
    const call = exportOnnx(wide, { signal: controller.signal });
    setImmediate(() => {
      controller.abort('enough');
    });
    await expect(call).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
  });

  it('a parameter that float32 cannot hold', async () => {
    const large = network.clone();
    large.setParameters(large.parameters().fill(1e39, 3, 4));
    await expect(exportOnnx(large, { dtype: 'float32' })).rejects.toMatchObject({
      code: 'ERR_NUMERIC',
      message:
        "exportOnnx: entry 3 of 'body.0.weight' is 1e+39, which float32 cannot hold; export with dtype: 'float64'",
    });
  });

  it('files above 2 GB, with their size', () => {
    const size = { parameters: 400_000_000, layers: 3 };
    expect(() => {
      requireSmallModel('float32', size);
    }).not.toThrow();
    expect(() => {
      requireSmallModel('float64', size);
    }).toThrow(
      "exportOnnx: 400000000 parameters of float64 make a file of 3200012288 bytes; ONNX files are protobuf messages of at most 2147483647 bytes; dtype: 'float32' halves it",
    );
    expect(() => {
      requireSmallModel('float32', { parameters: 600_000_000, layers: 3 });
    }).toThrow(/of 2400012288 bytes; .* at most 2147483647 bytes$/);
  });

  it('what is no network, and options that do not exist', async () => {
    await expect(asJavaScript(exportOnnx, {})).rejects.toMatchObject({ code: 'ERR_SPEC' });
    await expect(asJavaScript(exportOnnx, network, { opset: 20 })).rejects.toThrow(
      "exportOnnx: option 'opset' is unknown; there are dtype",
    );
    await expect(asJavaScript(exportOnnx, network, { dtype: 'float16' })).rejects.toThrow(
      "exportOnnx: option 'dtype' is \"float16\"; expected 'float64' or 'float32'",
    );
  });

  it('a disposed network', async () => {
    const gone = network.clone();
    gone[Symbol.dispose]();
    await expect(exportOnnx(gone)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });
});

it('a dilated maximum with padding that ONNX Runtime refuses is not written', async () => {
  const pool = { type: 'maxPool2d', size: 2, dilation: 3, padding: [2, 0, 0, 0] } as const;
  const layers = [pool, { type: 'flatten' }, { type: 'dense', units: 1 }] as const;
  const network = createNetwork({ input: [1, 6, 6], layers, loss: 'meanSquaredError' });
  await expect(exportOnnx(network)).rejects.toMatchObject({
    code: 'ERR_ONNX_UNSUPPORTED',
    message: expect.stringMatching(/a maxPool2d layer has padding \[2, 0, 0, 0\]/) as string,
  });
});
