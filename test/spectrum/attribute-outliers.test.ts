// What outliers are made of: Papyan's parts of G, against sums over samples written out here.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  attributeOutliers,
  createDataset,
  createNetwork,
  eigenpairs,
  extremalEigenpairs,
  gaussianClusters,
  gaussNewton,
  outlierTerms,
  sgd,
  train,
} from '../../src/index.js';
import type { Dataset, DType, LossSpec, Network, OutlierTerm } from '../../src/index.js';
import { asJavaScript, smallNetwork } from '../curvature/small-network.js';

const terms: readonly OutlierTerm[] = [
  'classMeans',
  'crossClassMeans',
  'withinCrossClass',
  'sameClass',
];

interface Problem {
  readonly network: Network;
  readonly data: Dataset;
  readonly inputs: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly weights: readonly number[];
  /** s_i Q_i / Σ s κ */
  readonly factors: readonly number[];
}

interface ProblemOptions {
  readonly seed: number;
  readonly dtype?: DType;
  readonly classes?: number;
  readonly samples?: number;
  readonly classWeights?: readonly number[];
  readonly labelSmoothing?: number;
}

/** 3 inputs, 4 hidden, some classes; the last label is ignored. */
function makeProblem(options: ProblemOptions): Problem {
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

interface Weighted {
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
function partsByDefinition(problem: Problem, only?: number): Record<OutlierTerm, Float64Array> {
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

const norm = (x: ArrayLike<number>): number => Math.hypot(...Array.from(x));
const difference = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
  norm(Array.from(x, (value, i) => value - (y[i] ?? NaN)));

function quadratic(matrix: Float64Array, v: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < v.length; i += 1) {
    for (let j = 0; j < v.length; j += 1) {
      total += (v[i] ?? NaN) * (matrix[i * v.length + j] ?? NaN) * (v[j] ?? NaN);
    }
  }
  return total;
}

const variants: readonly (readonly [string, ProblemOptions])[] = [
  ['three classes', { seed: 1 }],
  ['five classes with weights', { seed: 2, classes: 5, classWeights: [1, 2, 0.5, 3, 1] }],
  ['label smoothing', { seed: 3, classes: 4, labelSmoothing: 0.1, classWeights: [1, 2, 1, 1] }],
];

describe('the parts of G', () => {
  it.each(variants)('are those of their definition, with %s', async (_, options) => {
    const problem = makeProblem(options);
    const operators = outlierTerms(problem.network, problem.data);
    const expected = partsByDefinition(problem);
    for (const term of terms) {
      const given = await operators[term].toDense();
      const scale = Math.max(norm(expected[term]), norm(expected.sameClass));
      expect(difference(given, expected[term]), term).toBeLessThan(1e-14 * scale * 10);
    }
  });

  it.each(variants)('sum to G to 1e-14, with %s', async (_, options) => {
    const { network, data } = makeProblem(options);
    const operators = outlierTerms(network, data);
    const whole = await gaussNewton(network, data).toDense({ via: 'products' });
    const sum = new Float64Array(whole.length);
    for (const term of terms) {
      const part = await operators[term].toDense();
      part.forEach((value, i) => (sum[i] = (sum[i] ?? NaN) + value));
    }
    expect(difference(sum, whole)).toBeLessThan(1e-14 * norm(whole));
  });

  it('have the ranks that their means allow', async () => {
    const { network, data } = makeProblem({ seed: 5, classes: 4, samples: 40 });
    const { classMeans, crossClassMeans } = outlierTerms(network, data);
    const rankOf = async (term: typeof classMeans) => {
      const { values } = await eigenpairs(term);
      const largest = values.at(-1) ?? NaN;
      return values.filter((value) => value > 1e-13 * largest).length;
    };
    // Three classes have samples; each has three others.
    expect(await rankOf(classMeans)).toBe(3);
    expect(await rankOf(crossClassMeans)).toBe(6);
  });

  it('of a block are the blocks', async () => {
    const problem = makeProblem({ seed: 6 });
    const expected = partsByDefinition(problem);
    const size = problem.network.parameterCount;
    const operators = outlierTerms(problem.network, problem.data, { parameters: 'dense2' });
    const start = size - operators.classMeans.size;
    for (const term of terms) {
      const given = await operators[term].toDense();
      const block = Float64Array.from(given, (_, i) => {
        const row = start + Math.floor(i / operators[term].size);
        return expected[term][row * size + start + (i % operators[term].size)] ?? NaN;
      });
      expect(difference(given, block), term).toBeLessThan(1e-14 * norm(block) * 10);
    }
  });

  it('give the same bits on 1, 2 and 3 threads', async () => {
    const data = gaussianClusters({ samples: 700, classes: 3, dimensions: 10, seed: 4 });
    const network = createNetwork({
      input: [10],
      layers: [{ type: 'dense', units: 8 }, { type: 'relu' }, { type: 'dense', units: 3 }],
      loss: 'softmaxCrossEntropy',
    });
    const vectors = Float64Array.from({ length: 3 * network.parameterCount }, (_, i) =>
      Math.sin(i),
    );
    for (const term of terms) {
      const products = [];
      for (const threads of [1, 2, 3]) {
        products.push(await outlierTerms(network, data, { threads })[term].apply(vectors, 3));
      }
      expect(products[1], term).toEqual(products[0]);
      expect(products[2], term).toEqual(products[0]);
    }
    const pairs = { values: [3, 2, 1], vectors };
    const one = await attributeOutliers(network, data, pairs, { threads: 1 });
    expect(await attributeOutliers(network, data, pairs, { threads: 3 })).toEqual(one);
  });
});

describe('attributeOutliers', () => {
  it.each(variants)('gives vᵀG_k v / vᵀGv, by class too, with %s', async (_, options) => {
    const problem = makeProblem(options);
    const { network, data } = problem;
    const pairs = await eigenpairs(gaussNewton(network, data), { largest: 4 });
    const outliers = await attributeOutliers(network, data, pairs);
    const size = network.parameterCount;
    outliers.forEach((outlier, rank) => {
      const v = pairs.vectors.subarray(rank * size, (rank + 1) * size);
      expect(outlier.value).toBe(pairs.values[rank]);
      expect(outlier.multiplicity).toBe(1);
      expect(Math.abs(outlier.gaussNewtonValue / outlier.value - 1)).toBeLessThan(1e-12);
      for (let c = 0; c < network.outputCount; c += 1) {
        const parts = partsByDefinition(problem, c);
        let total = 0;
        for (const term of terms) {
          const share = quadratic(parts[term], v) / outlier.gaussNewtonValue;
          total += share;
          expect(Math.abs((outlier.classes[c]?.[term] ?? NaN) - share)).toBeLessThan(1e-12);
        }
        expect(Math.abs((outlier.classes[c]?.total ?? NaN) - total)).toBeLessThan(1e-12);
      }
      const first = norm(v.subarray(0, 16)) ** 2;
      expect(outlier.layers.map(({ layer }) => layer)).toEqual(['dense0', 'dense2']);
      expect(outlier.layers[0]?.share).toBeCloseTo(first, 12);
      expect(outlier.layers[1]?.share).toBeCloseTo(1 - first, 12);
    });
  });

  it('has shares that are at least 0 and sum to 1, for any network, data and direction', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1e6 }),
        fc.integer({ min: 2, max: 6 }),
        fc.constantFrom('float64', 'float32'),
        fc.constantFrom(0, 1, 30),
        async (seed, classes, dtype, scale) => {
          const { network, data } = makeProblem({ seed, classes, dtype, samples: 9 });
          if (scale > 0) network.setParameters(network.parameters().map((x) => x * scale));
          const vectors = Float64Array.from(
            { length: 2 * network.parameterCount },
            (_, i) => Math.sin(seed + 7 * i) * 10 ** (i % 5),
          );
          const pairs = { values: [2, 1], vectors };
          for (const outlier of await attributeOutliers(network, data, pairs)) {
            const shares = terms.map((term) => outlier.shares[term]);
            expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
            expect(Math.abs(shares.reduce((a, b) => a + b) - 1)).toBeLessThan(1e-14);
            const byClass = outlier.classes.map(({ total }) => total);
            expect(Math.min(...byClass)).toBeGreaterThanOrEqual(0);
            expect(Math.abs(byClass.reduce((a, b) => a + b) - 1)).toBeLessThan(1e-14);
            const layers = outlier.layers.reduce((sum, { share }) => sum + share, 0);
            expect(Math.abs(layers - 1)).toBeLessThan(1e-14);
          }
        },
      ),
      { seed: 20, numRuns: 60 },
    );
  });

  it('gives the outliers of well separated clusters to class and cross-class means', async () => {
    const classes = 4;
    const data = gaussianClusters({
      samples: 400,
      classes,
      dimensions: 20,
      seed: 3,
      covariance: 0.05,
    });
    const network = createNetwork({
      input: [20],
      layers: [{ type: 'dense', units: 16 }, { type: 'tanh' }, { type: 'dense', units: classes }],
      loss: 'softmaxCrossEntropy',
    });
    await train(network, data, {
      optimizer: sgd({ learningRate: 0.1 }),
      batchSize: 'full',
      steps: 300,
    });
    const outliers = await attributeOutliers(network, data, classes);
    const { largest } = await extremalEigenpairs(gaussNewton(network, data), { largest: classes });
    outliers.forEach(({ value, shares }, rank) => {
      expect(Math.abs(value - (largest.values[rank] ?? NaN))).toBeLessThan(1e-6 * value);
      expect(shares.classMeans + shares.crossClassMeans, `outlier ${String(rank)}`).toBeGreaterThan(
        0.9,
      );
    });
  });

  it('gives an eigenspace one value, whatever its basis', async () => {
    const { network, data } = makeProblem({ seed: 8 });
    const size = network.parameterCount;
    const { values, vectors } = await eigenpairs(gaussNewton(network, data), { largest: 2 });
    const [first, second] = [vectors.subarray(0, size), vectors.subarray(size)];
    const turned = new Float64Array(2 * size);
    for (let i = 0; i < size; i += 1) {
      turned[i] = 0.6 * (first[i] ?? NaN) + 0.8 * (second[i] ?? NaN);
      turned[size + i] = -0.8 * (first[i] ?? NaN) + 0.6 * (second[i] ?? NaN);
    }
    const wide = { tolerance: 1 };
    const [a, b] = await attributeOutliers(network, data, { values, vectors }, wide);
    const [c] = await attributeOutliers(network, data, { values, vectors: turned }, wide);
    expect(a?.multiplicity).toBe(2);
    expect(b?.shares).toEqual(a?.shares);
    for (const term of terms) {
      expect(Math.abs((c?.shares[term] ?? NaN) - (a?.shares[term] ?? NaN))).toBeLessThan(1e-13);
    }
  });
});

describe('attributeOutliers refuses', () => {
  const { network, data } = makeProblem({ seed: 9 });
  const size = network.parameterCount;
  const ones = new Float64Array(size).fill(1);

  it.each([
    ['another loss', createNetwork({ ...smallNetwork.spec, loss: 'meanSquaredError' }), [[0, 1]]],
    ['rows of probabilities', smallNetwork, [[0.5, 0.5]]],
  ])('%s', async (_, other, targets) => {
    const rows = createDataset({ inputs: [[1, 2]], targets });
    for (const call of [attributeOutliers, outlierTerms]) {
      await expect(asJavaScript(call, other, rows, 1)).rejects.toMatchObject({
        code: 'ERR_SPEC',
        message: expect.stringContaining('expected softmaxCrossEntropy') as string,
      });
    }
  });

  it.each([
    ['no pairs', undefined, 'ERR_SPEC', 'values of the pairs'],
    ['no number of them', 0, 'ERR_SPEC', 'how many of the largest'],
    ['an empty list', { values: [], vectors: [] }, 'ERR_SHAPE', 'at least one'],
    ['short vectors', { values: [1], vectors: [1, 2] }, 'ERR_SHAPE', 'vectors of 2 entries'],
    ['a value of NaN', { values: [NaN], vectors: ones }, 'ERR_DATA', 'entry 0 of values'],
    ['a vector of zeros', { values: [1], vectors: ones.map(() => 0) }, 'ERR_DATA', '|v|'],
  ])('%s', async (_, pairs, code, message) => {
    await expect(asJavaScript(attributeOutliers, network, data, pairs)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  it('a vector in the null space of G', async () => {
    const { network: wide, data: few } = makeProblem({ seed: 10, samples: 2 });
    const vectors = new Float64Array(wide.parameterCount);
    // One and the same step of all output biases changes no probability.
    vectors.fill(1, wide.parameterCount - wide.outputCount);
    const call = attributeOutliers(wide, few, { values: [1], vectors });
    await expect(call).rejects.toMatchObject({ code: 'ERR_DATA' });
    await expect(call).rejects.toThrow('vᵀGv of pair 0');
  });

  it('a closed form of the parts', async () => {
    const { classMeans } = outlierTerms(network, data);
    await expect(classMeans.toDense({ via: 'closedForm' })).rejects.toMatchObject({
      code: 'ERR_SPEC',
    });
  });
});
