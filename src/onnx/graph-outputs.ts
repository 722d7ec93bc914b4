// Which of a graph's outputs is the network's: a classifier's file gives class labels beside the scores; and
// whether the type that the file declares for it can be true.

import { elementType, elementTypeName } from './element-type.js';
import type { Problem } from './failures.js';
import type { Graph } from './graph.js';
import type { ValueInfoProto } from './onnx_pb.js';
import type { Value } from './values.js';

export interface GraphOutputs {
  readonly predictions: readonly ValueInfoProto[];
  /** Names of outputs that hold integers or strings, as argmax makes them. */
  readonly labels: readonly string[];
}

export function sortedOutputs({ outputs }: Pick<Graph, 'outputs'>): GraphOutputs {
  const predictions = outputs.filter((info) => !isLabel(info));
  // Where nothing else is left, the labels are what is refused.
  if (predictions.length === 0) return { predictions: outputs, labels: [] };
  return { predictions, labels: outputs.filter(isLabel).map(({ name }) => name) };
}

function isLabel({ type }: ValueInfoProto): boolean {
  return (
    type?.value.case === 'tensorType' &&
    type.value.value.elemType !== 0 &&
    elementType(type.value.value.elemType)?.kind !== 'floating'
  );
}

const changingType: ReadonlySet<string> = new Set(['Cast', 'CastLike']);

/** An output of another type than the input has, though no node changes it. */
export function outputTypeProblems(
  { name, type }: ValueInfoProto,
  { inputs, nodes }: Pick<Graph, 'inputs' | 'nodes'>,
): Problem[] {
  // A file may leave the type open; ZipMap's output is a sequence.
  if (type?.value.case !== 'tensorType') return [];
  if (nodes.some(({ operator }) => changingType.has(operator))) return [];
  const { elemType } = type.value.value;
  const given = inputs[0]?.type?.value;
  if (given?.case !== 'tensorType' || given.value.elemType === elemType) return [];
  const reason = `holds ${elementTypeName(elemType)}; ${elementTypeName(given.value.elemType)} is computed`;
  return [{ operator: 'output', name, reason }];
}

/** Values in between that the file declares to be of another type than the input has, though no node
 *  changes it. */
export function declaredTypeProblems(
  graph: Graph,
  values: ReadonlyMap<string, Value>,
): readonly Problem[] {
  return graph.proto.valueInfo.flatMap((info) => {
    // Not those on their way to an activation: a comparison among them gives truth values.
    const isFeatures = values.get(info.name)?.kind === 'features';
    return isFeatures ? outputTypeProblems(info, graph) : [];
  });
}
