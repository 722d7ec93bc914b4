// What a runtime must know of a file: its input, its output, and whether it ends in what a loss applies.

import { clone, create, toBinary } from '@bufbuild/protobuf';

import type { DType } from '../data/dtype.js';
import type { OnnxEnding } from './ending.js';
import { invalid, unsupported } from './failures.js';
import { buildGraph, type Graph, type GraphNode } from './graph.js';
import { sortedOutputs } from './graph-outputs.js';
import { elementTypeName } from './element-type.js';
import {
  ModelProtoSchema,
  TensorProto_DataType as DataType,
  ValueInfoProtoSchema,
  type ModelProto,
} from './onnx_pb.js';

export interface Signature {
  readonly input: {
    readonly name: string;
    readonly dtype: DType;
    /** Numbers where the file fixes them, samples first; undefined where it leaves the shape open. */
    readonly shape: readonly (number | undefined)[] | undefined;
  };
  /** The value that importOnnx reads the network from. */
  readonly output: string;
  /** Whether the file gives that value only inside another: scikit-learn's ZipMap makes a map of it. */
  readonly isWrapped: boolean;
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

/** @throws EigenscapeError ERR_ONNX_INVALID, ERR_ONNX_UNSUPPORTED for other than one input of float32 or
 *  float64 and one output besides labels */
export function signatureOf(model: ModelProto): Signature {
  const graph = buildGraph(model);
  const { name } = only(sortedOutputs(graph).predictions, 'output');
  const makers = new Map(
    graph.nodes.flatMap((node) => node.outputs.map((made) => [made, node] as const)),
  );
  const maker = makers.get(name);
  const isWrapped = maker?.operator === 'ai.onnx.ml:ZipMap';
  const output = isWrapped ? (maker.inputs[0] ?? name) : name;
  return { input: inputOf(graph), output, isWrapped, ending: endingOf(makers, output) };
}

/** The model with its {@link Signature.output} as its only output, as runtimes without maps can run it. */
export function unwrapped(model: ModelProto, { output }: Signature): Uint8Array {
  const copy = clone(ModelProtoSchema, model);
  if (copy.graph !== undefined) {
    copy.graph.output = [create(ValueInfoProtoSchema, { name: output })];
  }
  return toBinary(ModelProtoSchema, copy);
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

type Makers = ReadonlyMap<string, GraphNode>;

function endingOf(makers: Makers, output: string): OnnxEnding {
  const node = behindPassing(makers, output);
  if (node === undefined) return 'none';
  return isBinaryPair(makers, node) ? 'binaryProbabilities' : (endings[node.operator] ?? 'none');
}

/** The node that computes a value, without those that pass it on. */
function behindPassing(makers: Makers, name: string): GraphNode | undefined {
  let node = makers.get(name);
  // A damaged file may have a cycle; no path is longer than all nodes.
  for (let steps = 0; node !== undefined && steps <= makers.size; steps += 1) {
    if (!passing.has(node.operator)) return node;
    node = makers.get(node.inputs[0] ?? '');
  }
  return undefined;
}

/** [1 − p, p] with p a sigmoid. */
function isBinaryPair(makers: Makers, { operator, inputs: [rest = '', p = ''] }: GraphNode) {
  if (operator !== 'Concat' || makers.get(p)?.operator !== 'Sigmoid') return false;
  const complement = makers.get(rest);
  return complement?.operator === 'Sub' && complement.inputs[1] === p;
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
