// Papyan’s parts of G as operators, against sums over samples.

import { describe, expect, it } from 'vitest';

import {
  attributeOutliers,
  createNetwork,
  eigenpairs,
  gaussianClusters,
  gaussNewton,
  outlierTerms,
} from '../../src/index.js';
import {
  terms,
  makeProblem,
  partsByDefinition,
  norm,
  difference,
  variants,
} from './class-pair-problem.js';

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
