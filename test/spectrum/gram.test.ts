// Gram matrices in place of G and Fisher matrices: the same eigenvalues, and zeros that are exact.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createDataset,
  createNetwork,
  denseSpectrum,
  empiricalFisher,
  estimate,
  gaussNewton,
  gradientCovariance,
  hessian,
  monteCarloFisher,
  randomInputs,
  spectrum,
  trace,
} from '../../src/index.js';
import type { CurvatureOperator, Dataset, Network, NetworkSpec } from '../../src/index.js';

const chain = (loss: NetworkSpec['loss']): NetworkSpec => ({
  input: [5],
  layers: [
    { type: 'dense', units: 6 },
    { type: 'tanh' },
    { type: 'dense', units: 4 },
    { type: 'relu' },
    { type: 'dense', units: 3 },
  ],
  loss,
});
const images: NetworkSpec = {
  input: [1, 6, 6],
  layers: [
    { type: 'conv2d', filters: 4, kernelSize: 3 },
    { type: 'batchNorm' },
    { type: 'tanh' },
    { type: 'maxPool2d', size: 2 },
    { type: 'conv2d', filters: 3, kernelSize: 2 },
    { type: 'flatten' },
    { type: 'dense', units: 3 },
  ],
  loss: 'softmaxCrossEntropy',
};
const branched: NetworkSpec = {
  input: [4],
  layers: [
    { type: 'dense', units: 5, name: 'first' },
    { type: 'softplus', name: 'bent' },
    { type: 'layerNorm' },
    { type: 'dense', units: 5, name: 'second' },
    { type: 'add', inputs: ['bent', 'second'] },
    { type: 'dense', units: 3 },
  ],
  loss: 'softmaxCrossEntropy',
};

/** Its ∇²ℓ is no sum of squares; its gradients are gradients like any other's. */
const bent = chain({
  type: 'custom',
  value: ([f = 0, g = 0]) => g ** 2 - f ** 2,
  gradient: ([f = 0, g = 0]) => [-2 * f, 2 * g, 0],
  hessian: () => [
    [-2, 0, 0],
    [0, 2, 0],
    [0, 0, 0],
  ],
});

function dataFor({ input, loss }: NetworkSpec, samples: number): Dataset {
  const data = randomInputs({ samples, inputShape: [...input], classes: 3, seed: 5 });
  if (loss !== 'meanSquaredError' && loss !== 'binaryCrossEntropy') return data;
  const targets = Array.from(data.targets(), (label) =>
    [0, 1, 2].map((place) => (place === label ? 1 : 0)),
  );
  return createDataset({ inputs: data.inputs(), targets, inputShape: [...input] });
}

/** All eigenvalues both ways: within the sum of their bounds, and exactly 0 where one says so.
 *  @param least of what rounding is measured by: the largest eigenvalue, or that of a matrix behind this one
 *  @returns the largest eigenvalue */
async function requireSame(operator: CurvatureOperator, rows: number, least = 0): Promise<number> {
  const byGram = await denseSpectrum(operator, { via: 'gram' });
  const whole = await denseSpectrum(operator, { via: 'products' });
  expect(byGram.via).toBe('gram');
  expect(byGram.eigenvalues).toHaveLength(operator.size);
  const bound = byGram.errorBound + whole.errorBound;
  byGram.eigenvalues.forEach((value, k) => {
    expect(Math.abs(value - (whole.eigenvalues[k] ?? NaN))).toBeLessThanOrEqual(bound);
  });
  expect(byGram.exactZeros).toBeGreaterThanOrEqual(Math.max(0, operator.size - rows));
  const largest = byGram.eigenvalues.at(-1) ?? NaN;
  expect(byGram.errorEstimate).toBeLessThan(1e-11 * Math.max(largest, least));
  return largest;
}

const networkOf = (spec: NetworkSpec): Network<'float64'> => createNetwork(spec, { seed: 8 });

describe('the Gram matrix', () => {
  it.each([
    ['softmax cross-entropy', chain('softmaxCrossEntropy'), 2],
    ['squared error', chain('meanSquaredError'), 3],
    ['binary cross-entropy', chain('binaryCrossEntropy'), 3],
    ['convolutions and batch normalization', images, 2],
    ['a residual connection and layer normalization', branched, 2],
  ] as const)('has the eigenvalues of G under %s', async (_, spec, each) => {
    for (const samples of [1, 7, 40]) {
      const rows = samples * each;
      await requireSame(gaussNewton(networkOf(spec), dataFor(spec, samples)), rows);
    }
  });

  it('has those of Fisher matrices: a row for each sample, or for each label drawn', async () => {
    for (const spec of [chain('softmaxCrossEntropy'), images, branched]) {
      const data = dataFor(spec, 9);
      await requireSame(empiricalFisher(networkOf(spec), data), 9);
      await requireSame(monteCarloFisher(networkOf(spec), data, { samples: 2, seed: 1 }), 18);
    }
  });

  it.each([
    ['a chain', chain('softmaxCrossEntropy')],
    ['squared error', chain('meanSquaredError')],
    ['convolutions and batch normalization', images],
    ['a residual connection and layer normalization', branched],
    ['a loss of the user, whatever its curvature', bent],
  ] as const)(
    'has those of the covariance of the gradients, whose rows sum to 0: %s',
    async (_, spec) => {
      for (const samples of [2, 9, 40]) {
        const [network, data] = [networkOf(spec), dataFor(spec, samples)];
        await requireSame(gradientCovariance(network, data), samples - 1);
        await requireSame(empiricalFisher(network, data), samples);
      }
      const alone = await denseSpectrum(gradientCovariance(networkOf(spec), dataFor(spec, 1)), {
        via: 'gram',
      });
      expect(alone.exactZeros).toBe(alone.eigenvalues.length);
    },
  );

  it('bounds what is lost to a mean far above the spread: outputs − targets of −10,000 ± 1', async () => {
    const spec: NetworkSpec = {
      input: [2],
      layers: [{ type: 'dense', units: 1, name: 'only' }],
      loss: 'meanSquaredError',
    };
    const network = createNetwork(spec, { seed: 1 });
    network.setParameters(new Float64Array(3));
    const spread = [1, -1, 0.5, -0.5, 0, 0.25, -0.25];
    const data = createDataset({
      inputs: spread.map((x) => [x, 1]),
      targets: spread.map((x) => [1e4 + x]),
    });
    // ∂ℓ/∂b = −2t, so the covariance of the bias alone is 4·Σ(t − t̄)²/N.
    const exact = (4 * spread.reduce((sum, x) => sum + x ** 2, 0)) / spread.length;
    const operator = gradientCovariance(network, data, { parameters: 'only.bias' });
    const { eigenvalues, errorBound } = await denseSpectrum(operator, { via: 'gram' });
    const error = Math.abs((eigenvalues[0] ?? NaN) - exact);
    expect(error).toBeLessThanOrEqual(errorBound);
    expect(errorBound).toBeLessThan(1e-4 * exact);
    const rounded = createNetwork(spec, { dtype: 'float32', parameters: new Float32Array(3) });
    const rough = await denseSpectrum(
      gradientCovariance(rounded, data, { parameters: 'only.bias' }),
      { via: 'gram' },
    );
    expect(Math.abs((rough.eigenvalues[0] ?? NaN) - exact)).toBeLessThanOrEqual(rough.errorBound);
    expect(rough.errorBound).toBeGreaterThan(exact); // float32 says that it does not know
  });

  it('has those of a block, of a bias alone, and λ in place of zeros with weight decay', async () => {
    const network = networkOf(images);
    const data = dataFor(images, 6);
    const names = network.layout.map(({ name }) => name);
    for (const parameters of [names.slice(0, 2), names.slice(1, 2), names.slice(-2)]) {
      await requireSame(gaussNewton(network, data, { parameters }), 12);
      await requireSame(empiricalFisher(network, data, { parameters }), 6);
      await requireSame(gradientCovariance(network, data, { parameters }), 5);
      await requireSame(monteCarloFisher(network, data, { parameters, samples: 3 }), 18);
    }
    const decayed = await denseSpectrum(gaussNewton(network, data, { weightDecay: 0.5 }));
    expect(decayed.via).toBe('gram');
    expect(decayed.eigenvalues.filter((value) => value === 0.5).length).toBeGreaterThanOrEqual(
      network.parameterCount - 12,
    );
  });

  it('has those of weighted samples and classes, and labels that are ignored', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0, max: 4, noNaN: true }), { minLength: 5, maxLength: 5 }),
        fc.integer({ min: 0, max: 4 }),
        async (some, ignored) => {
          const weights = some.map((weight, n) => (n === (ignored + 1) % 5 ? 1 : weight));
          const spec = chain({
            type: 'softmaxCrossEntropy',
            ignoreIndex: -1,
            labelSmoothing: 0.1,
            classWeights: [0.5, 1, 3],
          });
          const given = dataFor(spec, 5);
          const targets = Int32Array.from({ length: 5 }, (_, n) => (n === ignored ? -1 : n % 3));
          const data = createDataset({ inputs: given.inputs(), targets, inputShape: [5], weights });
          await requireSame(gaussNewton(networkOf(spec), data), 10);
          const about0 = await requireSame(empiricalFisher(networkOf(spec), data), 5);
          await requireSame(gradientCovariance(networkOf(spec), data), 4, about0);
          await requireSame(monteCarloFisher(networkOf(spec), data, { samples: 2 }), 10);
        },
      ),
      { numRuns: 12, seed: 4 },
    );
  });

  it('crosses the borders of its tiles: 300 samples in float32 as in float64', async () => {
    const spec = chain('meanSquaredError');
    const data = dataFor(spec, 300);
    await requireSame(gaussNewton(networkOf(spec), data), 900);
    const single = createNetwork(spec, { seed: 8, dtype: 'float32' });
    const rough = await denseSpectrum(gaussNewton(single, data), { via: 'gram' });
    const fine = await denseSpectrum(gaussNewton(networkOf(spec), data), { via: 'gram' });
    const norm = fine.eigenvalues.at(-1) ?? NaN;
    rough.eigenvalues.forEach((value, k) => {
      expect(Math.abs(value - (fine.eigenvalues[k] ?? NaN))).toBeLessThan(1e-5 * norm);
    });
  });

  it('has the same bits on 1, 2 and 3 threads', async () => {
    for (const make of [gaussNewton, gradientCovariance]) {
      const operator = make(networkOf(images), dataFor(images, 150));
      const runs = await Promise.all(
        [1, 2, 3].map((threads) => denseSpectrum(operator, { via: 'gram', threads })),
      );
      expect(runs[1]?.eigenvalues).toEqual(runs[0]?.eigenvalues);
      expect(runs[2]?.eigenvalues).toEqual(runs[0]?.eigenvalues);
    }
  });
});

describe("'auto'", () => {
  it('takes it where it has fewer rows than what the reduction leaves', async () => {
    const spec = chain('softmaxCrossEntropy');
    const network = networkOf(spec);
    const few = await spectrum(network, dataFor(spec, 10), {
      terms: ['hessian', 'gaussNewton', 'residual', 'empiricalFisher', 'gradientCovariance'],
    });
    const via = Object.values(few.terms).map((term) => term.via);
    expect(via).toEqual(['closedForm', 'gram', 'closedForm', 'gram', 'gram']);
    const many = await spectrum(network, dataFor(spec, 200), { terms: ['gaussNewton'] });
    expect(many.terms.gaussNewton.via).toBe('closedForm');
    const whole = await denseSpectrum(gaussNewton(network, dataFor(spec, 10)), { reduce: false });
    expect(whole.via).toBe('closedForm');
  });

  it('answers where the matrix itself would not fit, and plans so', async () => {
    const spec = {
      input: [3000],
      layers: [{ type: 'dense', units: 300 }, { type: 'relu' }, { type: 'dense', units: 3 }],
      loss: 'softmaxCrossEntropy',
    } as const;
    const network = createNetwork(spec, { seed: 1 });
    const data = randomInputs({ samples: 30, inputShape: [3000], classes: 3, seed: 2 });
    const planned = await estimate(network, data, { terms: ['gaussNewton'] });
    expect(planned).toMatchObject({ method: 'dense', fits: true });
    expect(planned.bytes).toBeLessThan(1e8);
    const { terms } = await spectrum(network, data, { terms: ['gaussNewton'] });
    const { eigenvalues, exactZeros } = terms.gaussNewton;
    expect(eigenvalues).toHaveLength(901_203);
    expect(exactZeros).toBeGreaterThanOrEqual(901_203 - 60);
    const sum = eigenvalues.reduce((partial, value) => partial + value, 0);
    const { value } = await trace(gaussNewton(network, data), { method: 'exact' });
    expect(Math.abs(sum - value)).toBeLessThan(1e-12 * value);
  });
});

describe('where there is no such matrix', () => {
  it("via: 'gram' is refused for H, with what to do", async () => {
    const spec = chain('softmaxCrossEntropy');
    const operator = hessian(networkOf(spec), dataFor(spec, 4));
    await expect(denseSpectrum(operator, { via: 'gram' })).rejects.toMatchObject({
      code: 'ERR_SPEC',
      message: expect.stringMatching(
        /'gram' is for sums of squares: gaussNewton and .*gradientCovariance; use via: 'auto' here/,
      ) as string,
    });
  });

  it('G of a custom loss, whose curvature may be indefinite, goes another way', async () => {
    const operator = gaussNewton(networkOf(bent), dataFor(bent, 3));
    const found = await denseSpectrum(operator);
    expect(found.via).toBe('closedForm');
    expect(found.eigenvalues[0]).toBeLessThan(0);
    await expect(denseSpectrum(operator, { via: 'gram' })).rejects.toMatchObject({
      code: 'ERR_SPEC',
    });
  });
});
