// Which of a graph's outputs is the network's: a classifier's file gives class labels beside the scores; and
// whether the types and sizes that the file declares can be true.

import { elementType, elementTypeName } from './element-type.js';
import type { Problem } from './failures.js';
import type { Graph } from './graph.js';
import { TensorProto_DataType as DataType, type ValueInfoProto } from './onnx_pb.js';
import { sampleShape, type Value } from './values.js';

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
  info: ValueInfoProto,
  { inputs, nodes }: Pick<Graph, 'inputs' | 'nodes'>,
): Problem[] {
  const given = inputs[0]?.type?.value;
  if (given?.case !== 'tensorType') return [];
  if (nodes.some(({ operator }) => changingType.has(operator))) return [];
  return typeProblems(info, given.value.elemType);
}

function typeProblems({ name, type }: ValueInfoProto, computed: number): Problem[] {
  // A file may leave the type open; ZipMap's output is a sequence.
  if (type?.value.case !== 'tensorType') return [];
  const { elemType } = type.value.value;
  if (computed === elemType) return [];
  const reason = `holds ${elementTypeName(elemType)}; ${elementTypeName(computed)} is computed`;
  return [{ operator: 'output', name, reason }];
}

/** Values in between that the file declares to be of another type than the node makes: that of the input
 *  where no node changes it, truth values of a comparison. */
export function declaredTypeProblems(
  graph: Graph,
  values: ReadonlyMap<string, Value>,
): readonly Problem[] {
  return graph.proto.valueInfo.flatMap((info) => {
    const value = values.get(info.name);
    if (value?.kind === 'pending' && value.form.kind === 'above') {
      return typeProblems(info, DataType.BOOL);
    }
    const isComputed = value?.kind === 'features' || value?.kind === 'pending';
    return isComputed ? outputTypeProblems(info, graph) : [];
  });
}

/** What a Concat of features reads, where the file declares other sizes than are computed. ONNX Runtime only
 *  warns of most such declarations, but keeps them behind nodes that it fuses: the inputs then disagree. */
export function declaredShapeProblems(
  { nodes, proto }: Pick<Graph, 'nodes' | 'proto'>,
  values: ReadonlyMap<string, Value>,
): readonly Problem[] {
  const declared = new Map(proto.valueInfo.map(({ name, type }) => [name, type?.value]));
  return nodes.flatMap(({ operator, name, inputs }) => {
    if (operator !== 'Concat') return [];
    return inputs.flatMap((input) => {
      const [value, type] = [values.get(input), declared.get(input)];
      if (value?.kind !== 'features' || type?.case !== 'tensorType') return [];
      const dims = type.value.shape?.dim.slice(1).map((dim) => dim.value);
      const isOther =
        dims?.length !== value.view.length ||
        dims.some((dim, axis) => dim.case === 'dimValue' && Number(dim.value) !== value.view[axis]);
      if (dims === undefined || !isOther) return [];
      const sizes = dims.map((dim) => String(dim.value ?? '?')).join(', ');
      const reason = `reads '${input}', declared as [samples, ${sizes}]; ${sampleShape(value.view)} is computed`;
      return [{ operator, name, reason }];
    });
  });
}
