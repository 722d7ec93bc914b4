// A network beside ONNX Runtime: the same inputs, and how far the outputs are apart.

import * as v from 'valibot';

import type { Dataset } from '../data/dataset.js';
import { keep } from '../copies.js';
import { allocate, type ArrayOf, type DType } from '../data/dtype.js';
import { filePath, readFileBytes } from '../data/file-bytes.js';
import { createRandom } from '../data/random.js';
import type { SampleRows } from '../data/sample-rows.js';
import { inPieces } from '../in-pieces.js';
import { throwIfAborted } from '../long-call.js';
import type { NativeArray } from '../native.js';
import { requireNetwork, type Network } from '../network/network.js';
import {
  longCallEntries,
  optionsOf,
  parseOptions,
  positiveInteger,
  seedOption,
} from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { exportOnnx } from './export.js';
import type { OnnxEnding } from './ending.js';
import { withEnding } from './with-ending.js';

export type { OnnxEnding } from './ending.js';

/** Options of {@link compareWithOnnxRuntime}. */
export interface CompareOptions extends LongCallOptions {
  /** The ONNX file that the network came from, as a path, a file: URL or bytes; default: the network's own
   *  export in float32, the precision that ONNX Runtime has kernels for. */
  readonly model?: string | URL | Uint8Array | undefined;
  /** Samples in any form that `predict` takes; default: random normal numbers. */
  readonly inputs?: SampleRows | Dataset | undefined;
  /** How many random samples; default 64. */
  readonly samples?: number | undefined;
  /** Of the random samples; default 0. */
  readonly seed?: number | undefined;
}

/** What {@link compareWithOnnxRuntime} resolves to. */
export interface OnnxComparison {
  /** max |y − r|, with y the network's outputs and r ONNX Runtime's. */
  readonly maximumDifference: number;
  /** max |y − r| / max(1, |r|); NaN, as above, where an output is no number. */
  readonly maximumScaledDifference: number;
  /** Where the scaled difference is largest. */
  readonly worst: { readonly sample: number; readonly output: number };
  readonly sampleCount: number;
  /** Numbers per sample that were compared: the network's outputs, or 2 for 'binaryProbabilities'. */
  readonly outputCount: number;
  /** The precision of the model's input, to which the inputs were rounded for both. */
  readonly dtype: DType;
  /** What the model applies behind the network's outputs: importOnnx leaves it to the loss. It was applied
   *  to the network's outputs too, so that y and r are probabilities (or their logarithms). */
  readonly ending: OnnxEnding;
  /** y [sampleCount, outputCount], row-major. */
  readonly outputs: Float64Array;
  /** r [sampleCount, outputCount], row-major. */
  readonly runtimeOutputs: Float64Array;
}

const optionsSchema = optionsOf({
  model: v.optional(
    v.custom<string | URL | Uint8Array>(
      (model) => typeof model === 'string' || model instanceof URL || model instanceof Uint8Array,
      'the path, file: URL or bytes of an ONNX file',
    ),
  ),
  inputs: v.optional(v.unknown()),
  samples: v.optional(positiveInteger, 64),
  seed: seedOption,
  ...longCallEntries,
});

/** Runs the network and ONNX Runtime on the same inputs. In float32 the outputs of a sound model agree
 *  within about 1e-5·max(1, |y|). Needs the package onnxruntime-node, which nothing else does.
 *
 *  A softmax or sigmoid at the end of the model, which `importOnnx` drops because the loss applies it, is
 *  applied to the network's outputs before they are compared; `ending` says so. Of several outputs the one
 *  that `importOnnx` reads is compared: labels are left out, and of scikit-learn's ZipMap what it wraps.
 *
 *  ONNX Runtime opens and runs the model in a process of its own, so that the event loop is free meanwhile.
 *
 *  @throws EigenscapeError ERR_ONNX_RUNTIME when onnxruntime-node is not installed or refuses the model;
 *  ERR_ABORTED; ERR_SHAPE when model or inputs do not fit the network; ERR_DATA when the file cannot be read
 *  @example const { maximumDifference } = await compareWithOnnxRuntime(network, { model: 'm.onnx' }) */
export async function compareWithOnnxRuntime(
  network: Network,
  options: CompareOptions = {},
): Promise<OnnxComparison> {
  const call = 'compareWithOnnxRuntime';
  requireNetwork(call, network);
  const { samples, seed, ...given } = parseOptions(call, optionsSchema, options);
  const { signal, threads, onProgress } = given;
  throwIfAborted(signal);
  // All that the caller may change meanwhile is copied before the first pause.
  using copy = network.clone();
  const chosen = options.inputs === undefined ? undefined : copy.inputValues(call, options.inputs);
  const open = modelOpener(copy, given.model);
  const values = chosen ?? (await randomRows(copy, { samples, seed }, signal));
  const { source, bytes } = await open(signal);
  const { decodeModel, runtimeOutputs, signatureOf } = await import('./comparison.js');
  const signature = signatureOf(decodeModel(bytes));
  const dtype = [signature.input.dtype, network.dtype].includes('float32') ? 'float32' : 'float64';
  const inputs = await roundedInputs(copy, values, { dtype, signal });
  const sampleShape = network.spec.input;
  const sampleCount = inputs.length / sampleShape.reduce((product, size) => product * size, 1);
  const rows = { values: inputs, count: sampleCount };
  const own = await copy.predictRows(rows, { signal, threads, onProgress });
  const ending = endingBehind(network, signature.ending);
  const plain = await inPrecision('float64', own, signal);
  const outputs = await withEnding(plain, { ending, width: network.outputCount }, signal);
  const outputCount = outputs.length / sampleCount;
  const task = { model: source, signature, inputs, sampleCount, sampleShape, outputCount };
  const expected = await runtimeOutputs(task, signal);
  return {
    ...(await differences(outputs, { expected, width: outputCount }, signal)),
    sampleCount,
    outputCount,
    dtype: signature.input.dtype,
    ending,
    outputs,
    runtimeOutputs: expected,
  };
}

/** Normal numbers, which only who asks for many samples waits for. */
async function randomRows(
  { spec }: Network,
  { samples, seed }: { readonly samples: number; readonly seed: number },
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  const random = createRandom(seed);
  const size = spec.input.reduce((product, length) => product * length, 1);
  const rows = new Float64Array(samples * size);
  await inPieces(rows.length, signal, (first, last) => {
    for (let index = first; index < last; index += 1) rows[index] = random.normal();
  });
  return rows;
}

/** Copies bytes at once. What is returned gives what the runtime opens, and the bytes of it. */
function modelOpener(network: Network, model: CompareOptions['model']) {
  const kept = model instanceof Uint8Array ? keep<Uint8Array>(model) : undefined;
  return async (signal: AbortSignal | undefined) => {
    if (typeof model === 'string' || model instanceof URL) {
      const path = filePath(model);
      return { source: path, bytes: await readFileBytes(path, { signal }) };
    }
    const bytes =
      (await kept?.((length) => new Uint8Array(length), signal)) ??
      (await exportOnnx(network, { dtype: 'float32', signal }));
    return { source: bytes, bytes };
  };
}

/** The inputs as both read them.
 *  @throws EigenscapeError ERR_DATA for one that float32 cannot hold */
async function roundedInputs(
  network: Network,
  values: NativeArray,
  { dtype, signal }: { readonly dtype: DType; readonly signal: AbortSignal | undefined },
): Promise<NativeArray> {
  const inputs = await inPrecision(dtype, values, signal);
  let refused = 0;
  await inPieces(inputs.length, signal, (first, last) => {
    if (!inputs.subarray(first, last).every(Number.isFinite)) refused += 1;
  });
  // In the words of every call that reads inputs.
  return refused === 0 ? inputs : network.inputValues('compareWithOnnxRuntime', inputs);
}

/** The same numbers, rounded if need be. */
async function inPrecision<D extends DType>(
  dtype: D,
  values: NativeArray,
  signal: AbortSignal | undefined,
): Promise<ArrayOf[D]> {
  const result = allocate(dtype, values.length);
  await inPieces(values.length, signal, (first, last) => {
    result.set(values.subarray(first, last), first);
  });
  return result;
}

/** What the model applies behind the network: a sigmoid may as well be the network's own last layer. */
function endingBehind(network: Network, ending: OnnxEnding): OnnxEnding {
  return network.spec.layers.at(-1)?.type === ending ? 'none' : ending;
}

async function differences(
  outputs: Float64Array,
  { expected, width }: { readonly expected: Float64Array; readonly width: number },
  signal: AbortSignal | undefined,
) {
  let maximumDifference = 0;
  let maximumScaledDifference = 0;
  let worst = 0;
  const compare = (index: number) => {
    const r = expected[index] ?? NaN;
    const difference = Math.abs((outputs[index] ?? NaN) - r);
    const scaled = difference / Math.max(1, Math.abs(r));
    maximumDifference = Math.max(maximumDifference, difference);
    // NaN counts as larger than any number, the first one as the worst.
    if (Number.isNaN(maximumScaledDifference) || scaled <= maximumScaledDifference) return;
    maximumScaledDifference = scaled;
    worst = index;
  };
  await inPieces(outputs.length, signal, (first, last) => {
    for (let index = first; index < last; index += 1) compare(index);
  });
  const place = { sample: Math.floor(worst / width), output: worst % width };
  return { maximumDifference, maximumScaledDifference, worst: place };
}
