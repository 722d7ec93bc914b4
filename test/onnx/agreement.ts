// The law of every importer: the network gives what ONNX Runtime gives for the file.

import { expect } from 'vitest';
import { isEigenscapeError } from '../../src/errors.js';
import { compareWithOnnxRuntime, type CompareOptions } from '../../src/onnx/compare.js';
import { importOnnx } from '../../src/onnx/import.js';
import type { Network } from '../../src/network/network.js';
import type { LossSpec } from '../../src/network/spec.js';
import { modelBytes, type ModelParts } from './model-builder.js';
import { runtimeOutputs } from './onnx-runtime.js';

/** Numbers that repeat nowhere. */
export const numbers = (count: number, phase = 1) =>
  Array.from({ length: count }, (_, i) => Math.sin(3 * i + phase));

/** The outputs for three samples of this shape, to 1e-5·max(1, |y|); gives the network. */
export async function expectAgreement(
  parts: ModelParts,
  sample: readonly number[],
  loss: LossSpec = 'meanSquaredError',
) {
  const bytes = modelBytes(parts);
  const notes: string[] = [];
  const network = await importOnnx(bytes, { loss, onNote: (note) => notes.push(note) });
  const size = sample.reduce((product, length) => product * length, 1);
  const inputs = numbers(3 * size);
  const rows = [0, 1, 2].map((n) => inputs.slice(n * size, (n + 1) * size));
  const outputs = await network.predict(rows);
  const expected = await runtimeOutputs(bytes, inputs, [3, ...sample]);
  expect(outputs).toHaveLength(expected.length);
  expected.forEach((value, index) => {
    const error = Math.abs((outputs[index] ?? NaN) - value);
    expect(error, `output ${index}`).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
  });
  return { network, notes };
}

/** The comparison of a network with its file, or with its own float32 export where ONNX Runtime has no
 *  float64 kernel for a node of the file; the scaled difference is below 1e-5. */
export async function expectRuntimeAgreement(
  network: Network,
  file: string,
  inputs?: CompareOptions['inputs'],
) {
  const result = await compareWithOnnxRuntime(network, { model: file, inputs }).catch(
    (error: unknown) => {
      const lacksKernel =
        file.includes('float64') &&
        isEigenscapeError(error) &&
        /Could not find an implementation for (Conv|Erf|Softplus)\(/.test(error.message);
      if (!lacksKernel) throw error;
      return compareWithOnnxRuntime(network, { inputs });
    },
  );
  expect(result.maximumScaledDifference).toBeLessThan(1e-5);
  return result;
}
