// The public import: an ONNX file → a network at the file's weights.

import * as v from 'valibot';

import type { DType } from '../data/dtype.js';
import { longCallEntries, optionsOf, parseOptions, wordOption } from '../options.js';
import { keep } from '../copies.js';
import { throwIfAborted } from '../long-call.js';
import type { LongCallOptions } from '../progress.js';
import { createNetworkFrom } from '../network/create-network.js';
import type { Network } from '../network/network.js';
import type { LossSpec } from '../network/spec.js';

/** Options of {@link importOnnx}. */
export interface ImportOnnxOptions<D extends DType = 'float64'> extends Pick<
  LongCallOptions,
  'signal' | 'onProgress'
> {
  /** ONNX holds no loss. A softmax at the end is dropped under softmaxCrossEntropy, a sigmoid under
   *  binaryCrossEntropy, as these losses apply them. */
  readonly loss: LossSpec;
  /** Precision of the network, whatever the file's is; default 'float64'. */
  readonly dtype?: D | undefined;
  /** Called for each thing that was dropped, folded into weights or not used, with a sentence about
   *  it; by default they are process warnings. */
  readonly onNote?: ((note: string) => void) | undefined;
}

const optionsSchema = optionsOf({
  loss: v.custom<LossSpec>(
    (loss) => loss !== undefined,
    "the loss, which ONNX does not hold: 'softmaxCrossEntropy', 'meanSquaredError', …",
  ),
  dtype: wordOption(['float64', 'float32']),
  onNote: v.optional(
    v.custom<(note: string) => void>((value) => typeof value === 'function', 'a function'),
  ),
  signal: longCallEntries.signal,
  onProgress: longCallEntries.onProgress,
});

/** The network in an ONNX file: perceptrons and convolutional networks, with branches, as PyTorch's
 *  exporters and the converters of Keras and scikit-learn write them. Its tensors keep their names in `network.layout`; large weights are read from the file beside the model.
 *
 *  Where Gemm has alpha and beta, the parameters are alpha·B and beta·C, and curvature is with respect
 *  to these (the Hessian with respect to the stored B is alpha² times as large).
 *
 *  @throws EigenscapeError ERR_ABORTED; ERR_DATA for files that are absent, cut or not finite; ERR_ONNX_INVALID for
 *  bytes that are no ONNX model; ERR_ONNX_UNSUPPORTED naming every node that has no equivalent
 *  @example const network = await importOnnx('m.onnx', { loss: 'softmaxCrossEntropy' }) */
export async function importOnnx<D extends DType = 'float64'>(
  fileOrBytes: string | URL | Uint8Array,
  options: ImportOnnxOptions<D>,
): Promise<Network<D>> {
  const { loss, onNote = warn, ...long } = parseOptions('importOnnx', optionsSchema, options);
  throwIfAborted(long.signal);
  const { dtype } = options;
  // What the caller may change meanwhile is copied before the first pause.
  const kept = fileOrBytes instanceof Uint8Array ? keep<Uint8Array>(fileOrBytes) : undefined;
  const choices = { loss: copyOf(loss) };
  // Protobuf and the converters take as long to load as the rest of the library.
  const [{ readOnnx }, { readParameters }] = await Promise.all([
    import('./read-file.js'),
    import('./read-parameters.js'),
  ]);
  const bytes = await kept?.((length) => new Uint8Array(length), long.signal);
  const source = bytes ?? fileOrBytes;
  const { spec, tensors, tensorNames, notes } = await readOnnx(source, choices, long.signal);
  const parameters = await readParameters(tensors, long);
  const network = await createNetworkFrom(spec, [parameters], { dtype, tensorNames }, long.signal);
  notes.forEach((note) => {
    onNote(note);
  });
  return network;
}

/** The same loss, with lists of its own. What is no loss at all stays as it is, to be refused. */
function copyOf(loss: LossSpec): LossSpec {
  const given: unknown = loss;
  if (typeof given !== 'object' || given === null || typeof loss === 'string') return loss;
  if (!('type' in loss) || loss.type !== 'softmaxCrossEntropy') return loss;
  const { classWeights } = loss;
  if (!Array.isArray(classWeights)) return { ...loss };
  return { ...loss, classWeights: Array.from<number>(classWeights) };
}

function warn(note: string): void {
  process.emitWarning(note, { type: 'EigenscapeOnnxNote' });
}
