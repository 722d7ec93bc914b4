// The public export: a network → an ONNX file.

import * as v from 'valibot';

import type { DType } from '../data/dtype.js';
import { requireNetwork, type Network } from '../network/network.js';
import { longCallEntries, optionsOf, parseOptions } from '../options.js';
import { requireSmallModel } from './export/size.js';

/** Options of {@link exportOnnx}. */
export interface ExportOnnxOptions {
  /** Precision of the file; default: the network's. ONNX Runtime has most of its kernels for float32
   *  only, so a float64 network that is to run there wants 'float32'. */
  readonly dtype?: DType | undefined;
  /** Aborting rejects the call with code ERR_ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

const optionsSchema = optionsOf({
  dtype: v.optional(v.picklist(['float64', 'float32'], "'float64' or 'float32'")),
  signal: longCallEntries.signal,
});

/** The bytes of an ONNX file (operator set 17, IR version 8) that computes what `predict` does: input
 *  [N, …shape of a sample] for any N, output [N, outputs], logits where the loss applies softmax or
 *  sigmoid. The loss itself is noted in the file's metadata under `eigenscape.loss`.
 *
 *  Parameters keep their bits and the names that they have in `network.layout`, nodes have the names
 *  of the layers; `importOnnx` gives the same network back. (ONNX stores alpha and epsilon in float32: those of
 *  up to six digits come back as they were, others rounded.)
 *
 *  @throws EigenscapeError ERR_SPEC for a loss written in code, and when two tensors have one name;
 *  ERR_NUMERIC for a parameter that `dtype` cannot hold; ERR_ONNX_UNSUPPORTED for a file above 2 GB
 *  @example await writeFile('network.onnx', await exportOnnx(network)) */
export async function exportOnnx(
  network: Network,
  options: ExportOnnxOptions = {},
): Promise<Uint8Array> {
  requireNetwork('exportOnnx', network);
  const { dtype = network.dtype, signal } = parseOptions('exportOnnx', optionsSchema, options);
  const { parameterCount, spec } = network;
  requireSmallModel(dtype, { parameters: parameterCount, layers: spec.layers.length });
  const parameters = await network.copyParameters({ signal });
  // With protobuf, which takes a while to load.
  const [{ encodeModel }, { modelOf }] = await Promise.all([
    import('./export/encode.js'),
    import('./export/model.js'),
  ]);
  return encodeModel(modelOf(network, parameters, dtype), { dtype, signal });
}
