// ONNX Runtime as an oracle for what a file computes.

import { InferenceSession, Tensor } from 'onnxruntime-node';

/** The first output of a float32 model with one input, for a batch of this shape. */
export async function runtimeOutputs(
  model: string | Uint8Array,
  inputs: readonly number[],
  shape: readonly number[],
): Promise<number[]> {
  return outputsOf(await runtimeSession(model), inputs, shape);
}

/** Fails where the runtime does not load the model. */
export async function runtimeSession(model: string | Uint8Array): Promise<InferenceSession> {
  const options = { logSeverityLevel: 4, intraOpNumThreads: 1 } as const;
  return typeof model === 'string'
    ? InferenceSession.create(model, options)
    : InferenceSession.create(model, options);
}

export async function outputsOf(
  session: InferenceSession,
  inputs: readonly number[],
  shape: readonly number[],
): Promise<number[]> {
  const [input = ''] = session.inputNames;
  const [output = ''] = session.outputNames;
  const results = await session.run({
    [input]: new Tensor('float32', Float32Array.from(inputs), shape),
  });
  const data = results[output]?.data;
  if (!(data instanceof Float32Array)) throw new Error('the runtime gave no float32 tensor');
  return [...data];
}
