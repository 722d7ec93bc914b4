// Which of a graph's outputs is the network's: a classifier's file gives class labels beside the scores.

import { elementType } from './element-type.js';
import type { Graph } from './graph.js';
import type { ValueInfoProto } from './onnx_pb.js';

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
