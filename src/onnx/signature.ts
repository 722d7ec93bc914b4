// What a runtime must know of a file: its input, its output, and whether it ends in what a loss applies.

import type { DType } from '../data/dtype.js';
import { invalid, unsupported } from './failures.js';
import { buildGraph, type Graph } from './graph.js';
import { elementTypeName } from './element-type.js';
import { TensorProto_DataType as DataType, type ModelProto } from './onnx_pb.js';

/** What stands behind the network's own outputs at the end of a file; `importOnnx` leaves it to the loss. */
export type OnnxEnding = 'none' | 'softmax' | 'logSoftmax' | 'sigmoid';

export interface Signature {
  readonly input: {
    readonly name: string;
    readonly dtype: DType;
    /** Numbers where the file fixes them, samples first; undefined where it leaves the shape open. */
    readonly shape: readonly (number | undefined)[] | undefined;
  };
  readonly output: string;
  readonly ending: OnnxEnding;
}

const endings: Readonly<Record<string, OnnxEnding>> = {
  Softmax: 'softmax',
  LogSoftmax: 'logSoftmax',
  Sigmoid: 'sigmoid',
};
const dtypes: ReadonlyMap<number, DType> = new Map<DataType, DType>([
  [DataType.FLOAT, 'float32'],
  [DataType.DOUBLE, 'float64'],
]);
// They change no value.
const passing: ReadonlySet<string> = new Set([
  ...['Identity', 'Cast', 'CastLike', 'Dropout', 'Flatten', 'Reshape', 'Squeeze'],
]);

/** @throws EigenscapeError ERR_ONNX_INVALID, ERR_ONNX_UNSUPPORTED for other than one input and one output
 *  of float32 or float64 */
export function signatureOf(model: ModelProto): Signature {
  const graph = buildGraph(model);
  const output = only(graph.outputs, 'output').name;
  return { input: inputOf(graph), output, ending: endingOf(graph, output) };
}

function inputOf({ inputs }: Graph): Signature['input'] {
  const { name, type } = only(inputs, 'input');
  if (type?.value.case !== 'tensorType') throw invalid(`The input '${name}' is no tensor.`);
  const { elemType, shape } = type.value.value;
  const dtype = dtypes.get(elemType);
  if (dtype === undefined) {
    const reason = `holds ${elementTypeName(elemType)}; float32 or float64 is expected`;
    throw unsupported([{ operator: 'input', name, reason }]);
  }
  const sizes = shape?.dim.map(({ value }) =>
    value.case === 'dimValue' && value.value > 0n ? Number(value.value) : undefined,
  );
  return { name, dtype, shape: sizes };
}

function endingOf({ nodes }: Graph, output: string): OnnxEnding {
  const makers = new Map(
    nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)),
  );
  let node = makers.get(output);
  // A damaged file may have a cycle; no path is longer than all nodes.
  for (let steps = 0; node !== undefined && steps <= nodes.length; steps += 1) {
    if (!passing.has(node.operator)) return endings[node.operator] ?? 'none';
    node = makers.get(node.inputs[0] ?? '');
  }
  return 'none';
}

function only<Entry extends { readonly name: string }>(
  entries: readonly Entry[],
  what: 'input' | 'output',
): Entry {
  const [first, ...rest] = entries;
  if (first !== undefined && rest.length === 0) return first;
  const name = entries.map((entry) => entry.name).join("', '");
  const reason = `the graph has ${entries.length} ${what}s; exactly one is supported`;
  throw unsupported([{ operator: what, name, reason }]);
}
