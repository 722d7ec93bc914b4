// Gemm and MatMul: y = x·Wᵀ + b with W [units, inputs].

import { invalid } from '../failures.js';
import type { GraphNode } from '../graph.js';
import { Numbers } from '../numbers.js';
import {
  inAnyOrder,
  newStage,
  refusal,
  sampleShape,
  type FeaturesValue,
  type Handler,
  type Parameter,
  type Value,
} from '../values.js';
import { withBias } from './bias.js';
import { asParameter, parameterOf } from './parameters.js';

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
  const input = inAnyOrder(node, a, 'its first input A');
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
  const constant = asParameter(node, c, 'its third input C');
  return withBias(node, result, { constant, scale: beta, note });
};

/** A·B for constant B: a dense layer, without bias until an Add brings one. */
export const MatMul: Handler = (node, [a, b]) => {
  const input = inAnyOrder(node, a, 'its first input A');
  const constant = asParameter(node, b, 'its second input B');
  if (constant.tensor.dims.length !== 1) {
    return dense(node, input, transposedMatrix(asMatrix(node, b, 'its second input B')));
  }
  // [samples, inputs] · [inputs] is [samples]: one unit whose axis is gone.
  const columns = constant.tensor.numbers.length;
  const weight = { parameter: parameterOf(constant), rows: 1, columns };
  return { ...dense(node, input, weight), view: [] };
};

interface Matrix {
  readonly parameter: Parameter;
  readonly rows: number;
  readonly columns: number;
}

function dense(node: GraphNode, input: FeaturesValue, weight: Matrix): FeaturesValue {
  const { parameter, rows: units, columns } = weight;
  const { stage, view, order } = input;
  if (view.length !== 1) {
    throw refusal(
      node,
      `reads a tensor of shape ${sampleShape(view)}; only [samples, features] is supported: flatten it first`,
    );
  }
  if (view[0] !== columns) {
    throw invalid(
      `${node.operator} '${node.name}' reads ${view[0] ?? 0} features, but its weight ` +
        `'${parameter.name}' takes ${columns}.`,
    );
  }
  const own = order === undefined ? parameter : reordered(weight, order);
  const layer = { type: 'dense', weight: own, bias: undefined } as const;
  return newStage(node, [stage], { layer, shape: [units] });
}

/** The columns in the order of the library, whose images have the channels first. */
function reordered({ parameter, rows, columns }: Matrix, order: readonly number[]): Parameter {
  const columnAt = new Uint32Array(columns);
  order.forEach((place, column) => {
    columnAt[place] = column;
  });
  const { numbers: given } = parameter;
  const numbers = Numbers.from(rows * columns, (index) => {
    const place = index % columns;
    return given.at(index - place + (columnAt[place] ?? NaN));
  });
  return { ...parameter, numbers, reordered: true };
}

function asMatrix(node: GraphNode, value: Value | undefined, role: string): Matrix {
  const constant = asParameter(node, value, role);
  const { dims } = constant.tensor;
  const [rows, columns] = dims;
  if (rows === undefined || columns === undefined || dims.length !== 2) {
    const shape = dims.join(', ');
    throw refusal(node, `${role} '${constant.name}' has shape [${shape}]; a matrix is expected`);
  }
  return { parameter: parameterOf(constant), rows, columns };
}

function transposedMatrix({ parameter, rows, columns }: Matrix): Matrix {
  const numbers = parameter.numbers.transposed(rows, columns);
  return { parameter: { ...parameter, numbers }, rows: columns, columns: rows };
}

function scaled(matrix: Matrix, factor: number): Matrix {
  if (factor === 1) return matrix;
  const numbers = matrix.parameter.numbers.map((value) => factor * value);
  return { ...matrix, parameter: { ...matrix.parameter, numbers } };
}
