// Real exports of PyTorch 2.13, both exporters: the network found is the one that was exported.

import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createDataset } from '../../src/data/create-dataset.js';
import { importOnnx } from '../../src/onnx/import.js';
import { readOnnx } from '../../src/onnx/read-file.js';
import { readParameters } from '../../src/onnx/read-parameters.js';
import { activationTypes } from '../../src/network/spec.js';
import { spectrum } from '../../src/spectrum/spectrum.js';
import { expectRuntimeAgreement } from './agreement.js';
import { fixtures, type Fixture } from './fixtures.js';
import { naiveForward } from './naive-forward.js';

const withoutNames = ({ spec }: Pick<Fixture, 'spec'>) => ({
  ...spec,
  layers: spec.layers.map(({ name: _, ...layer }) => layer),
});
const perceptronLayers: ReadonlySet<string> = new Set(['dense', 'flatten', ...activationTypes]);
const isPerceptron = ({ spec }: Pick<Fixture, 'spec'>) =>
  spec.layers.every(({ type, inputs }) => inputs === undefined && perceptronLayers.has(type));
const read = async (fixture: Fixture) => {
  const parsed = await readOnnx(fixture.file, { loss: fixture.spec.loss });
  return { ...parsed, parameters: await readParameters(parsed.tensors, {}) };
};

/** What a float64 sum of this many terms may lose, with a margin. */
const tolerance = 1e-12;

describe.each(fixtures)('$name', (fixture) => {
  it('has the layers and the exact weights of the exported module', async () => {
    const parsed = await read(fixture);
    const layers = fixture.spec.layers.map((layer) =>
      layer.type === 'dense' && layer.bias !== false
        ? { type: 'dense', units: layer.units }
        : layer,
    );
    if (isPerceptron(fixture)) {
      expect(withoutNames(parsed)).toEqual({ ...fixture.spec, layers });
    } else {
      // Names and options that are the default may be written otherwise; the types say the order.
      expect(parsed.spec.input).toEqual(fixture.spec.input);
      expect(parsed.spec.layers.map(({ type }) => type)).toEqual(layers.map(({ type }) => type));
    }
    expect([...parsed.parameters]).toEqual(fixture.parameters);
    expect(parsed.dtype).toBe(fixture.dtype);
  });

  it.runIf(isPerceptron(fixture))('gives PyTorch’s float64 outputs', async () => {
    const parsed = await read(fixture);
    fixture.inputs.forEach((sample, n) => {
      naiveForward(parsed, sample).forEach((output, c) => {
        expect(output).toBeCloseTo(fixture.outputs[n]?.[c] ?? NaN, 12);
      });
    });
  });

  it('becomes a network with PyTorch’s outputs and loss', async () => {
    const { file, spec, inputs, outputs, targets } = fixture;
    const network = await importOnnx(file, { loss: spec.loss, onNote: () => undefined });
    expect([...network.parameters()]).toEqual(fixture.parameters);
    const data = createDataset({ inputs: inputs.flat(), targets, inputShape: [...spec.input] });
    const predicted = await network.predict(data);
    const expected = outputs.flat();
    const scale = Math.max(...expected.map(Math.abs));
    predicted.forEach((output, index) => {
      expect(Math.abs(output - (expected[index] ?? NaN))).toBeLessThan(tolerance * scale);
    });
    expect(Math.abs((await network.loss(data)) - fixture.loss)).toBeLessThan(tolerance);
  });

  it('has PyTorch’s eigenvalues of H and G', async () => {
    const { file, spec, inputs, targets } = fixture;
    const network = await importOnnx(file, { loss: spec.loss, onNote: () => undefined });
    const data = createDataset({ inputs: inputs.flat(), targets, inputShape: [...spec.input] });
    const { terms } = await spectrum(network, data, { terms: ['hessian', 'gaussNewton'] });
    for (const term of ['hessian', 'gaussNewton'] as const) {
      const expected = fixture.eigenvalues[term];
      const scale = Math.max(...expected.map(Math.abs));
      terms[term].eigenvalues.forEach((value, index) => {
        expect(Math.abs(value - (expected[index] ?? NaN))).toBeLessThan(tolerance * scale);
      });
      expect(terms[term].eigenvalues).toHaveLength(expected.length);
    }
  });

  it('gives the outputs of ONNX Runtime', async () => {
    const { file, spec, inputs } = fixture;
    const network = await importOnnx(file, { loss: spec.loss, onNote: () => undefined });
    await expectRuntimeAgreement(network, file, inputs);
  });
});

describe('names and notes', () => {
  const fixture = (name: string) => {
    const found = fixtures.find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error(`no fixture ${name}`);
    return found;
  };
  const notesOf = async (name: string) => (await read(fixture(name))).notes;

  it('layers are named after PyTorch’s modules, by either exporter', async () => {
    const [torchscript, dynamo] = await Promise.all([
      read(fixture('ts-leaky-elu-alpha-opset18')),
      read(fixture('dy-leaky-sigmoid')),
    ]);
    expect(torchscript.spec.layers.map(({ name }) => name)).toEqual(
      [0, 1, 2, 3, 4, 5, 6].map((index) => `body.${index}`),
    );
    expect(dynamo.spec.layers.map(({ name }) => name)).toEqual([
      'body.0',
      undefined,
      'body.2',
      undefined,
      'body.4',
    ]);
    expect(dynamo.tensorNames).toEqual(
      ['body.0', 'body.2', 'body.4'].flatMap((name) => [`${name}.weight`, `${name}.bias`]),
    );
  });

  it('tensors without a name of their own keep ONNX’s', async () => {
    const { tensorNames } = await read(fixture('ts-no-bias-opset13'));
    expect(tensorNames).toEqual(['onnx::MatMul_8', 'onnx::MatMul_9']);
  });

  it('a softmax or sigmoid at the end is dropped with a note', async () => {
    expect(await notesOf('dy-softmax-end')).toEqual([
      "Softmax 'node_softmax' at the end is dropped: the loss applies softmax itself, so the " +
        'network gives logits.',
    ]);
    expect(await notesOf('ts-log-softmax-end-opset17')).toHaveLength(1);
    expect(await notesOf('ts-sigmoid-end-opset18')).toHaveLength(1);
  });

  it('equal biases that TorchScript stored once are parameters of their own', async () => {
    expect(await notesOf('ts-zero-biases-opset17')).toEqual([
      "'body.2.bias' is stored as a copy of 'body.0.bias'; it counts as parameters of its own.",
    ]);
  });

  it('biases of zeros that the dynamo optimiser removed are mentioned', async () => {
    expect((await notesOf('dy-zero-biases')).join()).toMatch(/^Gemm without bias: 'node_Gemm_0', /);
  });

  it('an ordinary export has nothing to note', async () => {
    expect(await notesOf('ts-tanh-opset7-ir3')).toEqual([]);
    expect(await notesOf('dy-view-unoptimized')).toEqual([]);
  });

  it('bytes give the same as the file', async () => {
    const { file, spec } = fixture('dy-relu-default');
    const bytes = await readFile(file);
    const { tensors, ...parsed } = await readOnnx(bytes, { loss: spec.loss });
    const fromFile = await read(fixture('dy-relu-default'));
    expect(await readParameters(tensors, {})).toEqual(fromFile.parameters);
    expect(fromFile).toMatchObject(parsed);
  });
});
