// Evaluates the graph without data, node by node: constants become numbers, the input becomes a
// chain of layers. All nodes are visited whatever they hold, so that every problem is found.

import { isEigenscapeError } from '../errors.js';
import { elementType, elementTypeName } from './element-type.js';
import type { ExternalDataReader } from './external-data.js';
import { invalid, Refusal, type Problem } from './failures.js';
import type { Graph, GraphNode } from './graph.js';
import {
  declaredShapeProblems,
  declaredTypeProblems,
  outputTypeProblems,
  sortedOutputs,
} from './graph-outputs.js';
import type { TensorProto, ValueInfoProto } from './onnx_pb.js';
import { handlerOf } from './operators/index.js';
import { isPointwise } from './operators/pointwise-names.js';
import { standardProblems } from './standard.js';
import { decodeTensor } from './tensor.js';
import { newStage, refusal, withLayer } from './values.js';
import type { Context, FeaturesValue, Value } from './values.js';

export interface Evaluation {
  /** What the graph's output is; unknown when a problem hides it. */
  readonly output: Value;
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
}

/** @throws EigenscapeError ERR_ONNX_INVALID when the graph contradicts itself, ERR_DATA when
 *  external data is missing */
export function evaluate(graph: Graph, externalData: ExternalDataReader | undefined): Evaluation {
  const { predictions, labels } = sortedOutputs(graph);
  const [inputs, outputs] = [ends('input', graph.inputs), ends('output', predictions)];
  const problems: Problem[] = [
    ...inputs.problems,
    ...outputs.problems,
    ...predictions.flatMap((info) => outputTypeProblems(info, graph)),
    ...graph.nodes.flatMap(standardProblems),
  ];
  const { nodes, needed } = reachable(graph, outputs.names);
  const notes = [...labelNote(labels), ...leftOut(graph, new Set(nodes), needed)];
  const decode = (proto: TensorProto, name: string) => decodeTensor(proto, name, externalData);
  const values = new Map<string, Value>([
    ...graph.inputs.map((info) => named(info.name, problems, () => inputFeatures(info))),
    ...sparseTensors(graph, needed, problems),
  ]);
  for (const proto of graph.proto.initializer) {
    const { name } = proto;
    if (!needed.has(name)) continue;
    if (values.has(name)) throw invalid(`Two tensors of the graph are named '${name}'.`);
    const isLiteral = isFolded(name, graph.producer) || undefined;
    values.set(
      ...named(name, problems, () => {
        return { kind: 'constant', name, tensor: decode(proto, name), isLiteral };
      }),
    );
  }
  const batch = fixedBatch(graph.inputs[0]);
  const isUsed = (name: string) => needed.has(name);
  const context: Context = {
    ...{ batch, decode, isUsed },
    note: (text) => notes.push(text),
    hasInitializers: graph.proto.initializer.length > 0,
  };
  for (const node of nodes) {
    const read = node.inputs.map((name) => valueOf(node, name, values));
    write(node, computed(node, read, { needed, context, problems }), values);
  }
  problems.push(...declaredTypeProblems(graph, values), ...declaredShapeProblems(graph, values));
  const [name] = outputs.names;
  if (name === undefined) return { output: { kind: 'unknown' }, problems, notes };
  const output = values.get(name);
  if (output !== undefined) return { output, problems, notes };
  throw invalid(`Nothing in the graph computes its output '${name}'.`);
}

/** The value under its name; unknown, with problems, when it is refused. */
function named(name: string, problems: Problem[], compute: () => Value): [string, Value] {
  try {
    return [name, compute()];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    problems.push(...error.problems);
    return [name, { kind: 'unknown' }];
  }
}

/** Whether PyTorch's dynamo exporter computed the tensor: parameters keep the names of their modules. */
function isFolded(name: string, producer: string): boolean {
  return producer === 'pytorch' && /^val_\d+$/.test(name);
}

function sparseTensors(
  graph: Graph,
  needed: ReadonlySet<string>,
  problems: Problem[],
): [string, Value][] {
  return graph.proto.sparseInitializer.map(({ values }) => {
    const name = values?.name ?? '';
    if (needed.has(name)) problems.push({ operator: 'tensor', name, reason: 'is stored sparsely' });
    return [name, { kind: 'unknown' }];
  });
}

function labelNote(labels: readonly string[]): string[] {
  return labels.map((name) => `Left out: the output '${name}', which holds labels.`);
}

/** What is wrong with the number of the graph's inputs or outputs, and their names. */
function ends(operator: 'input' | 'output', infos: readonly ValueInfoProto[]) {
  const names = infos.map(({ name }) => name);
  if (names.length === 1) return { names, problems: [] };
  const why =
    operator === 'input' && names.length > 1
      ? '; weights without values come from export_params=False'
      : '';
  const reason = `the graph has ${names.length} ${operator}s; exactly one is supported${why}`;
  return { names, problems: [{ operator, name: names.join("', '"), reason }] };
}

/** The nodes from which the outputs are computed, in order, and all values these read. */
function reachable(graph: Graph, outputs: readonly string[]) {
  const needed = new Set(outputs);
  const nodes: GraphNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => name !== '' && needed.has(name))) continue;
    node.inputs.forEach((name) => needed.add(name));
    nodes.unshift(node);
  }
  return { nodes, needed };
}

/** One note about unused tensors, one about nodes that lead nowhere. */
function leftOut(graph: Graph, used: ReadonlySet<GraphNode>, needed: ReadonlySet<string>) {
  const list = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ');
  const unused = graph.proto.initializer
    .map(({ name }) => name)
    .filter((name) => !needed.has(name));
  const dead = graph.nodes.filter((node) => !used.has(node) && node.operator !== 'Constant');
  return [
    ...(unused.length > 0 ? [`Not used by the output, so no parameter: ${list(unused)}.`] : []),
    ...(dead.length > 0
      ? [`Left out, as the output does not depend on it: ${list(dead.map(({ name }) => name))}.`]
      : []),
  ];
}

function inputFeatures(info: ValueInfoProto): FeaturesValue {
  const refuse = (reason: string) => new Refusal([{ operator: 'input', name: info.name, reason }]);
  const type = info.type?.value;
  if (type?.case !== 'tensorType') throw refuse('is no tensor; a tensor of floats is expected');
  const { elemType, shape } = type.value;
  if (elementType(elemType)?.kind !== 'floating') {
    throw refuse(`holds ${elementTypeName(elemType)}; float32 or float64 is expected`);
  }
  const dims = shape?.dim.map(({ value }) =>
    value.case === 'dimValue' ? Number(value.value) : (value.value ?? '?'),
  );
  const view = (dims ?? []).slice(1).filter((size) => typeof size === 'number' && size > 0);
  const sizes = view.map(Number);
  if (dims === undefined || dims.length < 2 || sizes.length !== dims.length - 1) {
    const found = dims === undefined ? 'no shape' : `shape [${dims.join(', ')}]`;
    throw refuse(
      `has ${found}; [samples, features] is expected, where only the first axis may be open ` +
        '(dynamic_axes={"x": {0: "N"}})',
    );
  }
  const node = { name: info.name, operator: 'input', position: -1 };
  const stage = { inputs: [], layer: { type: 'input' }, shape: sizes, node } as const;
  return { kind: 'features', stage, view: sizes };
}

function fixedBatch(info: ValueInfoProto | undefined): number | undefined {
  const type = info?.type?.value;
  const first = type?.case === 'tensorType' ? type.value.shape?.dim[0]?.value : undefined;
  return first?.case === 'dimValue' ? Number(first.value) : undefined;
}

function valueOf(node: GraphNode, name: string, values: ReadonlyMap<string, Value>) {
  if (name === '') return undefined;
  const value = values.get(name);
  if (value !== undefined) return value;
  throw invalid(
    `${node.operator} '${node.name}' reads '${name}', which no input, tensor or earlier node gives.`,
  );
}

function write(node: GraphNode, value: Value, values: Map<string, Value>): void {
  node.outputs.forEach((name, index) => {
    if (name === '') return;
    if (values.has(name)) {
      throw invalid(`${node.operator} '${node.name}' writes '${name}', which exists already.`);
    }
    values.set(name, index === 0 ? value : { kind: 'unknown' });
  });
}

function computed(
  node: GraphNode,
  inputs: readonly (Value | undefined)[],
  {
    needed,
    context,
    problems,
  }: { needed: ReadonlySet<string>; context: Context; problems: Problem[] },
): Value {
  const known = problems.length;
  try {
    const handler = handlerOf(node.operator);
    if (handler === undefined) throw refusal(node, 'no layer of this library computes it');
    const value: Value = inputs.some((input) => input?.kind === 'unknown')
      ? { kind: 'unknown' }
      : handler(node, inputs, context);
    if (node.outputs.slice(1).some((name) => name !== '' && needed.has(name))) {
      throw refusal(node, 'its second output is used; only the first is supported');
    }
    return value;
  } catch (error) {
    if (error instanceof Refusal) {
      problems.push(...error.problems);
      return standIn(node, inputs, error.shape);
    }
    // Behind a refused node the shapes are guesses, so that a contradiction proves nothing.
    if (known > 0 && isEigenscapeError(error) && error.code === 'ERR_ONNX_INVALID') {
      return { kind: 'unknown' };
    }
    throw error;
  }
}

/** For an operation that was refused, but whose shape is known (pointwise ones keep it): features of
 *  that shape, so that the nodes behind it are checked as well; for others nothing is known. */
function standIn(
  node: GraphNode,
  inputs: readonly (Value | undefined)[],
  shape: readonly number[] | undefined,
): Value {
  if (shape !== undefined) return newStage(node, [], { layer: { type: 'refused' }, shape });
  const operand = inputs.find((value) => value?.kind === 'features' || value?.kind === 'pending');
  const hasShape = operand?.kind === 'features' || operand?.kind === 'pending';
  if (!hasShape || !isPointwise(node.operator)) return { kind: 'unknown' };
  return withLayer(node, operand, { type: 'refused' });
}
