// Networks beside ONNX Runtime: how far apart, where, and on what.

import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  compareWithOnnxRuntime,
  createDataset,
  createNetwork,
  exportOnnx,
  importOnnx,
  type NetworkSpec,
} from '../../src/index.js';
import { temporaryFile } from '../data/temporary-files.js';
import { asJavaScript } from '../curvature/small-network.js';
import { expectRuntimeAgreement } from './agreement.js';
import { fixtures, folder } from './fixtures.js';
import { TensorProto_DataType as DataType } from '../../src/onnx/onnx_pb.js';
import { bytesOf, model, modelBytes, node, rawTensor, tensor } from './model-builder.js';

const spec: NetworkSpec = {
  input: [3],
  layers: [{ type: 'dense', units: 4 }, { type: 'tanh' }, { type: 'dense', units: 2 }],
  loss: 'softmaxCrossEntropy',
};
const network = createNetwork(spec, { seed: 1 });
const quiet = { onNote: () => undefined };

describe('what it returns', () => {
  it('the largest difference, where it is, and both outputs', async () => {
    const other = network.clone();
    const parameters = other.parameters();
    parameters[parameters.length - 1] = (parameters.at(-1) ?? 0) + 3;
    other.setParameters(parameters);
    const model = await exportOnnx(other, { dtype: 'float32' });
    const result = await compareWithOnnxRuntime(network, { model, samples: 5 });
    expect(result).toMatchObject({
      sampleCount: 5,
      outputCount: 2,
      dtype: 'float32',
      ending: 'none',
      worst: { output: 1 },
    });
    expect(result.maximumDifference).toBeCloseTo(3, 5);
    const scaled = [...result.outputs].map((y, index) => {
      const r = result.runtimeOutputs[index] ?? NaN;
      return Math.abs(y - r) / Math.max(1, Math.abs(r));
    });
    expect(scaled).toHaveLength(10);
    expect(result.maximumScaledDifference).toBe(Math.max(...scaled));
    expect(scaled[2 * result.worst.sample + 1]).toBe(result.maximumScaledDifference);
  });

  it('the same for the same seed, other samples for another', async () => {
    const outputs = async (options: object) =>
      (await compareWithOnnxRuntime(network, { samples: 3, ...options })).outputs;
    expect(await outputs({})).toEqual(await outputs({ seed: 0 }));
    expect(await outputs({})).not.toEqual(await outputs({ seed: 1 }));
  });

  it('rounds the inputs for both where the model reads float32', async () => {
    const { outputs } = await compareWithOnnxRuntime(network, { inputs: [[0.1, 0.2, 0.3]] });
    expect(outputs).toEqual(await network.predict([Float32Array.of(0.1, 0.2, 0.3)]));
    expect(outputs).not.toEqual(await network.predict([[0.1, 0.2, 0.3]]));
  });

  it('takes rows, flat arrays and datasets, as predict does', async () => {
    const inputs = [1, 2, 3, -1, -2, -3];
    const dataset = createDataset({ inputs, inputShape: [3], targets: [0, 1] });
    const results = await Promise.all(
      [[inputs.slice(0, 3), inputs.slice(3)], Int8Array.from(inputs), dataset].map((given) =>
        compareWithOnnxRuntime(network, { inputs: given }),
      ),
    );
    results.forEach(({ outputs, maximumDifference }) => {
      expect(outputs).toEqual(results[0]?.outputs);
      expect(outputs).toHaveLength(4);
      expect(maximumDifference).toBeLessThan(1e-6);
    });
  });

  it('is that of the network and the bytes at the moment of the call', async () => {
    const changing = network.clone();
    const model = await exportOnnx(changing, { dtype: 'float32' });
    const promise = compareWithOnnxRuntime(changing, { model });
    changing.setParameters(changing.parameters().fill(0));
    model.fill(0);
    expect((await promise).maximumDifference).toBeLessThan(1e-6);
  });

  it('NaN where the runtime gives NaN', async () => {
    const model = modelBytes({
      nodes: [node('Gemm', ['x', 'w'], 'z'), node('Sqrt', ['z'], 'y')],
      tensors: { w: tensor([2, 1], [1, 0]) },
    });
    const one = createNetwork({ ...spec, input: [2], layers: [{ type: 'dense', units: 1 }] });
    const result = await compareWithOnnxRuntime(one, {
      model,
      inputs: [
        [4, 0],
        [-4, 0],
        [9, 0],
      ],
    });
    expect(result.maximumDifference).toBeNaN();
    expect(result.maximumScaledDifference).toBeNaN();
    expect(result.worst).toEqual({ sample: 1, output: 0 });
  });
});

describe('a network and the file that it came from', () => {
  it.each(fixtures)('$name', async ({ file, spec: { loss } }) => {
    const imported = await importOnnx(file, { loss, ...quiet });
    await expectRuntimeAgreement(imported, file);
  });

  it('of float64, in float64 where ONNX Runtime has the kernels', async () => {
    const file = `${folder}ts-reshape-opset9-float64.onnx`;
    const imported = await importOnnx(file, { loss: 'softmaxCrossEntropy', ...quiet });
    const { dtype, maximumDifference } = await compareWithOnnxRuntime(imported, { model: file });
    expect(dtype).toBe('float64');
    expect(maximumDifference).toBeLessThan(1e-14);
  });

  it('of float64 runs as it is where ONNX Runtime’s optimizer fails on it', async () => {
    const doubles = (dims: readonly number[], values: readonly number[]) =>
      rawTensor(DataType.DOUBLE, dims, new Uint8Array(Float64Array.from(values).buffer));
    // Its fusion of Relu and Clip knows float32 and float16 only.
    const proto = model({
      nodes: [
        node('MatMul', ['x', 'w'], 'h'),
        node('Relu', ['h'], 'r'),
        node('Clip', ['r', 'zero'], 'c'),
        node('MatMul', ['c', 'v'], 'y'),
      ],
      tensors: {
        w: doubles([2, 3], [1, -2, 0.5, 1, 0.25, -1]),
        zero: doubles([], [0]),
        v: doubles([3, 2], [1, 2, 3, -1, -2, -3]),
      },
      inputType: DataType.DOUBLE,
    });
    const type = proto.graph?.output[0]?.type?.value;
    if (type?.case === 'tensorType') type.value.elemType = DataType.DOUBLE;
    const file = bytesOf(proto);
    const imported = await importOnnx(file, { loss: 'softmaxCrossEntropy', ...quiet });
    const { dtype, maximumDifference } = await compareWithOnnxRuntime(imported, { model: file });
    expect(dtype).toBe('float64');
    expect(maximumDifference).toBeLessThan(1e-14);
  });

  it.each([
    ['ts-softmax-end-opset9', 'softmax'],
    ['dy-softmax-end', 'softmax'],
    ['ts-log-softmax-end-opset17', 'logSoftmax'],
    ['dy-sigmoid-end', 'sigmoid'],
    ['dy-relu-default', 'none'],
  ])('%s ends in %s, which is applied to the outputs of the network too', async (name, ending) => {
    const { file, spec: itsSpec } = fixtures.find((fixture) => fixture.name === name) ?? {
      file: '',
      spec,
    };
    const imported = await importOnnx(file, { loss: itsSpec.loss, ...quiet });
    const result = await compareWithOnnxRuntime(imported, { model: file, samples: 4 });
    expect(result.ending).toBe(ending);
    expect(result.maximumScaledDifference).toBeLessThan(1e-5);
    const logits = await imported.predict(Float32Array.from(inputsOf(imported.spec, 4)));
    if (ending !== 'none') expect([...result.outputs]).not.toEqual([...logits]);
  });

  it('for a fixed number of samples is run as often as it takes', async () => {
    const { file, spec: itsSpec } = fixtures.find(({ name }) => name.includes('fixed-batch')) ?? {
      file: '',
      spec,
    };
    const imported = await importOnnx(file, { loss: itsSpec.loss, ...quiet });
    const result = await compareWithOnnxRuntime(imported, { model: file, samples: 7 });
    expect(result.runtimeOutputs).toHaveLength(7 * imported.outputCount);
    expect(result.maximumScaledDifference).toBeLessThan(1e-5);
  });

  it('as a path, a file: URL and bytes; external data lies beside a path', async () => {
    const file = `${folder}dy-external-data.onnx`;
    const imported = await importOnnx(file, { loss: 'softmaxCrossEntropy', ...quiet });
    const path = await compareWithOnnxRuntime(imported, { model: file });
    expect(await compareWithOnnxRuntime(imported, { model: pathToFileURL(file) })).toEqual(path);
    expect(path.maximumScaledDifference).toBeLessThan(1e-5);
    const plain = `${folder}dy-relu-default.onnx`;
    const other = await importOnnx(plain, { loss: 'softmaxCrossEntropy', ...quiet });
    const bytes = await readFile(plain);
    expect((await compareWithOnnxRuntime(other, { model: bytes })).maximumDifference).toBeLessThan(
      1e-5,
    );
  });
});

/** Any numbers, as many as `samples` take. */
function inputsOf({ input }: NetworkSpec, samples: number): number[] {
  const size = input.reduce((product, length) => product * length, samples);
  return Array.from({ length: size }, (_, index) => Math.sin(index));
}

describe('long comparisons', () => {
  const many = { samples: 300_000 };

  it('let timers and others run meanwhile', async () => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    const { sampleCount, maximumDifference } = await compareWithOnnxRuntime(network, many);
    clearInterval(timer);
    expect(sampleCount).toBe(300_000);
    expect(maximumDifference).toBeLessThan(1e-6);
    expect(turns).toBeGreaterThan(2);
  });

  it('stop on an abort', async () => {
    const signal = AbortSignal.timeout(1);
    await expect(compareWithOnnxRuntime(network, { ...many, signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
    });
    const aborted = AbortSignal.abort('enough');
    await expect(compareWithOnnxRuntime(network, { signal: aborted })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      cause: 'enough',
    });
  });
});

describe('refusals', () => {
  it('a model of another input or output shape', async () => {
    const wide = createNetwork({ ...spec, input: [5] });
    await expect(
      compareWithOnnxRuntime(network, { model: await exportOnnx(wide, { dtype: 'float32' }) }),
    ).rejects.toMatchObject({
      code: 'ERR_SHAPE',
      message:
        'compareWithOnnxRuntime: the model reads samples of shape [5], the network [3]; expected the model that the network came from',
    });
    const many = createNetwork({ ...spec, layers: [{ type: 'dense', units: 7 }] });
    await expect(
      compareWithOnnxRuntime(network, {
        model: await exportOnnx(many, { dtype: 'float32' }),
        samples: 4,
      }),
    ).rejects.toMatchObject({
      code: 'ERR_SHAPE',
      message:
        'compareWithOnnxRuntime: the model gives float32 of shape [4, 7] for 4 samples; expected float32 or float64 of [4, 2], as the network’s outputs'.replace(
          '’',
          "'",
        ),
    });
  });

  it('inputs that are too large for a model in float32', async () => {
    const inputs = [
      [1, 2, 3],
      [1, 1e39, 3],
    ];
    await expect(compareWithOnnxRuntime(network, { inputs })).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: 'inputs: sample 1, feature 1 is Infinity; expected a finite number',
    });
  });

  it('inputs that do not fit the network', async () => {
    await expect(compareWithOnnxRuntime(network, { inputs: [[1, 2]] })).rejects.toMatchObject({
      code: 'ERR_SHAPE',
      message:
        'compareWithOnnxRuntime: inputs have rows of 2; expected 3, for samples of shape [3]',
    });
    await expect(compareWithOnnxRuntime(network, { inputs: [[1, NaN, 2]] })).rejects.toMatchObject({
      code: 'ERR_DATA',
    });
  });

  it('what is no model: absent, damaged, or of operators that the runtime lacks', async () => {
    await expect(
      compareWithOnnxRuntime(network, { model: '/nowhere/m.onnx' }),
    ).rejects.toMatchObject({ code: 'ERR_DATA' });
    const bytes = await exportOnnx(network, { dtype: 'float32' });
    await expect(
      compareWithOnnxRuntime(network, { model: bytes.slice(0, 100) }),
    ).rejects.toMatchObject({ code: 'ERR_ONNX_INVALID' });
    const model = modelBytes({
      nodes: [node('Fancy', ['x'], 'y')],
      inputs: { x: ['N', 3] },
    });
    await expect(compareWithOnnxRuntime(network, { model })).rejects.toMatchObject({
      code: 'ERR_ONNX_RUNTIME',
      message: expect.stringMatching(/ONNX Runtime cannot load the model: .*Fancy/s) as unknown,
    });
    const file = await temporaryFile('empty.onnx', '');
    await expect(compareWithOnnxRuntime(network, { model: file })).rejects.toMatchObject({
      code: 'ERR_ONNX_INVALID',
    });
  });

  it('what is no network, and options of the wrong kind', async () => {
    await expect(asJavaScript(compareWithOnnxRuntime, {})).rejects.toMatchObject({
      code: 'ERR_SPEC',
    });
    await expect(asJavaScript(compareWithOnnxRuntime, network, { model: 7 })).rejects.toThrow(
      "compareWithOnnxRuntime: option 'model' is 7; expected the path, file: URL or bytes of an ONNX file",
    );
    await expect(asJavaScript(compareWithOnnxRuntime, network, { samples: 0 })).rejects.toThrow(
      "option 'samples' is 0; expected an integer of at least 1",
    );
  });
});
