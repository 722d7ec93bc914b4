// What is in the files that this library writes, and what it refuses to write.

import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  compareWithOnnxRuntime,
  createNetwork,
  exportOnnx,
  importOnnx,
  type DType,
  type LayerSpec,
  type LossSpec,
  type NetworkSpec,
} from '../../src/index.js';
import { requireSmallModel } from '../../src/onnx/export/size.js';
import { ModelProtoSchema, TensorProto_DataType as DataType } from '../../src/onnx/onnx_pb.js';
import { asJavaScript } from '../curvature/small-network.js';
import { onVectors } from './exported-networks.js';

const quiet = { onNote: () => undefined };
const decode = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes);

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
