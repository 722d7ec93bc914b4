// What outliers are made of, against sums over samples.

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
import { asJavaScript, smallNetwork } from '../curvature/small-network.js';
import {
  terms,
  makeProblem,
  partsByDefinition,
  norm,
  quadratic,
  variants,
} from './class-pair-problem.js';

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
