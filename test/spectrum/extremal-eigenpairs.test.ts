// Outermost eigenpairs from products alone: laws on many small matrices, values known by hand, refusals.

import { describe, expect, it } from 'vitest';

import { createRandom } from '../../src/data/random.js';
import {
  add,
  createNetwork,
  eigenvalues,
  extremalEigenpairs,
  gaussianClusters,
  hessian,
  matrixOperator,
  scale,
  shift,
} from '../../src/index.js';
import type { EigenpairsAtEnd, SymmetricOperator } from '../../src/index.js';
import { dot } from '../curvature/random-problems.js';
import { refusal } from '../data/refusal.js';

/** A plain operator, as users write them: no dense matrix to fall back on. */
function diagonal(values: readonly number[]): SymmetricOperator {
  const n = values.length;
  return { size: n, apply: (v) => Float64Array.from(v, (x, i) => x * (values[i % n] ?? NaN)) };
}

/** Q diag(values) Q with two Householder reflections. */
function rotated(values: readonly number[], seed: number) {
  const n = values.length;
  const random = createRandom(seed);
  const a = new Float64Array(n * n);
  values.forEach((value, i) => (a[i * n + i] = value));
  for (let turn = 0; turn < 2; turn += 1) {
    const u = Float64Array.from({ length: n }, () => random.normal());
    const square = dot(u, u);
    const au = Float64Array.from(u, (_, i) => dot(a.subarray(i * n, (i + 1) * n), u));
    const uau = dot(u, au);
    for (let i = 0; i < n; i += 1) {
      for (let j = 0; j < n; j += 1) {
        const [x, y] = [u[i] ?? 0, u[j] ?? 0];
        const change = (-2 * (x * (au[j] ?? 0) + (au[i] ?? 0) * y)) / square;
        a[i * n + j] = (a[i * n + j] ?? 0) + change + (4 * uau * x * y) / square ** 2;
      }
    }
  }
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j < i; j += 1) a[i * n + j] = a[j * n + i] ?? 0;
  }
  return matrixOperator(a, n);
}

function orthogonality({ vectors, values }: EigenpairsAtEnd, n: number): number {
  let worst = 0;
  for (let i = 0; i < values.length; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      const product = dot(vectors.slice(i * n, (i + 1) * n), vectors.slice(j * n, (j + 1) * n));
      worst = Math.max(worst, Math.abs(product - (i === j ? 1 : 0)));
    }
  }
  return worst;
}

const spectra: Record<string, (random: ReturnType<typeof createRandom>) => number> = {
  spread: (random) => random.normal(),
  repeated: (random) => Math.round(2 * random.normal()),
  clustered: (random) => Math.round(2 * random.normal()) + 1e-7 * random.normal(),
  'mostly zero': (random) => (random.uniform() < 0.8 ? 0 : random.normal()),
  graded: (random) => 10 ** random.uniform(-14, 2),
};

describe('200 matrices', () => {
  it.each(Object.keys(spectra))(
    '%s: both ends are the dense ones within the bound, on orthonormal vectors',
    async (kind) => {
      for (let seed = 1; seed <= 40; seed += 1) {
        const random = createRandom(seed);
        const n = 20 + random.integerBelow(41);
        const values = Array.from({ length: n }, () => spectra[kind]?.(random) ?? NaN);
        const operator = rotated(values, seed);
        const pairs = await extremalEigenpairs(operator, {
          largest: 3,
          smallest: 2,
          blockSize: 2,
          basisSize: 30,
          tolerance: 1e-9,
          seed,
        });
        const sorted = values.toSorted((a, b) => a - b);
        const norm = Math.max(...values.map(Math.abs));
        const slack = pairs.bound + 1e-13 * n * norm;
        const where = `${kind}, seed ${String(seed)}`;
        expect(pairs.largest.converged, where).toEqual([true, true, true]);
        expect(pairs.smallest.converged, where).toEqual([true, true]);
        [...pairs.largest.values].forEach((value, k) => {
          expect(Math.abs(value - (sorted[n - 1 - k] ?? NaN)), where).toBeLessThanOrEqual(slack);
        });
        [...pairs.smallest.values].forEach((value, k) => {
          expect(Math.abs(value - (sorted[k] ?? NaN)), where).toBeLessThanOrEqual(slack);
        });
        expect(orthogonality(pairs.largest, n), where).toBeLessThan(1e-12);
        expect(orthogonality(pairs.smallest, n), where).toBeLessThan(1e-12);
      }
    },
    60_000,
  );
});

describe('values known by hand', () => {
  it('all ones plus a diagonal has one value above 1 (case 12a)', async () => {
    const n = 100;
    const matrix = new Float64Array(n * n).fill(1);
    for (let i = 0; i < n; i += 1) matrix[i * n + i] = 1 + i / 100;
    const operator = matrixOperator(matrix, n);
    const { largest } = await extremalEigenpairs(operator, { largest: 10, tolerance: 1e-12 });
    const dense = (await eigenvalues(operator)).slice(-10).reverse();
    const known = [100.49583325, 0.98818558, 0.97789133, 0.96769742];
    known.forEach((value, k) => {
      expect(largest.values[k]).toBeCloseTo(value, 8);
    });
    largest.values.forEach((value, k) => {
      expect(Math.abs(value - (dense[k] ?? NaN))).toBeLessThan(1e-10);
    });
    for (let k = 0; k < 10; k += 1) {
      const vector = Float64Array.from(largest.vectors.slice(k * n, (k + 1) * n));
      const product = Float64Array.from(await operator.apply(vector, 1));
      const residual = product.map((x, i) => x - (largest.values[k] ?? NaN) * (vector[i] ?? NaN));
      const norm = Math.sqrt(dot(residual, residual));
      expect(Math.abs(norm - (largest.residualNorms[k] ?? NaN))).toBeLessThan(1e-12);
    }
  });

  it('three of order 3 are all, and five are three (case 12b)', async () => {
    for (const count of [3, 5]) {
      const { largest } = await extremalEigenpairs(diagonal([1, 2, 3]), { largest: count });
      [3, 2, 1].forEach((value, k) => {
        expect(largest.values[k]).toBeCloseTo(value, 13);
      });
      expect(largest.values).toHaveLength(3);
    }
  });

  it('symmetric but for the last bits passes (case 11b)', async () => {
    const [a, b, c, d] = [
      23473.684554963584, 4273.093076392109, 4273.093076392048, 4462.13956661408,
    ];
    const operator = (e: number): SymmetricOperator => ({
      size: 2,
      apply: ([x = 0, y = 0, ...rest]) => {
        const more =
          rest.length > 0
            ? [a * (rest[0] ?? 0) + b * (rest[1] ?? 0), e * (rest[0] ?? 0) + d * (rest[1] ?? 0)]
            : [];
        return [a * x + b * y, e * x + d * y, ...more];
      },
    });
    const { largest } = await extremalEigenpairs(operator(c), { largest: 2 });
    expect(largest.values[0]).toBeCloseTo(24389.95769255, 7);
    expect(largest.values[1]).toBeCloseTo(3545.86642903, 7);
    await expect(extremalEigenpairs(operator(4000))).rejects.toEqual(
      refusal('ERR_NUMERIC', /not symmetric/),
    );
  });

  it.each([1, 2, 300])('zero and identity of order %i', async (n) => {
    for (const value of [0, 1]) {
      const operator = diagonal(Array.from({ length: n }, () => value));
      const { largest, smallest } = await extremalEigenpairs(operator, { largest: 6, smallest: 1 });
      expect(largest.values).toHaveLength(Math.min(6, n));
      for (const found of [...largest.values, ...smallest.values]) {
        expect(found).toBeCloseTo(value, 13);
      }
      expect(orthogonality(largest, n)).toBeLessThan(1e-12);
    }
  });

  it('finds more copies of an eigenvalue than a block holds', async () => {
    const values = Array.from({ length: 500 }, (_, i) => (i < 7 ? 10 : i / 500));
    const { largest } = await extremalEigenpairs(diagonal(values), { largest: 8, blockSize: 1 });
    expect([...largest.values.slice(0, 7)].every((x) => Math.abs(x - 10) < 1e-10)).toBe(true);
    expect(largest.values[7]).toBeCloseTo(499 / 500, 8);
  });
});

describe('clusters and null spaces wider than a block', () => {
  const count = 12;
  const cases: Record<string, (i: number) => number> = {
    'a null space of 480, smallest': (i) => (i < 480 ? 0 : i / 500),
    'twelve copies': (i) => (i < count ? -3 : i / 500),
    'a cluster 1e-9 wide': (i) => (i < count ? -3 + 1e-10 * i : i / 500),
    'three clusters': (i) => (i < 18 ? -1 - (i % 3) : i / 500),
    'graded to 1e-14': (i) => -(10 ** (-i / 10)),
  };
  const settings = [{}, { blockSize: 1 }, { blockSize: 3, basisSize: 16 }, { blockSize: 8 }];

  it.each(Object.keys(cases))('%s', async (name) => {
    const values = Array.from({ length: 500 }, (_, i) => cases[name]?.(i) ?? NaN);
    const sorted = values.toSorted((a, b) => a - b);
    const norm = Math.max(...values.map(Math.abs));
    for (const setting of settings) {
      const { smallest, bound } = await extremalEigenpairs(diagonal(values), {
        smallest: count,
        ...setting,
      });
      const where = JSON.stringify(setting);
      expect(smallest.converged.every(Boolean), where).toBe(true);
      smallest.values.forEach((value, k) => {
        const off = Math.abs(value - (sorted[k] ?? NaN));
        expect(off, `${where}, pair ${String(k)}`).toBeLessThanOrEqual(bound + 1e-14 * norm);
      });
      expect(orthogonality(smallest, 500), where).toBeLessThan(1e-12);
    }
  });
});

describe('operators', () => {
  const network = createNetwork(
    {
      input: [3],
      layers: [{ type: 'dense', units: 6 }, { type: 'tanh' }, { type: 'dense', units: 4 }],
      loss: 'softmaxCrossEntropy',
    },
    { seed: 1 },
  );
  const data = gaussianClusters({ samples: 30, dimensions: 3, classes: 4, seed: 2 });

  it('of a network: the ends of its dense spectrum, the same bits on 1, 2 and 3 threads', async () => {
    const operator = hessian(network, data);
    const dense = await eigenvalues(operator);
    const runs = await Promise.all(
      [1, 2, 3].map((threads) =>
        extremalEigenpairs(operator, { largest: 3, smallest: 3, tolerance: 1e-11, threads }),
      ),
    );
    for (const { largest, smallest } of runs) {
      expect(largest).toEqual(runs[0]?.largest);
      expect(smallest).toEqual(runs[0]?.smallest);
    }
    const norm = Math.max(...dense.map(Math.abs));
    for (let k = 0; k < 3; k += 1) {
      const top = runs[0]?.largest.values[k] ?? NaN;
      const bottom = runs[0]?.smallest.values[k] ?? NaN;
      expect(Math.abs(top - (dense.at(-1 - k) ?? NaN))).toBeLessThan(1e-10 * norm);
      expect(Math.abs(bottom - (dense[k] ?? NaN))).toBeLessThan(1e-10 * norm);
    }
  });

  it('are added, scaled and shifted', async () => {
    const a = rotated([1, 2, 3], 1);
    const sum = shift(add(scale(a, 2), diagonal([0, 0, 0])), -1);
    const { largest } = await extremalEigenpairs(sum, { largest: 3 });
    [5, 3, 1].forEach((value, k) => {
      expect(largest.values[k]).toBeCloseTo(value, 12);
    });
    [...(await eigenvalues(shift(scale(a, 2), -1)))].forEach((value, k) => {
      expect(value).toBeCloseTo(2 * k + 1, 12);
    });
    expect(() => add(a, diagonal([1, 2]))).toThrow(refusal('ERR_SHAPE', /sizes 3 and 2/));
    expect(() => scale(a, NaN)).toThrow(refusal('ERR_SPEC', /NaN; expected a finite/));
  });
});

describe('outcomes and refusals', () => {
  it('a product that is not finite is refused with its place', async () => {
    let calls = 0;
    const failing: SymmetricOperator = {
      size: 5,
      apply: (v) => v.map((x, i) => ((calls += i === 0 ? 1 : 0) > 4 && i === 3 ? NaN : x)),
    };
    await expect(extremalEigenpairs(failing, { largest: 2, blockSize: 1 })).rejects.toEqual(
      refusal('ERR_NUMERIC', /entry 3 of row 0 is NaN/),
    );
  });

  it('in float32 the residuals are true to its rounding', async () => {
    const matrix = new Float32Array(400 * 400);
    for (let i = 0; i < 400; i += 1) matrix[i * 401] = i + 1;
    const { largest } = await extremalEigenpairs(matrixOperator(matrix, 400), { largest: 5 });
    largest.values.forEach((value, k) => {
      expect(Math.abs(value - (400 - k))).toBeLessThan(400 * 1e-5);
    });
    expect(largest.converged).not.toContain(false);
    expect(orthogonality(largest, 400)).toBeLessThan(1e-12);
  });

  it('says which pairs the budget did not reach', async () => {
    const values = Array.from({ length: 2000 }, (_, i) => i / 2000);
    const { largest, products } = await extremalEigenpairs(diagonal(values), {
      largest: 4,
      maxProducts: 60,
    });
    expect(largest.converged).toContain(false);
    expect(products).toBeLessThanOrEqual(64);
  });

  it('a warm start from the answer needs fewer products', async () => {
    const values = Array.from({ length: 800 }, (_, i) => Math.sqrt(i));
    const cold = await extremalEigenpairs(diagonal(values), { largest: 4 });
    const warm = await extremalEigenpairs(diagonal(values), {
      largest: 4,
      startVectors: cold.largest.vectors,
    });
    expect(warm.products).toBeLessThan(cold.products);
  });

  it('refuses operators that are not repeatable, start vectors that do not fit, and stops on abort', async () => {
    let calls = 0;
    const drifting: SymmetricOperator = { size: 3, apply: (v) => v.map((x) => x * (calls += 1)) };
    await expect(extremalEigenpairs(drifting)).rejects.toEqual(
      refusal('ERR_NUMERIC', /not repeatable/),
    );
    await expect(extremalEigenpairs(diagonal([1, 2, 3]), { startVectors: [1, 2] })).rejects.toEqual(
      refusal('ERR_SHAPE', /2 entries; expected 1 to 3 vectors of 3/),
    );
    await expect(
      extremalEigenpairs(diagonal([1, 2, 3]), { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED' });
  });

  it('refuses a basis that memory does not hold before it is allocated', async () => {
    const huge: SymmetricOperator = { size: 2 ** 20, apply: (v) => v };
    await expect(extremalEigenpairs(huge, { largest: 1, basisSize: 2 ** 19 })).rejects.toEqual(
      refusal('ERR_MEMORY', /basis vectors of 1048576 entries/),
    );
  });
});
