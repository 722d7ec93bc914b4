// Work, memory and time before anything is computed.

import { afterEach, describe, expect, it, vi } from 'vitest';

import { createNetwork, estimate, hessian, randomInputs, spectrum } from '../../src/index.js';
import type { Dataset, LayerSpec, Network, SpectrumEstimate } from '../../src/index.js';
import { addon } from '../../src/native.js';
import { lanczosProducts } from '../../src/spectrum/work.js';
import { refusal } from '../data/refusal.js';

interface Problem {
  readonly network: Network;
  readonly data: Dataset;
}

function problem(
  input: readonly number[],
  layers: readonly LayerSpec[],
  samples: number,
  dtype: 'float64' | 'float32' = 'float64',
): Problem {
  const network = createNetwork({ input, layers, loss: 'softmaxCrossEntropy' }, { seed: 1, dtype });
  const { outputCount: classes } = network;
  return { network, data: randomInputs({ samples, inputShape: input, classes, seed: 2 }) };
}

const dense = (units: number): LayerSpec => ({ type: 'dense', units });
const perceptron = (samples: number, hidden = 4): Problem =>
  problem([3], [dense(hidden), { type: 'tanh' }, dense(2)], samples);
const images = (samples: number): Problem =>
  problem(
    [2, 6, 6],
    [
      { type: 'conv2d', filters: 3, kernelSize: 3 },
      { type: 'relu' },
      { type: 'flatten' },
      dense(2),
    ],
    samples,
  );

const stageOf = (found: SpectrumEstimate, name: string): number =>
  found.stages.find(({ stage }) => stage === name)?.work ?? NaN;

afterEach(() => {
  vi.restoreAllMocks();
});

/** As if only so many bytes were free. */
function withFreeMemory(freeMemory: number): void {
  const machine = addon().machine();
  vi.spyOn(addon(), 'machine').mockReturnValue({ ...machine, freeMemory });
}

describe('work is counted by hand', () => {
  // 3-4-2: layers of 4·(3 + 1) = 16 and 2·(4 + 1) = 10 parameters; 12 and 8 multiplications by weights.
  const [samples, pairs] = [5, 3];

  it('of the closed form: off-diagonal blocks whole, those on the diagonal a quarter', async () => {
    const { network, data } = perceptron(samples);
    const found = await estimate(network, data, { reduce: false });
    const blocks = 2 * samples * (16 ** 2 / 4 + 10 ** 2 / 4 + 10 * 16);
    expect(stageOf(found, 'assembly')).toBe(blocks);
    expect(stageOf(found, 'eigenvalues')).toBeCloseTo((4 / 3) * 26 ** 3, 6);
    expect(found.work).toBeCloseTo(blocks + (4 / 3) * 26 ** 3, 6);
    expect(found.method).toBe('dense');
  });

  it('of the closed form that is reduced: fewer inputs at first, a unit less at last', async () => {
    // Three samples span three of the four dimensions of the inputs; softmax leaves one of two units.
    const { network, data } = perceptron(3);
    const found = await estimate(network, data);
    const [first, last] = [4 * 3, 5];
    const blocks = 2 * 3 * (first ** 2 / 4 + last ** 2 / 4 + first * last);
    expect(stageOf(found, 'assembly')).toBe(blocks);
    expect(stageOf(found, 'eigenvalues')).toBeCloseTo((4 / 3) * (first + last) ** 3, 6);
    expect(found.parameterCount).toBe(26);
  });

  it.each([
    ['hessian', 4],
    ['gaussNewton', 2],
  ] as const)('of products with %s, forward and adjoint passes once', async (term, inner) => {
    const { network, data } = perceptron(samples);
    const found = await estimate(network, data, {
      terms: [term],
      method: 'lanczos',
      largest: pairs,
    });
    const count = lanczosProducts(pairs, 26);
    const perVector = 2 * (2 * (12 + 8) + inner * 8);
    expect(stageOf(found, 'products')).toBe(samples * (count * perVector + 2 * (12 + 8 + 8)));
    expect(stageOf(found, 'orthogonalization')).toBe(4 * 26 * count ** 2);
  });

  it('of convolutions: weights times places, M products for the matrix', async () => {
    const { network, data } = images(samples);
    const found = await estimate(network, data);
    // 3 filters × 2 channels × 3 × 3 at 4 × 4 places; 48 inputs to 2 units.
    const [first, last] = [3 * 2 * 9 * 16, 48 * 2];
    const perVector = 2 * (2 * (first + last) + 4 * last);
    const { parameterCount } = network;
    expect(parameterCount).toBe(57 + 98);
    const shared = 2 * (first + 2 * last);
    // Softmax leaves one of two units, and six of the 48 inputs are 0 on every sample behind their ReLU.
    const { reduction } = (await spectrum(network, data)).terms.hessian;
    expect(reduction?.inputs).toMatchObject([{ layer: 'dense3', width: 7, rank: 1 }]);
    const order = parameterCount - 49 - 6;
    expect(stageOf(found, 'assembly')).toBe(samples * (order * perVector + shared));
    const whole = await estimate(network, data, { reduce: false });
    expect(stageOf(whole, 'assembly')).toBe(samples * (parameterCount * perVector + shared));
  });

  it('of a block: its own layers alone', async () => {
    const { network, data } = perceptron(samples);
    const found = await estimate(network, data, { parameters: 'dense2', reduce: false });
    expect(found.parameterCount).toBe(10);
    expect(stageOf(found, 'assembly')).toBe((2 * samples * 10 ** 2) / 4);
  });

  it('of the residual of a piecewise linear network: no blocks on the diagonal', async () => {
    const { network, data } = problem([3], [dense(4), { type: 'relu' }, dense(2)], samples);
    const found = await estimate(network, data, { terms: ['residual'], reduce: false });
    // A ReLU unit has a derivative in half of the samples.
    expect(stageOf(found, 'assembly')).toBe((2 * samples * 16 * 10) / 2);
  });
});

describe('memory', () => {
  it.each(['float64', 'float32'] as const)(
    'is what the engine holds against what is free (%s)',
    async (dtype) => {
      const { network, data } = problem([3], [dense(30), { type: 'tanh' }, dense(5)], 40, dtype);
      const { bytes, methods } = await estimate(network, data);
      using operator = hessian(network, data);
      const way = { via: 'auto', blockSize: 64 } as const;
      // Softmax takes a row of 30 weights and a bias out of the last layer.
      const order = operator.size - 31;
      const planned = addon().plannedMemory(operator.handle, way, { order, count: 4 });
      expect(bytes).toBe(planned.eigenvalues);
      expect(planned.matrix).toBeGreaterThan(operator.size ** 2 * (dtype === 'float32' ? 4 : 8));
      expect(methods.lanczos.bytes).toBeGreaterThan(planned.products);
    },
  );

  it('of terms side by side is a matrix each, as far as there is room', async () => {
    const { network, data } = perceptron(20, 60);
    const one = await estimate(network, data, { threads: 2 });
    const terms = ['hessian', 'gaussNewton', 'residual'] as const;
    const several = await estimate(network, data, { terms, threads: 2 });
    expect(several.bytes).toBe(2 * one.bytes);
    withFreeMemory(1.5 * one.bytes);
    expect((await estimate(network, data, { terms, threads: 2 })).bytes).toBe(one.bytes);
  });
});

describe('estimates', () => {
  it('grow with samples, units and parameters, in work and in time', async () => {
    const of = (samples: number, hidden: number): Promise<SpectrumEstimate> => {
      const { network, data } = perceptron(samples, hidden);
      return estimate(network, data);
    };
    const [small, deep, wide] = [await of(100, 50), await of(1000, 50), await of(100, 300)];
    for (const method of ['dense', 'lanczos', 'density'] as const) {
      for (const larger of [deep, wide]) {
        expect(larger.methods[method].work).toBeGreaterThan(small.methods[method].work);
        expect(larger.methods[method].seconds).toBeGreaterThan(small.methods[method].seconds);
      }
      expect(wide.methods[method].bytes).toBeGreaterThan(small.methods[method].bytes);
    }
  });

  it('of a density grow with its steps and probes', async () => {
    const { network, data } = perceptron(50, 200);
    const of = async (steps: number, probes: number): Promise<number> =>
      (await estimate(network, data, { method: 'density', steps, probes })).seconds;
    expect(await of(40, 5)).toBeGreaterThan(await of(20, 5));
    expect(await of(20, 10)).toBeGreaterThan(await of(20, 5));
  });

  it('are parts that add up', async () => {
    const { network, data } = images(10);
    const { methods } = await estimate(network, data, { terms: ['hessian', 'gaussNewton'] });
    for (const { stages, work, seconds } of Object.values(methods)) {
      expect(stages.reduce((sum, stage) => sum + stage.work, 0)).toBeCloseTo(work, 3);
      expect(stages.reduce((sum, stage) => sum + stage.seconds, 0)).toBeCloseTo(seconds, 12);
    }
  });

  it('refuse what spectrum refuses', async () => {
    const { network, data } = perceptron(5);
    await expect(estimate(network, data, { parameters: 'nowhere' })).rejects.toEqual(
      refusal('ERR_SPEC', /"nowhere" is no layer or tensor/),
    );
    // @ts-expect-error no such option
    await expect(estimate(network, data, { term: 'hessian' })).rejects.toEqual(
      refusal('ERR_SPEC', /estimate/),
    );
  });
});

describe('auto', () => {
  it('takes all eigenvalues where none are counted, and says what they take', async () => {
    const { network, data } = perceptron(20);
    const { method, reason } = await estimate(network, data);
    expect(method).toBe('dense');
    expect(reason).toMatch(
      /^the dense matrix of order 21 and its eigenvalues take .*FLOP and .*B$/,
    );
    expect(await spectrum(network, data)).toMatchObject({ method, reason });
  });

  it('takes Lanczos where a few eigenvalues cost less time than all, dense where not', async () => {
    const large = problem([60], [dense(60), { type: 'tanh' }, dense(10)], 100);
    const found = await estimate(large.network, large.data, { largest: 2 });
    expect(found.method).toBe('lanczos');
    expect(found.reason).toMatch(/^the eigenvalues asked for take .*, less time than all \(/);
    const small = perceptron(20);
    const all = await estimate(small.network, small.data, { largest: 2 });
    expect(all.method).toBe('dense');
    expect(all.reason).toMatch(/less time than Lanczos/);
  });

  it('does not fail for a matrix that does not fit, but says so', async () => {
    const { network, data } = perceptron(20);
    withFreeMemory(1e4);
    const found = await estimate(network, data);
    expect(found).toMatchObject({ method: 'dense', fits: false });
    expect(found.reason).toMatch(/need .* but 10 kB are free/);
    await expect(spectrum(network, data)).rejects.toMatchObject({
      code: 'ERR_MEMORY',
      message: `spectrum: ${found.reason}`,
    });
    expect((await estimate(network, data, { largest: 2 })).method).toBe('lanczos');
  });

  it('names the calls that answer where a matrix does not fit, and says which of them fit', async () => {
    const { network, data } = perceptron(20, 60);
    const { lanczos, density, dense: matrix } = (await estimate(network, data)).methods;
    expect(matrix.bytes).toBeGreaterThan(Math.min(lanczos.bytes, density.bytes));
    const free = (Math.min(lanczos.bytes, density.bytes) + matrix.bytes) / 2;
    withFreeMemory(free);
    const { fits, reason } = await estimate(network, data);
    expect(fits).toBe(false);
    for (const [method, { bytes }] of Object.entries({ lanczos, density })) {
      const [, rest] = reason.split(`{ method: '${method}'`);
      const verdict = rest?.split(';')[0] ?? '';
      expect(verdict.includes('not free either')).toBe(bytes > free);
    }
    withFreeMemory(1);
    const none = await estimate(network, data, { largest: 3 });
    expect(none.method).toBe('lanczos');
    expect(none.reason).toMatch(/Lanczos needs .* itself; .*method: 'density'.*not free either/);
  });

  it('says that a method was asked for', async () => {
    const { network, data } = perceptron(20);
    const found = await spectrum(network, data, { method: 'density' });
    expect(found).toMatchObject({ method: 'density', reason: 'as asked' });
  });
});
