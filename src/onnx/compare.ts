// A network beside ONNX Runtime: the same inputs, and how far the outputs are apart.

import * as v from 'valibot';

import type { Dataset } from '../data/dataset.js';
import type { DType } from '../data/dtype.js';
import { filePath, readFileBytes } from '../data/file-bytes.js';
import { createRandom } from '../data/random.js';
import type { SampleRows } from '../data/sample-rows.js';
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
 *  within about 1e-5·max(1, |y|). Needs the package onnxruntime-node, which is loaded here only.
 *
 *  A softmax or sigmoid at the end of the model, which `importOnnx` drops because the loss applies it, is
 *  applied to the network's outputs before they are compared; `ending` says so. Of several outputs the one
 *  that `importOnnx` reads is compared: labels are left out, and of scikit-learn's ZipMap what it wraps.
 *
 *  @throws EigenscapeError ERR_ONNX_RUNTIME when onnxruntime-node is not installed or refuses the model;
 *  ERR_SHAPE when model or inputs do not fit the network; ERR_DATA when the file cannot be read
 *  @example const { maximumDifference } = await compareWithOnnxRuntime(network, { model: 'm.onnx' }) */
export async function compareWithOnnxRuntime(
  network: Network,
  options: CompareOptions = {},
): Promise<OnnxComparison> {
  const call = 'compareWithOnnxRuntime';
  requireNetwork(call, network);
  const { samples, seed, ...given } = parseOptions(call, optionsSchema, options);
  const { signal, threads, onProgress } = given;
  // All that the caller may change meanwhile is copied before the first pause.
  using copy = network.clone();
  const rows = options.inputs ?? randomRows(network, samples, seed);
  const values = network.inputValues(call, rows);
  const { source, bytes } = await modelOf(copy, given.model);
  const { decodeModel, runtimeOutputs, signatureOf, unwrapped } = await import('./comparison.js');
  const proto = decodeModel(bytes);
  const signature = signatureOf(proto);
  const inputs = rounded(values, [signature.input.dtype, network.dtype].includes('float32'));
  const sampleShape = network.spec.input;
  const sampleCount = inputs.length / sampleShape.reduce((product, size) => product * size, 1);
  const own = Float64Array.from(await copy.predict(inputs, { signal, threads, onProgress }));
  const ending = endingBehind(network, signature.ending);
  const outputs = withEnding(own, network.outputCount, ending);
  const outputCount = outputs.length / sampleCount;
  const model = signature.isWrapped ? unwrapped(proto, signature) : source;
  const task = { model, signature, inputs, sampleCount, sampleShape, outputCount, signal };
  const expected = await runtimeOutputs(task);
  return {
    ...differences(outputs, expected, outputCount),
    sampleCount,
    outputCount,
    dtype: signature.input.dtype,
    ending,
    outputs,
    runtimeOutputs: expected,
  };
}

function randomRows(network: Network, samples: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const size = network.spec.input.reduce((product, length) => product * length, 1);
  return Float64Array.from({ length: samples * size }, () => random.normal());
}

/** What the runtime opens, and the bytes of it. */
async function modelOf(network: Network, model: CompareOptions['model']) {
  if (model === undefined) {
    const bytes = await exportOnnx(network, { dtype: 'float32' });
    return { source: bytes, bytes };
  }
  if (model instanceof Uint8Array) {
    const bytes = model.slice();
    return { source: bytes, bytes };
  }
  const path = filePath(model);
  return { source: path, bytes: await readFileBytes(path) };
}

function rounded(values: Float64Array | Float32Array, toFloat32: boolean) {
  return toFloat32 ? Float32Array.from(values) : Float64Array.from(values);
}

/** What the model applies behind the network: a sigmoid may as well be the network's own last layer. */
function endingBehind(network: Network, ending: OnnxEnding): OnnxEnding {
  return network.spec.layers.at(-1)?.type === ending ? 'none' : ending;
}

/** The rows behind the ending, in float64. */
function withEnding(outputs: Float64Array, width: number, ending: OnnxEnding): Float64Array {
  switch (ending) {
    case 'none':
      return outputs;
    case 'sigmoid':
      return outputs.map(sigmoid);
    case 'binaryProbabilities':
      return Float64Array.from([...outputs].flatMap((z) => [sigmoid(-z), sigmoid(z)]));
    default:
      return normalizedRows(outputs, width, ending);
  }
}

function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

function normalizedRows(
  outputs: Float64Array,
  width: number,
  ending: 'softmax' | 'logSoftmax',
): Float64Array {
  const result = outputs.slice();
  for (let first = 0; first < result.length; first += width) {
    const row = result.subarray(first, first + width);
    const largest = row.reduce((most, z) => Math.max(most, z), -Infinity);
    const logSum = largest + Math.log(row.reduce((sum, z) => sum + Math.exp(z - largest), 0));
    row.forEach((z, index) => {
      row[index] = ending === 'softmax' ? Math.exp(z - logSum) : z - logSum;
    });
  }
  return result;
}

function differences(outputs: Float64Array, expected: Float64Array, width: number) {
  let maximumDifference = 0;
  let maximumScaledDifference = 0;
  let worst = 0;
  outputs.forEach((y, index) => {
    const r = expected[index] ?? NaN;
    const difference = Math.abs(y - r);
    const scaled = difference / Math.max(1, Math.abs(r));
    maximumDifference = Math.max(maximumDifference, difference);
    // NaN counts as larger than any number, the first one as the worst.
    if (Number.isNaN(maximumScaledDifference) || scaled <= maximumScaledDifference) return;
    maximumScaledDifference = scaled;
    worst = index;
  });
  const place = { sample: Math.floor(worst / width), output: worst % width };
  return { maximumDifference, maximumScaledDifference, worst: place };
}
