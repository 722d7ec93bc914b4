// Faults that people met in other importers, as small models with the right answers.

import { describe, expect, it } from 'vitest';
import { createDataset } from '../../src/data/create-dataset.js';
import { compareWithOnnxRuntime } from '../../src/onnx/compare.js';
import { importOnnx } from '../../src/onnx/import.js';
import { parseOnnx } from '../../src/onnx/parse.js';
import { model, modelBytes, bytesOf, node, tensor, type ModelParts } from './model-builder.js';
import { naiveForward } from './naive-forward.js';
import { runtimeOutputs } from './onnx-runtime.js';
import { refusalOf } from './refusal.js';

const parse = (parts: ModelParts) => parseOnnx(modelBytes(parts), { loss: 'meanSquaredError' });

describe('a model that ends in softmax, under a loss that applies softmax (tensorflow_cookbook#86)', () => {
  const bytes = (operator: string) =>
    modelBytes({
      nodes: [node('Gemm', ['x', 'w', 'b'], 'z'), node(operator, ['z'], 'y', { axis: 1 })],
      tensors: { w: tensor([2, 2], [1, 0, 0, 1]), b: tensor([2], [0, 0]) },
    });

  it.each(['Softmax', 'LogSoftmax'])(
    '%s is dropped and said to be, not applied twice',
    async (operator) => {
      const notes: string[] = [];
      const network = await importOnnx(bytes(operator), {
        loss: 'softmaxCrossEntropy',
        onNote: (note) => notes.push(note),
      });
      const data = createDataset({ inputs: [[2, 0]], targets: [0] });
      expect(await network.loss(data)).toBeCloseTo(0.1269280110429726, 12);
      expect([...(await network.predict([[2, 0]]))]).toEqual([2, 0]);
      expect(notes).toEqual([
        `${operator} '${operator.toLowerCase()}_of_z' at the end is dropped: the loss applies softmax ` +
          'itself, so the network gives logits.',
      ]);
    },
  );

  it.each(
    [7, 12, 13, 18].flatMap((opset) =>
      ['Softmax', 'LogSoftmax'].map((operator) => [operator, opset] as const),
    ),
  )('%s of the default axis in operator set %i, as in ONNX Runtime', async (operator, opset) => {
    const model = modelBytes({
      nodes: [node('Gemm', ['x', 'w', 'b'], 'z'), node(operator, ['z'], 'y')],
      tensors: { w: tensor([2, 3], [1, 0, -2, 0.5, 1, 3]), b: tensor([3], [0, 1, -1]) },
      opset,
    });
    const options = { loss: 'softmaxCrossEntropy', onNote: () => undefined } as const;
    const network = await importOnnx(model, options);
    const compared = await compareWithOnnxRuntime(network, { model });
    expect(compared.ending).toBe(operator === 'Softmax' ? 'softmax' : 'logSoftmax');
    expect(compared.maximumScaledDifference).toBeLessThan(1e-6);
  });

  it('under another loss it is refused by name', () => {
    expect(refusalOf(bytes('Softmax'))).toMatch(
      /^ERR_ONNX_UNSUPPORTED: .*Softmax 'softmax_of_z': is supported only as the last node and under the loss softmaxCrossEntropy, .*the loss is meanSquaredError/,
    );
  });

  it('a sigmoid at the end is dropped under binary cross-entropy, a layer under others', () => {
    const sigmoid = modelBytes({
      nodes: [node('Gemm', ['x', 'w'], 'z'), node('Sigmoid', ['z'], 'y')],
      tensors: { w: tensor([2, 1], [1, 2]) },
    });
    const types = (loss: 'binaryCrossEntropy' | 'meanSquaredError' | 'softmaxCrossEntropy') =>
      parseOnnx(sigmoid, { loss }).spec.layers.map(({ type }) => type);
    expect(types('binaryCrossEntropy')).toEqual(['dense']);
    expect(types('meanSquaredError')).toEqual(['dense', 'sigmoid']);
    expect(types('softmaxCrossEntropy')).toEqual(['dense', 'sigmoid']);
    expect(parseOnnx(sigmoid, { loss: { type: 'binaryCrossEntropy' } }).notes.join()).toMatch(
      /Sigmoid 'sigmoid_of_z' at the end is dropped: the loss applies sigmoid itself/,
    );
  });
});

describe('Gemm with transB, alpha and beta (Marabou#239, opencv#22096, ANEForge#77)', () => {
  const stored = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
  const transposed = tensor([3, 2], [1, 4, 2, 5, 3, 6]);
  const bias = [1, 0, -1];
  const gemm = (
    attributes: Record<string, number>,
    tensors: ModelParts['tensors'],
  ): ModelParts => ({
    nodes: [node('Gemm', ['x', ...Object.keys(tensors ?? {})], 'y', attributes, 'g')],
    ...(tensors === undefined ? {} : { tensors }),
  });
  const scaled = { alpha: 0.5, beta: 2 };
  const models: Record<string, ModelParts> = {
    'transB = 0': gemm(scaled, { B: stored, C: tensor([3], bias) }),
    'transB = 1': gemm({ ...scaled, transB: 1 }, { B: transposed, C: tensor([3], bias) }),
    'C of shape [1, 3]': gemm(scaled, { B: stored, C: tensor([1, 3], bias) }),
    'C absent': gemm(scaled, { B: stored }),
    'C of one number': gemm(scaled, { B: stored, C: tensor([1], [3]) }),
    'C a scalar': gemm(scaled, { B: stored, C: tensor([], [3]) }),
    'C of shape [1, 1]': gemm(scaled, { B: stored, C: tensor([1, 1], [3]) }),
    'beta = 0': gemm({ alpha: 0.5, beta: 0 }, { B: stored, C: tensor([3], bias) }),
  };

  it.each([
    ['transB = 0', [4.5, 3.5, 2.5]],
    ['transB = 1', [4.5, 3.5, 2.5]],
    ['C of shape [1, 3]', [4.5, 3.5, 2.5]],
    ['C absent', [2.5, 3.5, 4.5]],
    ['C of one number', [8.5, 9.5, 10.5]],
    ['C a scalar', [8.5, 9.5, 10.5]],
    ['C of shape [1, 1]', [8.5, 9.5, 10.5]],
    ['beta = 0', [2.5, 3.5, 4.5]],
  ])('%s gives %j, as in ONNX Runtime', async (name, expected) => {
    const parts = models[name] ?? { nodes: [] };
    expect(naiveForward(parse(parts), [1, 1])).toEqual(expected);
    expect(await runtimeOutputs(modelBytes(parts), [1, 1], [1, 2])).toEqual(expected);
  });

  it('curvature is with respect to alpha·B and beta·C, which a note says', () => {
    const { parameters, notes } = parse(models['transB = 0'] ?? { nodes: [] });
    expect([...parameters]).toEqual([0.5, 2, 1, 2.5, 1.5, 3, 2, 0, -2]);
    expect(notes).toEqual([
      "Gemm 'g': the weights are alpha·B with alpha = 0.5, not the stored B.",
      "Gemm 'g': the bias is beta·C with beta = 2, not the stored C.",
    ]);
  });

  it('one number as the bias of several units becomes one for each, which a note says', () => {
    const { parameters, notes } = parse(models['C a scalar'] ?? { nodes: [] });
    expect([...parameters.slice(-3)]).toEqual([6, 6, 6]);
    expect(notes.at(-1)).toBe(
      "Gemm 'g': the bias 'C' is one number for all 3 units; here each unit has its own.",
    );
  });

  it('transA = 1 is refused with the node’s name', () => {
    expect(refusalOf(gemm({ transA: 1 }, { B: stored }))).toMatch(
      /^ERR_ONNX_UNSUPPORTED: .*Gemm 'g': transA = 1 sums over samples/,
    );
  });

  it('a bias that differs between samples is refused', () => {
    const perSample = gemm({}, { B: stored, C: tensor([2, 1], [1, 2]) });
    expect(refusalOf(perSample)).toMatch(
      /Gemm 'g': its bias 'C' of shape \[2, 1\] is not the same for all samples of a tensor of shape \[samples, 3\]/,
    );
  });
});

describe('weights as inputs, initializers or constants (onnx#1449, onnx#3180)', () => {
  const weights = {
    w0: tensor([2, 2], [1, -2, 3, 4]),
    b0: tensor([2], [0.5, -0.5]),
    w1: tensor([2, 1], [2, -1]),
    b1: tensor([1], [0.25]),
  };
  const layers = [
    node('Gemm', ['x', 'w0', 'b0'], 'h'),
    node('Relu', ['h'], 'r'),
    node('Gemm', ['r', 'w1', 'b1'], 'y'),
  ];
  const constants = Object.entries(weights).map(([name, value]) =>
    node('Constant', [], name, { value }),
  );
  const four: Record<string, ModelParts> = {
    'among the inputs too (IR 3)': {
      ir: 3,
      opset: 8,
      inputs: { w0: [2, 2], x: ['N', 2], b0: [2], w1: [2, 1], b1: [1] },
      nodes: layers,
      tensors: weights,
    },
    'initializers only (IR 8)': { nodes: layers, tensors: weights },
    'Constant nodes': { nodes: [...constants, ...layers] },
    'one initializer more': { nodes: layers, tensors: { ...weights, spare: tensor([2], [7, 8]) } },
  };

  it.each(Object.entries(four))('%s: the same parameters and predictions', async (name, parts) => {
    const network = await importOnnx(modelBytes(parts), {
      loss: 'meanSquaredError',
      onNote: () => undefined,
    });
    expect(network.parameterCount).toBe(9);
    expect(network.spec.input).toEqual([2]);
    expect([...network.parameters()]).toEqual([1, 3, -2, 4, 0.5, -0.5, 2, -1, 0.25]);
    expect(network.layout.map((entry) => entry.name)).toEqual(['w0', 'b0', 'w1', 'b1']);
    const outputs = [...(await network.predict([[1, 1]]))];
    expect(outputs).toEqual([2 * 4.5 - 1.5 + 0.25]);
    expect(outputs, name).toEqual(await runtimeOutputs(modelBytes(parts), [1, 1], [1, 2]));
  });

  it('the unused initializer is mentioned once', () => {
    const { notes } = parse(four['one initializer more'] ?? { nodes: [] });
    expect(notes).toEqual(["Not used by the output, so no parameter: 'spare'."]);
  });

  it('weights without values look like inputs, and the refusal says so', () => {
    const empty = model({ ...four['among the inputs too (IR 3)'], nodes: layers, tensors: {} });
    expect(refusalOf(bytesOf(empty))).toMatch(
      /the graph has 5 inputs; exactly one is supported; weights without values come from export_params=False/,
    );
  });
});
