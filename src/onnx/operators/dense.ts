// Gemm, MatMul and the addition of a bias: y = x·Wᵀ + b with W [units, inputs].

import { invalid } from '../failures.js';
import type { GraphNode } from '../graph.js';
import { transposed } from '../tensor.js';
import {
  asFeatures,
  refusal,
  type ConstantValue,
  type FeaturesValue,
  type Handler,
  type Parameter,
  type Stage,
  type Value,
} from '../values.js';

/** alpha·A·B + beta·C. alpha and beta become part of the weights: the library's parameters are
 *  alpha·B and beta·C, and curvature is with respect to these. */
export const Gemm: Handler = (node, [a, b, c], { note }) => {
  const [alpha, beta] = [node.attributes.decimal('alpha', 1), node.attributes.decimal('beta', 1)];
  if (node.attributes.integer('transA', 0) !== 0) {
    throw refusal(node, 'transA = 1 sums over samples, which no layer of this library does');
  }
  if (!Number.isFinite(alpha) || !Number.isFinite(beta)) {
    throw refusal(node, `alpha and beta must be finite, but are ${alpha} and ${beta}`);
  }
  const input = asFeatures(node, a, 'its first input A');
  const stored = asMatrix(node, b, 'its second input B');
  const isTransposed = node.attributes.integer('transB', 0) !== 0;
  const weight = scaled(isTransposed ? stored : transposedMatrix(stored), alpha);
  if (alpha !== 1) {
    note(`Gemm '${node.name}': the weights are alpha·B with alpha = ${alpha}, not the stored B.`);
  }
  const result = dense(node, input, weight);
  if (c === undefined || beta === 0) return result;
  if (beta !== 1) {
    note(`Gemm '${node.name}': the bias is beta·C with beta = ${beta}, not the stored C.`);
  }
  return withBias(node, result, asParameter(node, c, 'its third input C'), beta, note);
};

/** A·B for constant B: a dense layer, without bias until an Add brings one. */
export const MatMul: Handler = (node, [a, b]) => {
  const input = asFeatures(node, a, 'its first input A');
  const constant = asParameter(node, b, 'its second input B');
  if (constant.tensor.dims.length !== 1) {
    return dense(node, input, transposedMatrix(asMatrix(node, b, 'its second input B')));
  }
  // [samples, inputs] · [inputs] is [samples]: one unit whose axis is gone.
  const { name, tensor, copyOf } = constant;
  const parameter = { name, values: tensor.values, type: tensor.type, copyOf };
  const columns = tensor.values.length;
  return { ...dense(node, input, { parameter, rows: 1, columns }), view: [] };
};

/** The bias of a dense layer that has none yet; undefined when the two values are something else. */
export function addBias(
  node: GraphNode,
  value: Value | undefined,
  bias: Value | undefined,
  note: (text: string) => void,
): Value | undefined {
  if (value?.kind !== 'features' || bias?.kind !== 'constant') return undefined;
  const { layer } = value.stage;
  if (layer.type !== 'dense' || layer.bias !== undefined) return undefined;
  return withBias(node, value, asParameter(node, bias, 'the bias'), 1, note);
}

interface Matrix {
  readonly parameter: Parameter;
  readonly rows: number;
  readonly columns: number;
}

function dense(node: GraphNode, input: FeaturesValue, weight: Matrix): FeaturesValue {
  const { parameter, rows: units, columns } = weight;
  const { stage, view } = input;
  if (view.length !== 1) {
    const axes = ['samples', ...view].join(', ');
    throw refusal(
      node,
      `reads a tensor of shape [${axes}]; only [samples, features] is supported: flatten it first`,
    );
  }
  if (view[0] !== columns) {
    throw invalid(
      `${node.operator} '${node.name}' reads ${view[0] ?? 0} features, but its weight ` +
        `'${parameter.name}' takes ${columns}.`,
    );
  }
  const layer = { type: 'dense', weight: parameter, bias: undefined } as const;
  return {
    kind: 'features',
    stage: { previous: stage, layer, shape: [units], node },
    view: [units],
  };
}

/** Layer behind `value` with scale·constant as its bias, broadcast to one entry per unit. */
function withBias(
  node: GraphNode,
  value: FeaturesValue,
  constant: ConstantValue,
  scale: number,
  note: (text: string) => void,
): FeaturesValue {
  const { stage, view } = value;
  const { layer } = stage;
  if (layer.type !== 'dense') throw refusal(node, 'adds a bias to no dense layer');
  const { dims, values, type } = constant.tensor;
  const units = stage.shape[0] ?? 0;
  const last = dims.at(-1) ?? 1;
  // The axis of the units is the last one; MatMul with a vector leaves none.
  const fits =
    dims.length <= 1 + view.length &&
    dims.slice(0, -1).every((size) => size === 1) &&
    (last === 1 || (view.length === 1 && last === units));
  if (!fits) {
    const shape = ['samples', ...view].join(', ');
    throw refusal(
      node,
      `its bias '${constant.name}' of shape [${dims.join(', ')}] is not the same for all samples ` +
        `of a tensor of shape [${shape}]`,
    );
  }
  if (values.length !== units) {
    note(
      `${node.operator} '${node.name}': the bias '${constant.name}' is one number for all ` +
        `${units} units; here each unit has its own.`,
    );
  }
  const bias: Parameter = {
    name: constant.name,
    values: Float64Array.from({ length: units }, (_, unit) => {
      return scale * (values[values.length === 1 ? 0 : unit] ?? NaN);
    }),
    type,
    copyOf: constant.copyOf,
  };
  const biased: Stage = { ...stage, layer: { ...layer, bias } };
  return { kind: 'features', stage: biased, view };
}

/** The constant that a weight or bias is read from. */
function asParameter(node: GraphNode, value: Value | undefined, role: string): ConstantValue {
  if (value?.kind !== 'constant') {
    throw refusal(node, `${role} must be a constant, but is computed from the network's input`);
  }
  const { dims, values, type } = value.tensor;
  if (type.kind !== 'floating') {
    throw refusal(
      node,
      `${role} '${value.name}' holds ${type.name}; float32 or float64 is expected`,
    );
  }
  if (values.length === 0) {
    throw invalid(
      `${node.operator} '${node.name}': ${role} '${value.name}' of shape [${dims.join(', ')}] has ` +
        'no entries.',
    );
  }
  return value;
}

function asMatrix(node: GraphNode, value: Value | undefined, role: string): Matrix {
  const { name, tensor, copyOf } = asParameter(node, value, role);
  const [rows, columns] = tensor.dims;
  if (rows === undefined || columns === undefined || tensor.dims.length !== 2) {
    const shape = tensor.dims.join(', ');
    throw refusal(node, `${role} '${name}' has shape [${shape}]; a matrix is expected`);
  }
  return { parameter: { name, values: tensor.values, type: tensor.type, copyOf }, rows, columns };
}

function transposedMatrix({ parameter, rows, columns }: Matrix): Matrix {
  const values = transposed(parameter.values, rows, columns);
  return { parameter: { ...parameter, values }, rows: columns, columns: rows };
}

function scaled(matrix: Matrix, factor: number): Matrix {
  if (factor === 1) return matrix;
  const values = matrix.parameter.values.map((value) => factor * value);
  return { ...matrix, parameter: { ...matrix.parameter, values } };
}
