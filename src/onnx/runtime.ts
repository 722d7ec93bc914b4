// ONNX Runtime, which users install themselves if they want it.

import type { InferenceSession } from 'onnxruntime-node';

import { allocate, type ArrayOf, type DType } from '../data/dtype.js';
import { EigenscapeError } from '../errors.js';
import { throwIfAborted } from '../long-call.js';
import type { Signature } from './signature.js';

type Runtime = typeof import('onnxruntime-node');

/** One model, and the rows that it is to read. */
export interface RuntimeTask {
  /** A path, beside which external data lies, or bytes. */
  readonly model: string | Uint8Array;
  readonly signature: Signature;
  /** [sampleCount, size of a sample], of the input's type. */
  readonly inputs: ArrayOf[DType];
  readonly sampleCount: number;
  /** Shape of one sample where the file leaves it open. */
  readonly sampleShape: readonly number[];
  readonly outputCount: number;
  readonly signal: AbortSignal | undefined;
}

// A run holds the event loop: between two of them others have their turn. Entries of the inputs of one.
const entriesPerRun = 2 ** 18;

/** The outputs [sampleCount, outputCount].
 *  @throws EigenscapeError ERR_ONNX_RUNTIME when the runtime is not installed or refuses the model;
 *  ERR_SHAPE when the model reads or gives other shapes; ERR_ABORTED */
export async function runtimeOutputs(task: RuntimeTask): Promise<Float64Array> {
  const batch = batchOf(task);
  const runtime = await loadRuntime();
  const session = await openSession(runtime, task.model);
  try {
    const outputs = new Float64Array(task.sampleCount * task.outputCount);
    for (let first = 0; first < task.sampleCount; first += batch.size) {
      throwIfAborted(task.signal);
      const rows = await runBatch(runtime, session, { task, batch, first });
      const left = outputs.length - first * task.outputCount;
      outputs.set(rows.subarray(0, Math.min(rows.length, left)), first * task.outputCount);
    }
    return outputs;
  } finally {
    await session.release();
  }
}

async function loadRuntime(): Promise<Runtime> {
  try {
    return await import('onnxruntime-node');
  } catch (cause) {
    const absent =
      cause instanceof Error && 'code' in cause && String(cause.code).includes('NOT_FOUND');
    const reason = absent ? 'is not installed' : `cannot be loaded (${messageOf(cause)})`;
    throw new EigenscapeError(
      'ERR_ONNX_RUNTIME',
      `compareWithOnnxRuntime: onnxruntime-node ${reason}; to have it: npm install onnxruntime-node`,
      { cause, details: { call: 'compareWithOnnxRuntime', package: 'onnxruntime-node', reason } },
    );
  }
}

async function openSession({ InferenceSession: Session }: Runtime, model: string | Uint8Array) {
  // Operators as the file has them, not fused ones, some of which have no float64 kernel; errors are thrown,
  // not printed.
  const open = (graphOptimizationLevel: 'basic' | 'disabled') => {
    const options = { graphOptimizationLevel, logSeverityLevel: 4 } as const;
    return typeof model === 'string'
      ? Session.create(model, options)
      : Session.create(model, options);
  };
  try {
    // Where its own optimizer fails, the file may still run as it is.
    return await open('basic').catch(async (cause: unknown) => {
      return open('disabled').catch(() => {
        throw cause;
      });
    });
  } catch (cause) {
    const helps = messageOf(cause).includes('find an implementation')
      ? "; it has most kernels for float32 only: exportOnnx(network, { dtype: 'float32' }) writes that"
      : '';
    throw refused('load', cause, helps);
  }
}

interface Batch {
  readonly size: number;
  readonly shape: readonly number[];
}

/** The shape to feed: what the file fixes, and else the network's. */
function batchOf(task: RuntimeTask): Batch {
  const { signature, sampleShape, inputs, sampleCount } = task;
  const size = inputs.length / sampleCount;
  const open: readonly (number | undefined)[] = [undefined, ...sampleShape];
  const [fixed, ...axes] = signature.input.shape ?? open;
  const shape = axes.map((length, axis) => length ?? sampleShape[axis] ?? 1);
  if (shape.reduce((product, length) => product * length, 1) !== size) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `compareWithOnnxRuntime: the model reads samples of shape [${shape.join(', ')}], the network ` +
        `[${sampleShape.join(', ')}]; expected the model that the network came from`,
      { details: { model: shape, network: sampleShape } },
    );
  }
  const samples = fixed ?? Math.max(1, Math.floor(entriesPerRun / size));
  return { size: fixed ?? Math.min(samples, sampleCount), shape };
}

async function runBatch(
  { Tensor }: Runtime,
  session: InferenceSession,
  {
    task,
    batch,
    first,
  }: { readonly task: RuntimeTask; readonly batch: Batch; readonly first: number },
): Promise<Float32Array | Float64Array> {
  const { signature, inputs, sampleCount, outputCount } = task;
  const width = inputs.length / sampleCount;
  const count = Math.min(batch.size, sampleCount - first);
  // A model for a fixed number of samples gets zeros where the data ends.
  const fixed = signature.input.shape?.[0];
  const samples = fixed ?? count;
  const { dtype, name } = signature.input;
  const rows = allocate(dtype, samples * width);
  rows.set(inputs.subarray(first * width, (first + count) * width));
  const feed = new Tensor(rows, [samples, ...batch.shape]);
  const results = await session
    .run({ [name]: feed }, [signature.output])
    .catch((cause: unknown) => {
      throw refused('run', cause);
    });
  const data = results[signature.output]?.data;
  const isFloating = data instanceof Float32Array || data instanceof Float64Array;
  if (isFloating && data.length === samples * outputCount) return data;
  const given = results[signature.output];
  throw new EigenscapeError(
    'ERR_SHAPE',
    `compareWithOnnxRuntime: the model gives ${given?.type ?? 'nothing'} of shape ` +
      `[${given?.dims.join(', ') ?? ''}] for ${samples} samples; expected float32 or float64 of ` +
      `[${samples}, ${outputCount}], as the network's outputs`,
    { details: { outputCount } },
  );
}

function refused(what: 'load' | 'run', cause: unknown, helps = ''): EigenscapeError {
  return new EigenscapeError(
    'ERR_ONNX_RUNTIME',
    `compareWithOnnxRuntime: ONNX Runtime cannot ${what} the model: ${messageOf(cause)}${helps}`,
    { cause, details: { call: 'compareWithOnnxRuntime', step: what } },
  );
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
