// ONNX Runtime as an oracle for what a file computes.

import { InferenceSession, Tensor } from 'onnxruntime-node';

/** The first output of a float32 model with one input, for a batch of this shape. */
export async function runtimeOutputs(
  model: string | Uint8Array,
  inputs: readonly number[],
  shape: readonly number[],
): Promise<number[]> {
  const options = { logSeverityLevel: 4, intraOpNumThreads: 1 } as const;
  const session = await (typeof model === 'string'
    ? InferenceSession.create(model, options)
    : InferenceSession.create(model, options));
  const [input = ''] = session.inputNames;
  const [output = ''] = session.outputNames;
  const results = await session.run({
    [input]: new Tensor('float32', Float32Array.from(inputs), shape),
  });
  const data = results[output]?.data;
  if (!(data instanceof Float32Array)) throw new Error('the runtime gave no float32 tensor');
  return [...data];
}
