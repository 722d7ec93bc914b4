// The graph of layers → what createNetwork takes: the spec, the flat parameters, their names.

import type { LossSpec, NetworkSpec } from '../network/spec.js';
import type { Problem } from './failures.js';
import { layerNames } from './layer-names.js';
import { inputProblems, isInput, stagesOf } from './one-input.js';
import { checkStatistics, expectedParameters, layerSpec, parametersOf } from './stage-layers.js';
import type { ExpectedTensor } from './stage-layers.js';
import {
  pendingProblems,
  sampleShape,
  type FeaturesValue,
  type Parameter,
  type Stage,
  type Value,
} from './values.js';

export interface ParsedOnnx {
  readonly spec: NetworkSpec;
  /** In the library's order: layer by layer in the order of the graph, the weight row-major, then the
   *  bias. Their numbers are yet to be read, and checked. */
  readonly tensors: readonly ExpectedTensor[];
  /** The type of the file's weights; float16 and bfloat16 count as float32. */
  readonly dtype: 'float32' | 'float64';
  /** The ONNX name of each weight and bias, in the order of `tensors`. */
  readonly tensorNames: readonly string[];
  /** What was dropped, folded into weights or not used: sentences for the user. */
  readonly notes: readonly string[];
}

/** What keeps the value at the graph's output from being a network under this loss. */
export function outputProblems(output: Value, loss: LossSpec): readonly Problem[] {
  const features = outputFeatures(output);
  if ('problems' in features) return features.problems;
  const { kept } = trimmed(stagesOf(features), loss);
  const problems = [
    ...misplaced(kept, loss),
    ...sharedParameters(kept),
    ...inputProblems(stagesOf(features)),
  ];
  if (kept.some((stage) => parametersOf(stage).length > 0)) return problems;
  return [...problems, { ...features.stage.node, reason: 'depends on no weights' }];
}

/** @param output a value without {@link outputProblems}
 *  @param producer the program that wrote the file, as it says
 *  @param largestParameter the magnitude up to which the file is known to hold parameters; 0 if it says nothing
 *  @throws EigenscapeError ERR_DATA when a statistic is not finite */
export function assemble(
  output: FeaturesValue,
  {
    loss,
    producer,
    largestParameter,
  }: { readonly loss: LossSpec; readonly producer: string; readonly largestParameter: number },
): ParsedOnnx {
  const all = stagesOf(output);
  // This library's own files end in what the network gives, so a sigmoid there is a layer.
  const endsInLogits = producer === 'eigenscape' && all.at(-1)?.layer.type === 'sigmoid';
  const { kept, notes } = endsInLogits ? { kept: all, notes: [] } : trimmed(all, loss);
  const [input, ...stages] = kept;
  const tensors = stages.flatMap(parametersOf);
  stages.forEach(checkStatistics);
  return {
    spec: { input: [...(input?.shape ?? [])], layers: layersOf(kept, producer), loss },
    tensors: stages.flatMap((stage) => expectedParameters(stage, largestParameter)),
    dtype: tensors.some(({ type }) => type.name === 'float64') ? 'float64' : 'float32',
    tensorNames: tensors.map(({ name }) => name),
    notes: [...notes, ...tensorNotes(tensors), ...(producer === 'pytorch' ? biasNote(stages) : [])],
  };
}

function outputFeatures(output: Value): FeaturesValue | { readonly problems: readonly Problem[] } {
  switch (output.kind) {
    case 'features': {
      const { view, stage, order } = output;
      if (view.length <= 1 && order === undefined) return output;
      if (view.length <= 1) {
        const exchanged = 'the outputs are in the order of an image with exchanged axes';
        return { problems: [{ ...stage.node, reason: exchanged }] };
      }
      const reason = `the output has shape ${sampleShape(view)}; [samples, outputs] is expected`;
      return { problems: [{ ...stage.node, reason }] };
    }
    case 'pending':
      return { problems: pendingProblems(output) };
    case 'unknown':
      return { problems: [] };
    case 'constant':
    case 'sizes': {
      const name = output.kind === 'constant' ? output.name : 'a shape';
      const reason = "does not depend on the network's input";
      return { problems: [{ operator: 'output', name, reason }] };
    }
  }
}

/** The specs of all stages but the first, which is the input. */
function layersOf(stages: readonly Stage[], producer: string) {
  const layers = stages.slice(1);
  const given = layerNames(layers, producer);
  const calls = new Map(
    layers.map((stage, index) => [stage, given[index] ?? `${stage.layer.type}${index}`]),
  );
  return layers.map((stage, index) => {
    const name = given[index];
    const [read, ...more] = stage.inputs;
    const before = stages[index];
    const isNext =
      more.length === 0 &&
      (read === before || (read !== undefined && isInput(read) && index === 0));
    return layerSpec(stage, {
      ...(name === undefined ? {} : { name }),
      ...(isNext ? {} : { inputs: stage.inputs.map((input) => calls.get(input) ?? 'input') }),
    });
  });
}

/** The stages without a last softmax or sigmoid that the loss applies itself. */
function trimmed(
  stages: readonly Stage[],
  loss: LossSpec,
): { readonly kept: readonly Stage[]; readonly notes: readonly string[] } {
  const applied = lossActivation(loss);
  const pair = stages.at(-1);
  if (pair?.layer.type === 'binaryProbabilities' && applied === 'sigmoid') {
    const rest = trimmed(stages.slice(0, -1), loss);
    const note =
      `Concat '${pair.node.name}' of 1 − p and p at the end is dropped: binaryCrossEntropy wants the ` +
      'one output of p.';
    return { kept: rest.kept, notes: [note, ...rest.notes] };
  }
  const last = pair;
  if (last === undefined || applied === undefined || last.layer.type !== applied) {
    return { kept: stages, notes: [] };
  }
  const note =
    `${last.node.operator} '${last.node.name}' at the end is dropped: the loss applies ${applied} ` +
    'itself, so the network gives logits.';
  return { kept: stages.slice(0, -1), notes: [note] };
}

function lossType(loss: LossSpec) {
  return typeof loss === 'string' ? loss : loss.type;
}

function lossActivation(loss: LossSpec): 'softmax' | 'sigmoid' | undefined {
  switch (lossType(loss)) {
    case 'softmaxCrossEntropy':
      return 'softmax';
    case 'binaryCrossEntropy':
      return 'sigmoid';
    default:
      return undefined;
  }
}

/** Stages that are no layer of their own, where they are not what they may be. */
function misplaced(stages: readonly Stage[], loss: LossSpec): Problem[] {
  const given = `the loss is ${lossType(loss)}`;
  return stages.flatMap(({ layer, node: { name, operator } }) => {
    const part = { name, operator };
    if (layer.type === 'binaryProbabilities') {
      const reason = `of 1 − p and p is supported only as the last node and under the loss binaryCrossEntropy; ${given}`;
      return [{ ...part, reason }];
    }
    if (layer.type === 'zeroPad') {
      return [{ ...part, reason: 'is supported only in front of Conv and AveragePool' }];
    }
    if (layer.type !== 'softmax') return [];
    const reason =
      'is supported only as the last node and under the loss softmaxCrossEntropy, which applies it ' +
      `itself; ${given}`;
    return [{ ...part, reason }];
  });
}

/** A tensor that two layers read would have one row in the Hessian, not two. */
function sharedParameters(stages: readonly Stage[]): Problem[] {
  const readers = new Map<string, Stage['node'][]>();
  for (const stage of stages) {
    for (const { name } of parametersOf(stage)) {
      readers.set(name, [...(readers.get(name) ?? []), stage.node]);
    }
  }
  return [...readers].flatMap(([name, nodes]) => {
    if (nodes.length === 1) return [];
    const list = nodes.map((node) => `${node.operator} '${node.name}'`).join(' and ');
    const reason =
      `is shared by ${list}; shared weights are not supported (where the network's weights are only ` +
      'equal, PyTorch merged them: export with optimize=False)';
    return [{ operator: 'tensor', name, reason }];
  });
}

function tensorNotes(tensors: readonly Parameter[]): string[] {
  const copies = tensors.flatMap(({ name, copyOf }) =>
    copyOf === undefined
      ? []
      : [`'${name}' is stored as a copy of '${copyOf}'; it counts as parameters of its own.`],
  );
  const moved = tensors.flatMap(({ name, reordered }) =>
    reordered === true
      ? [`The columns of '${name}' follow images with the channels first; the file has them last.`]
      : [],
  );
  const narrow = tensors.map(({ type }) => type.name).filter((name) => name.endsWith('float16'));
  return [
    ...copies,
    ...moved,
    ...[...new Set(narrow)].map((name) => `The weights are stored as ${name} and widened.`),
  ];
}

/** PyTorch's dynamo exporter removes biases that are all zero, with which go their rows of the
 *  Hessian. (Its TorchScript exporter writes layers without bias as MatMul.) */
function biasNote(stages: readonly Stage[]): string[] {
  const names = stages
    .filter(({ layer }) => layer.type === 'dense' && layer.bias === undefined)
    .filter(({ node }) => node.operator === 'Gemm')
    .map(({ node }) => `'${node.name}'`);
  if (names.length === 0) return [];
  return [
    `Gemm without bias: ${names.join(', ')}. (PyTorch's dynamo exporter removes biases that are ` +
      'all zero; optimize=False keeps them.)',
  ];
}
