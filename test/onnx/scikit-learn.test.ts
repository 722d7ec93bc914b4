// Graphs as skl2onnx writes scikit-learn's perceptrons, built by hand.

import { describe, expect, it } from 'vitest';
import { compareWithOnnxRuntime } from '../../src/onnx/compare.js';
import { importOnnx } from '../../src/onnx/import.js';
import { TensorProto_DataType as DataType } from '../../src/onnx/onnx_pb.js';
import { expectAgreement, numbers } from './agreement.js';
import { bytesOf, int64Tensor, model, node, tensor, type ModelParts } from './model-builder.js';
import { refusalOf } from './refusal.js';

describe('scikit-learn’s MLPClassifier and MLPRegressor', () => {
  const body = (outputs: number, activation: string): Pick<ModelParts, 'nodes' | 'tensors'> => ({
    nodes: [
      node('Cast', ['x'], 'cast_input', { to: DataType.FLOAT }),
      node('MatMul', ['cast_input', 'coefficient'], 'mul_result'),
      node('Add', ['mul_result', 'intercepts'], 'add_result'),
      node(activation, ['add_result'], 'next_activations'),
      node('MatMul', ['next_activations', 'coefficient1'], 'mul_result1'),
      node('Add', ['mul_result1', 'intercepts1'], 'add_result1'),
    ],
    tensors: {
      coefficient: tensor([2, 4], numbers(8)),
      intercepts: tensor([1, 4], numbers(4)),
      coefficient1: tensor([4, outputs], numbers(4 * outputs)),
      intercepts1: tensor([1, outputs], numbers(outputs)),
    },
  });
  const labels = [
    node('ArgMax', ['probabilities'], 'argmax_output', { axis: 1 }),
    node('ai.onnx.ml:ArrayFeatureExtractor', ['classes', 'argmax_output'], 'extracted'),
    node('Cast', ['extracted'], 'output_label', { to: DataType.INT64 }),
  ];
  /** The label is an output of integers, beside the probabilities. */
  const classifier = (parts: Pick<ModelParts, 'nodes' | 'tensors'>, probabilities: string) => {
    const nodes = [...parts.nodes, ...labels];
    const tensors = { ...parts.tensors, classes: int64Tensor([3], [0, 1, 2]) };
    const proto = model({ nodes, tensors, outputs: ['output_label', probabilities] });
    const type = proto.graph?.output[0]?.type?.value;
    if (type?.case === 'tensorType') type.value.elemType = DataType.INT64;
    return bytesOf(proto);
  };
  const three = body(3, 'Relu');
  const softmax = [
    node('Softmax', ['add_result1'], 'out_activations_result'),
    node('Identity', ['out_activations_result'], 'probabilities'),
  ];

  it.each(['probabilities', 'output_probability'])(
    'three classes, %s: labels are left out, the softmax is left to the loss',
    async (output) => {
      const zipMap = node('ai.onnx.ml:ZipMap', ['probabilities'], 'output_probability', {
        classlabels_int64s: [0, 1, 2],
      });
      const nodes = [...three.nodes, ...softmax, ...(output === 'probabilities' ? [] : [zipMap])];
      const notes: string[] = [];
      const file = classifier({ ...three, nodes }, output);
      const network = await importOnnx(file, {
        loss: 'softmaxCrossEntropy',
        onNote: (note) => notes.push(note),
      });
      expect(network.spec.layers.map(({ type }) => type)).toEqual(['dense', 'relu', 'dense']);
      expect(network.layout.map(({ name }) => name)).toEqual([
        ...['coefficient', 'intercepts', 'coefficient1', 'intercepts1'],
      ]);
      expect(notes).toContain("Left out: the output 'output_label', which holds labels.");
      expect(notes.join()).toMatch(/Softmax 'softmax_of_add_result1' at the end is dropped/);
      const logits = await expectAgreement(
        { ...three, nodes: [...three.nodes, node('Identity', ['add_result1'], 'y')] },
        [2],
      );
      const rows = [numbers(2), numbers(2, 5)];
      expect(await network.predict(rows)).toEqual(await logits.network.predict(rows));
      const compared = await compareWithOnnxRuntime(network, { model: file });
      expect(compared).toMatchObject({ ending: 'softmax', outputCount: 3, sampleCount: 64 });
      expect(compared.maximumDifference).toBeLessThan(1e-6);
    },
  );

  const pair = [
    node('Sigmoid', ['add_result1'], 'p'),
    node('Sub', ['unity', 'p'], 'negative_class_proba'),
    node('Concat', ['negative_class_proba', 'p'], 'probabilities', { axis: 1 }, 'both'),
  ];
  const two = body(1, 'Tanh');
  const binary = classifier(
    { nodes: [...two.nodes, ...pair], tensors: { ...two.tensors, unity: tensor([], [1]) } },
    'probabilities',
  );

  it('two classes: [1 − p, p] is the one logit of binary cross-entropy', async () => {
    const notes: string[] = [];
    const network = await importOnnx(binary, {
      loss: 'binaryCrossEntropy',
      onNote: (note) => notes.push(note),
    });
    expect(network.outputCount).toBe(1);
    expect(network.spec.layers.map(({ type }) => type)).toEqual(['dense', 'tanh', 'dense']);
    expect(notes.join()).toMatch(/Concat 'both' of 1 − p and p at the end is dropped.*Sigmoid/);
    const compared = await compareWithOnnxRuntime(network, { model: binary });
    expect(compared).toMatchObject({ ending: 'binaryProbabilities', outputCount: 2 });
    expect(compared.runtimeOutputs).toHaveLength(2 * 64);
    expect(compared.maximumDifference).toBeLessThan(1e-6);
  });

  it('two classes under another loss are refused by name', () => {
    expect(refusalOf(binary, { loss: 'softmaxCrossEntropy' })).toMatch(
      /Concat 'both': of 1 − p and p is supported only .* binaryCrossEntropy; the loss is softmax/,
    );
  });

  it('a regressor ends in Identity and a Reshape to one column', async () => {
    const parts = body(1, 'Sigmoid');
    await expectAgreement(
      {
        nodes: [
          ...parts.nodes,
          node('Identity', ['add_result1'], 'out'),
          node('Reshape', ['out', 'shape'], 'y'),
        ],
        tensors: { ...parts.tensors, shape: int64Tensor([2], [-1, 1]) },
      },
      [2],
    );
  });

  it('a pipeline’s Scaler is refused by name', () => {
    const nodes = [
      node('ai.onnx.ml:Scaler', ['x'], 's', {}, 'scale'),
      node('Gemm', ['s', 'w'], 'y'),
    ];
    expect(refusalOf({ nodes, tensors: { w: tensor([2, 2], numbers(4)) } })).toMatch(
      /^ERR_ONNX_UNSUPPORTED: .*ai\.onnx\.ml:Scaler 'scale': no layer of this library computes it/,
    );
  });

  it('labels alone are refused', () => {
    const proto = model({
      nodes: [...three.nodes, ...softmax, ...labels],
      outputs: ['output_label'],
      tensors: { ...three.tensors, classes: int64Tensor([3], [0, 1, 2]) },
    });
    expect(refusalOf(bytesOf(proto))).toMatch(/ArgMax .*: no layer of this library computes it/);
  });
});
