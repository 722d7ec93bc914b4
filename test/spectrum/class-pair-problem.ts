// Small networks with labelled data, and Papyan’s parts of their G by sums over samples written out here.

import { createDataset, createNetwork } from '../../src/index.js';
import type { Dataset, DType, LossSpec, Network, OutlierTerm } from '../../src/index.js';

export const terms: readonly OutlierTerm[] = [
  'classMeans',
  'crossClassMeans',
  'withinCrossClass',
  'sameClass',
];

export interface Problem {
  readonly network: Network;
  readonly data: Dataset;
  readonly inputs: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly weights: readonly number[];
  /** s_i Q_i / Σ s κ */
  readonly factors: readonly number[];
}

export interface ProblemOptions {
  readonly seed: number;
  readonly dtype?: DType;
  readonly classes?: number;
  readonly samples?: number;
  readonly classWeights?: readonly number[];
  readonly labelSmoothing?: number;
}

/** 3 inputs, 4 hidden, some classes; the last label is ignored. */
export function makeProblem(options: ProblemOptions): Problem {
  const { seed, dtype = 'float64', classes = 3, samples = 12 } = options;
  const { classWeights, labelSmoothing = 0 } = options;
  let state = seed;
  const random = () => {
    state = (state * 48271 + 11) % 2147483647;
    return state / 2147483647;
  };
  for (let i = 0; i < 10; i += 1) random();
  const inputs = Array.from({ length: samples }, () => [random(), -random(), 2 * random()]);
  const labels = Array.from({ length: samples }, (_, n) =>
    n === samples - 1 ? classes - 1 : Math.floor(random() * (classes - 1)),
  );
  const weights = Array.from({ length: samples }, () => 1 + Math.floor(3 * random()));
  const loss: LossSpec = {
    type: 'softmaxCrossEntropy',
    ignoreIndex: classes - 1,
    labelSmoothing,
    ...(classWeights && { classWeights: [...classWeights] }),
  };
  const layers = [
    { type: 'dense', units: 4 },
    { type: 'tanh' },
    { type: 'dense', units: classes },
  ] as const;
  const network = createNetwork({ input: [3], layers, loss }, { seed, dtype });
  const data = createDataset({ inputs, targets: Int32Array.from(labels), weights });
  const weightOf = (c: number) => classWeights?.[c] ?? 1;
  let denominator = 0;
  labels.forEach((label, n) => {
    if (label !== classes - 1) denominator += (weights[n] ?? NaN) * weightOf(label);
  });
  const smooth = Array.from({ length: classes }, (_, c) => weightOf(c) / classes);
  const mass = (label: number) =>
    (1 - labelSmoothing) * weightOf(label) + labelSmoothing * smooth.reduce((a, b) => a + b);
  const factors = labels.map((label, n) =>
    label === classes - 1 ? 0 : ((weights[n] ?? NaN) * mass(label)) / denominator,
  );
  return { network, data, inputs, labels, weights, factors };
}

/** p [C] and J [C, M] of one sample: tanh between two dense layers, by hand. */
function sampleAt(network: Network, x: readonly number[]) {
  const theta = network.parameters();
  const d = x.length;
  const h = 4;
  const classes = network.outputCount;
  const at = (index: number) => theta[index] ?? NaN;
  const second = h * d + h;
  const y = Array.from({ length: h }, (_, i) =>
    Math.tanh(x.reduce((sum, value, j) => sum + at(i * d + j) * value, at(h * d + i))),
  );
  const f = Array.from({ length: classes }, (_, c) =>
    y.reduce((sum, value, i) => sum + at(second + c * h + i) * value, at(second + classes * h + c)),
  );
  const top = Math.max(...f);
  const total = f.reduce((sum, value) => sum + Math.exp(value - top), 0);
  const p = f.map((value) => Math.exp(value - top) / total);
  const jacobian = f.map((_, c) => {
    const row = new Float64Array(theta.length);
    y.forEach((value, i) => {
      const bent = at(second + c * h + i) * (1 - value ** 2);
      x.forEach((input, j) => (row[i * d + j] = bent * input));
      row[h * d + i] = bent;
      row[second + c * h + i] = value;
    });
    row[second + classes * h + c] = 1;
    return row;
  });
  return { p, jacobian };
}

export interface Weighted {
  readonly weight: number;
  readonly vector: Float64Array;
}

function meanOf(vectors: readonly Weighted[], size: number): Weighted {
  const weight = vectors.reduce((sum, { weight: w }) => sum + w, 0);
  const vector = new Float64Array(size);
  for (const { weight: w, vector: x } of vectors) {
    x.forEach((value, i) => (vector[i] = (vector[i] ?? NaN) + (w / weight) * value));
  }
  return { weight, vector };
}

/** The parts by their definition, from all δ_icc'; `only` leaves the samples of one class. */
export function partsByDefinition(
  problem: Problem,
  only?: number,
): Record<OutlierTerm, Float64Array> {
  const { network, inputs, labels, factors } = problem;
  const size = network.parameterCount;
  const classes = network.outputCount;
  const parts = {
    classMeans: new Float64Array(size * size),
    crossClassMeans: new Float64Array(size * size),
    withinCrossClass: new Float64Array(size * size),
    sameClass: new Float64Array(size * size),
  };
  const add = (term: OutlierTerm, weight: number, x: Float64Array, around?: Float64Array) => {
    const from = (i: number) => (x[i] ?? NaN) - (around?.[i] ?? 0);
    for (let i = 0; i < size; i += 1) {
      for (let j = 0; j < size; j += 1) {
        const entry = parts[term][i * size + j] ?? NaN;
        parts[term][i * size + j] = entry + weight * from(i) * from(j);
      }
    }
  };
  const pairs = Array.from({ length: classes * classes }, (): Weighted[] => []);
  inputs.forEach((x, n) => {
    const factor = factors[n] ?? NaN;
    const label = labels[n] ?? NaN;
    if (factor === 0 || (only !== undefined && label !== only)) return;
    const { p, jacobian } = sampleAt(network, x);
    for (let other = 0; other < classes; other += 1) {
      const vector = new Float64Array(size);
      jacobian.forEach((row, c) => {
        const cotangent = (p[c] ?? NaN) - (c === other ? 1 : 0);
        row.forEach((value, i) => (vector[i] = (vector[i] ?? NaN) + cotangent * value));
      });
      pairs[label * classes + other]?.push({ weight: factor * (p[other] ?? NaN), vector });
    }
  });
  for (let c = 0; c < classes; c += 1) {
    const means: Weighted[] = [];
    for (let other = 0; other < classes; other += 1) {
      const members = pairs[c * classes + other] ?? [];
      if (members.length === 0) continue;
      if (other === c) {
        for (const { weight, vector } of members) add('sameClass', weight, vector);
        continue;
      }
      const mean = meanOf(members, size);
      means.push(mean);
      for (const { weight, vector } of members) {
        add('withinCrossClass', weight, vector, mean.vector);
      }
    }
    if (means.length === 0) continue;
    const center = meanOf(means, size);
    add('classMeans', center.weight, center.vector);
    for (const { weight, vector } of means) add('crossClassMeans', weight, vector, center.vector);
  }
  return parts;
}

export const norm = (x: ArrayLike<number>): number => Math.hypot(...Array.from(x));
export const difference = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
  norm(Array.from(x, (value, i) => value - (y[i] ?? NaN)));

export function quadratic(matrix: Float64Array, v: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < v.length; i += 1) {
    for (let j = 0; j < v.length; j += 1) {
      total += (v[i] ?? NaN) * (matrix[i * v.length + j] ?? NaN) * (v[j] ?? NaN);
    }
  }
  return total;
}

export const variants: readonly (readonly [string, ProblemOptions])[] = [
  ['three classes', { seed: 1 }],
  ['five classes with weights', { seed: 2, classes: 5, classWeights: [1, 2, 0.5, 3, 1] }],
  ['label smoothing', { seed: 3, classes: 4, labelSmoothing: 0.1, classWeights: [1, 2, 1, 1] }],
];
