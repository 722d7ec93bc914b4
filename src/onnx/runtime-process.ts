// The process that runtime.ts starts: opens a model with ONNX Runtime, runs it, and tells the outputs.

import { readSync } from 'node:fs';

import type { InferenceSession } from 'onnxruntime-node';

import { allocate } from '../data/dtype.js';
import { readFileBytes } from '../data/file-bytes.js';
import { EigenscapeError } from '../errors.js';
import type { Order, Report, RuntimeTask } from './runtime.js';

type Runtime = typeof import('onnxruntime-node');

// Entries of the inputs, or of the outputs, of one run.
const entriesPerRun = 2 ** 18;
// Of the inputs in one reading: Node counts them in 32 bits.
const bytesPerReading = 2 ** 30;
// Of the outputs in one message: a fraction of a millisecond for the one who reads it.
const entriesPerReport = 2 ** 16;

process.once('message', (order) => {
  void answer(order as Order);
});
// Whoever asked is gone.
process.once('disconnect', () => process.exit());
// Control-C goes to all processes of a terminal: whether this one is to end, the other one decides.
process.on('SIGINT', () => undefined);

async function answer(order: Order): Promise<void> {
  try {
    await runAll(taskOf(order));
    await tell({ kind: 'done' });
  } catch (error) {
    if (!(error instanceof EigenscapeError)) throw error;
    const { code, message, details, cause } = error;
    await tell({ kind: 'failure', code, message, details, cause });
  }
}

function tell(report: Report): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(report, undefined, undefined, () => {
      resolve();
    });
  });
}

function taskOf({ model, inputs, ...rest }: Order): RuntimeTask {
  const bytes = typeof model === 'string' ? model : fromInput(new Uint8Array(model.byteLength));
  return { ...rest, model: bytes, inputs: fromInput(allocate(inputs.dtype, inputs.length)) };
}

/** The array, filled from the standard input. Nothing else is to be done meanwhile. */
function fromInput<Numbers extends Uint8Array | RuntimeTask['inputs']>(numbers: Numbers): Numbers {
  let offset = 0;
  while (offset < numbers.byteLength) {
    const length = Math.min(bytesPerReading, numbers.byteLength - offset);
    const count = readSync(0, numbers, offset, length, null);
    // Whoever asked is gone.
    if (count === 0) process.exit();
    offset += count;
  }
  return numbers;
}

async function runAll(task: RuntimeTask): Promise<void> {
  const batch = batchOf(task);
  const runtime = await loadRuntime();
  const session = await openSession(runtime, await fileOf(task));
  for (let first = 0; first < task.sampleCount; first += batch.size) {
    const rows = await runBatch(runtime, session, { task, batch, first });
    const count = Math.min(batch.size, task.sampleCount - first);
    const outputs = rows.subarray(0, count * task.outputCount);
    for (let from = 0; from < outputs.length; from += entriesPerReport) {
      const values = Float64Array.from(outputs.subarray(from, from + entriesPerReport));
      await tell({ kind: 'outputs', first: first * task.outputCount + from, values });
    }
  }
}

/** What the runtime opens. */
async function fileOf({ model, signature }: RuntimeTask): Promise<string | Uint8Array> {
  if (!signature.isWrapped) return model;
  const [{ decodeModel }, { unwrapped }] = await Promise.all([
    import('./graph.js'),
    import('./signature.js'),
  ]);
  const bytes = typeof model === 'string' ? await readFileBytes(model) : model;
  return unwrapped(decodeModel(bytes), signature);
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
  const { signature, sampleShape, inputs, sampleCount, outputCount } = task;
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
  const samples = fixed ?? Math.max(1, Math.floor(entriesPerRun / Math.max(size, outputCount)));
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
