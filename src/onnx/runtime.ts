// ONNX Runtime, which users install themselves if they want it, in a process of its own. It opens and runs models
// on the thread that calls it, and in a worker thread it ends the whole process when that is terminated or the
// process exits meanwhile (onnxruntime-node 1.30). A process can be killed at any point.

import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { ArrayOf, DType } from '../data/dtype.js';
import {
  EigenscapeError,
  type EigenscapeErrorCode,
  type EigenscapeErrorDetails,
} from '../errors.js';
import { throwIfAborted, untilAborted } from '../long-call.js';
import type { Signature } from './signature.js';

/** One model, and the rows that it is to read. */
export interface RuntimeTask {
  /** A path, beside which external data lies, or bytes. */
  readonly model: string | Uint8Array;
  readonly signature: Signature;
  /** [sampleCount, size of a sample]. */
  readonly inputs: ArrayOf[DType];
  readonly sampleCount: number;
  /** Shape of one sample where the file leaves it open. */
  readonly sampleShape: readonly number[];
  readonly outputCount: number;
}

/** The same as the process gets it, bytes and inputs apart: they come by its standard input. */
export interface Order extends Omit<RuntimeTask, 'model' | 'inputs'> {
  readonly model: string | { readonly byteLength: number };
  readonly inputs: { readonly dtype: DType; readonly length: number };
}

/** What the process tells: outputs from one on, that these were all, or an error. */
export type Report =
  | { readonly kind: 'outputs'; readonly first: number; readonly values: Float64Array }
  | { readonly kind: 'done' }
  | {
      readonly kind: 'failure';
      readonly code: EigenscapeErrorCode;
      readonly message: string;
      readonly details: EigenscapeErrorDetails;
      readonly cause: unknown;
    };

// Compiled: also where this file is run from its source.
const program = fileURLToPath(new URL('../../dist/onnx/runtime-process.js', import.meta.url));

/** The outputs [sampleCount, outputCount].
 *  @throws EigenscapeError ERR_ONNX_RUNTIME when the runtime is not installed or refuses the model;
 *  ERR_SHAPE when the model reads or gives other shapes; ERR_ABORTED */
export async function runtimeOutputs(
  task: RuntimeTask,
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  throwIfAborted(signal);
  const child = start();
  try {
    return await untilAborted(outputsFrom(child, task), signal);
  } finally {
    child.kill('SIGKILL');
  }
}

function start(): ChildProcess {
  try {
    return fork(program, {
      // Flags of the caller's own program may not fit this one: --input-type, --inspect.
      execArgv: [],
      serialization: 'advanced',
      stdio: ['pipe', 'ignore', 'inherit', 'ipc'],
    });
  } catch (cause) {
    throw ended('cannot be started', cause);
  }
}

function outputsFrom(child: ChildProcess, task: RuntimeTask): Promise<Float64Array> {
  const outputs = new Float64Array(task.sampleCount * task.outputCount);
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      const report = message as Report;
      if (report.kind === 'outputs') outputs.set(report.values, report.first);
      else if (report.kind === 'done') resolve(outputs);
      else reject(new EigenscapeError(report.code, report.message, report));
    });
    child.on('error', (cause) => {
      reject(ended('cannot be started', cause));
    });
    // Behind its last message.
    child.on('close', (code, signal) => {
      reject(ended(`ended by ${signal ?? `exit code ${code ?? 'unknown'}`}`));
    });
    give(child, task);
  });
}

/** The standard input takes what is large from the arrays themselves, by and by. */
function give(child: ChildProcess, { model, inputs, ...rest }: RuntimeTask): void {
  // Without a file for its channel it has no send; the event of its failure tells why.
  if (child.pid === undefined) return;
  const { length } = inputs;
  const dtype = inputs instanceof Float32Array ? 'float32' : 'float64';
  const isFile = typeof model === 'string';
  const source = isFile ? model : { byteLength: model.byteLength };
  const order: Order = { ...rest, model: source, inputs: { dtype, length } };
  // Of a process that is gone, its end tells more than these failures.
  child.send(order, () => undefined);
  child.stdin?.on('error', () => undefined);
  if (!isFile) child.stdin?.write(model);
  child.stdin?.end(new Uint8Array(inputs.buffer, inputs.byteOffset, inputs.byteLength));
}

function ended(how: string, cause?: unknown): EigenscapeError {
  const reason = cause instanceof Error ? `${how} (${cause.message})` : how;
  return new EigenscapeError(
    'ERR_ONNX_RUNTIME',
    `compareWithOnnxRuntime: the process of ONNX Runtime ${reason}`,
    { cause, details: { call: 'compareWithOnnxRuntime', reason } },
  );
}
