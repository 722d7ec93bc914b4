// Bytes → graph: the protobuf is decoded, checked for what every ONNX file has, and brought into the
// one form that the evaluation walks: a list of nodes, model-local functions written out.

import { fromBinary } from '@bufbuild/protobuf';
import { Attributes } from './attributes.js';
import { invalid, unsupported } from './failures.js';
import { inlineFunctions, type VersionedNode } from './functions.js';
import {
  ModelProtoSchema,
  type GraphProto,
  type ModelProto,
  type ValueInfoProto,
} from './onnx_pb.js';
import { isStandardDomain, knownOpsets, newestIrVersion, standardOpset } from './opset.js';
import { checkWireFormat } from './wire.js';

/** One operation: reads values by name and writes values by name. */
export interface GraphNode {
  /** The node's name, or that of its first output when it has none. */
  readonly name: string;
  /** The operator, with its domain unless that is ONNX's own. */
  readonly operator: string;
  /** Place in the order of the graph, functions written out. */
  readonly position: number;
  /** Version of the operator's set. */
  readonly opset: number;
  /** Names of the values read; '' for an optional one that is absent. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly proto: GraphProto;
  /** The program that wrote the file, as it says. */
  readonly producer: string;
}

/** @throws EigenscapeError ERR_ONNX_INVALID when the bytes are no ONNX model */
export function decodeModel(bytes: Uint8Array): ModelProto {
  let model: ModelProto;
  try {
    checkWireFormat(bytes, ModelProtoSchema);
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw invalid(
      `The bytes (${bytes.byteLength}) are no ONNX model, or one that was cut or damaged on its ` +
        'way. Copy or export it again.',
      { cause },
    );
  }
  const lacking =
    model.irVersion < 1n
      ? 'IR version'
      : model.graph === undefined
        ? 'graph'
        : model.opsetImport.length === 0
          ? 'operator set'
          : undefined;
  if (lacking === undefined && model.irVersion <= newestIrVersion) return model;
  if (lacking === undefined) {
    const reason = `has IR version ${model.irVersion}; 3 to ${newestIrVersion} are known`;
    throw unsupported([{ operator: 'file', name: model.producerName, reason }]);
  }
  throw invalid(
    `The bytes (${bytes.byteLength}) hold no ${lacking}, which every ONNX model has: the file is ` +
      'cut or of another kind. Copy or export it again.',
  );
}

/** @throws EigenscapeError ERR_ONNX_INVALID or ERR_ONNX_UNSUPPORTED */
export function buildGraph(model: ModelProto): Graph {
  const proto = model.graph;
  if (proto === undefined) throw invalid('The model holds no graph.');
  const opset = standardOpset(model.opsetImport);
  if (opset === undefined || opset < knownOpsets.oldest || opset > knownOpsets.newest) {
    const given = opset === undefined ? 'none' : `version ${opset}`;
    const name = proto.name === '' ? 'graph' : proto.name;
    const { oldest, newest } = knownOpsets;
    const reason = `uses ${given} of ONNX's operator sets; ${oldest} to ${newest} are known`;
    throw unsupported([{ operator: 'graph', name, reason }]);
  }
  requireDistinctNames(proto.node.map(({ name }) => name));
  const initialized = new Set(proto.initializer.map(({ name }) => name));
  return {
    nodes: inlineFunctions(proto.node, model.functions, opset).map(graphNode),
    // IR version 3 lists the weights among the inputs, later ones do not.
    inputs: proto.input.filter(({ name }) => !initialized.has(name)),
    outputs: proto.output,
    proto,
    producer: model.producerName,
  };
}

function requireDistinctNames(names: readonly string[]): void {
  const known = new Set<string>();
  for (const name of names) {
    if (name !== '' && known.has(name))
      throw invalid(`Two nodes of the graph are named '${name}'.`);
    known.add(name);
  }
}

function graphNode({ proto, opset }: VersionedNode, position: number): GraphNode {
  const operator = isStandardDomain(proto.domain)
    ? proto.opType
    : `${proto.domain}:${proto.opType}`;
  const name = proto.name === '' ? (proto.output[0] ?? '') : proto.name;
  const attributes = new Attributes(`${operator} '${name}'`, proto.attribute);
  const { input: inputs, output: outputs } = proto;
  return { name, operator, position, opset, inputs, outputs, attributes };
}
