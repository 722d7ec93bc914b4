// Small models: a product of matrices, and what a test puts behind it.

import { expect } from 'vitest';

import { parseOnnx } from '../../src/onnx/parse.js';
import { modelBytes, node, tensor, type ModelParts } from './model-builder.js';
import { naiveForward } from './naive-forward.js';
import { runtimeOutputs } from './onnx-runtime.js';

export const parse = (parts: ModelParts) =>
  parseOnnx(modelBytes(parts), { loss: 'meanSquaredError' });
export const weight = tensor([2, 3], [1, -1, 0.5, 0.25, 2, -3]);
export const sample = [0.75, -0.5];
/** x·w under what follows, whose last output is y. */
export const after = (
  nodes: ModelParts['nodes'],
  tensors: ModelParts['tensors'] = {},
): ModelParts => ({
  nodes: [node('MatMul', ['x', 'w'], 'h'), ...nodes],
  tensors: { w: weight, ...tensors },
});
export const layersOf = (parts: ModelParts) =>
  parse(parts).spec.layers.map(({ name: _, ...rest }) => rest);

export async function expectRuntimeOutputs(parts: ModelParts, input = sample, shape = [1, 2]) {
  const outputs = await runtimeOutputs(modelBytes(parts), input, shape);
  naiveForward(parse(parts), input).forEach((output, index) => {
    expect(outputs[index]).toBeCloseTo(output, 5);
  });
}
