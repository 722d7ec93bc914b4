// ONNX bytes → network spec and parameters.

import { EigenscapeError } from '../errors.js';
import type { LossSpec } from '../network/spec.js';
import { assemble, outputProblems, type ParsedOnnx } from './assemble.js';
import { evaluate } from './evaluate.js';
import type { ExternalDataReader } from './external-data.js';
import { unsupported } from './failures.js';
import { buildGraph, decodeModel } from './graph.js';
import { magnitudeKey } from './magnitudes.js';
import type { ModelProto } from './onnx_pb.js';
import { operatorNames } from './operators/index.js';
import { readSmallParameters } from './read-parameters.js';

export type { ParsedOnnx } from './assemble.js';

export interface ParseOptions {
  /** The loss is not part of an ONNX file. It decides what becomes of a softmax or sigmoid at the
   *  end: the losses on logits apply it themselves, so it is dropped, with a note. */
  readonly loss: LossSpec;
  /** Gives the file beside the model that holds large weights (`m.onnx.data`). */
  readonly externalData?: ExternalDataReader | undefined;
}

/** The network in an ONNX file, as PyTorch's exporters and the converters of Keras and scikit-learn
 *  write it: opsets 7 to 26.
 *
 *  Where Gemm scales its weights, the parameters are alpha·B and beta·C, and curvature is with respect
 *  to these: against curvature with respect to the stored B it differs by alpha².
 *
 *  @throws EigenscapeError ERR_ONNX_INVALID for bytes that are no whole ONNX model;
 *  ERR_ONNX_UNSUPPORTED with every node that has no equivalent; ERR_DATA for weights that are not
 *  finite and for external data that is absent or cut
 *  @example const { spec, parameters } = parseOnnx(bytes, { loss: 'softmaxCrossEntropy' }) */
export function parseOnnx(
  bytes: Uint8Array,
  options: ParseOptions,
): ParsedOnnx & { readonly parameters: Float64Array } {
  const parsed = parseModel(decodeModel(bytes), options);
  return { ...parsed, parameters: readSmallParameters(parsed.tensors) };
}

/** {@link parseOnnx} for a file that is decoded already, whose weights are not read. */
export function parseModel(model: ModelProto, options: ParseOptions): ParsedOnnx {
  const { externalData } = options;
  const loss = checkedLoss(options.loss);
  const graph = buildGraph(model);
  const { output, problems, notes } = evaluate(graph, externalData);
  const found = [...problems, ...outputProblems(output, loss)];
  if (found.length > 0 || output.kind !== 'features') throw unsupported(found, operatorNames);
  const declared = Number(model.metadataProps.find(({ key }) => key === magnitudeKey)?.value ?? 0);
  const largestParameter = Number.isFinite(declared) ? declared : 0;
  const parsed = assemble(output, { loss, producer: model.producerName, largestParameter });
  return { ...parsed, notes: [...notes, ...parsed.notes] };
}

/** @throws EigenscapeError ERR_SPEC: createNetwork checks a loss, but JavaScript may give none here */
function checkedLoss(loss: LossSpec | undefined): LossSpec {
  if (loss !== undefined) return loss;
  throw new EigenscapeError(
    'ERR_SPEC',
    "An ONNX file holds no loss: give one, such as { loss: 'softmaxCrossEntropy' }, " +
      "'meanSquaredError' or 'binaryCrossEntropy' (on logits).",
    { details: { call: 'importOnnx', option: 'loss' } },
  );
}
