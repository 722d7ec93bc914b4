// Directions that leave the matrix exactly: the same eigenvalues from a smaller matrix.

import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  denseSpectrum,
  gaussNewton,
  hessian,
  residual,
  spectrum,
} from '../../src/index.js';
import type { CurvatureOperator, Dataset, DType, Network, NetworkSpec } from '../../src/index.js';
import { createRandom } from '../../src/data/random.js';
import { makers } from '../curvature/makers.js';
import { distance } from '../curvature/random-problems.js';

/** Eight inputs: one always 0, one always 2, one the sum of two others; one sample all zeros but for that 2. In
 *  sixteenths, so that the sum is exact in float32, too: by the rule of float64, a rounded one is a dimension. */
function inputsOf(samples: number, seed: number): number[][] {
  const random = createRandom(seed);
  return Array.from({ length: samples }, (_, sample) => {
    const draw = (): number => (sample === 0 ? 0 : Math.round(16 * random.normal()) / 16);
    const [a, b, c, d] = [draw(), draw(), draw(), draw()];
    return [a, 0, b, 2, a + b, c, d, 3 * c];
  });
}

function dataOf(samples: number, targets: 'classes' | 'rows'): Dataset {
  const random = createRandom(5);
  return createDataset({
    inputs: inputsOf(samples, 1),
    targets:
      targets === 'classes'
        ? Array.from({ length: samples }, (_, i) => i % 3)
        : Array.from({ length: samples }, () => [
            random.normal(),
            random.normal(),
            random.normal(),
          ]),
  });
}

const specOf = (
  type: 'relu' | 'tanh' | 'softplus',
  loss: 'softmaxCrossEntropy' | 'meanSquaredError' = 'softmaxCrossEntropy',
): NetworkSpec => ({
  input: [8],
  layers: [
    { type: 'dense', units: 5 },
    { type },
    { type: 'dense', units: 4 },
    { type },
    { type: 'dense', units: 3 },
  ],
  loss,
});

/** Both ways agree within their bounds, and the smaller one says what it left out. */
async function expectSame(operator: CurvatureOperator, size: number): Promise<void> {
  const whole = await denseSpectrum(operator, { reduce: false });
  // Fisher matrices of 40 samples would come from a Gram matrix.
  const reduced = await denseSpectrum(operator, { via: 'closedForm' });
  expect(whole.reduction).toBeUndefined();
  expect(reduced.reduction?.size).toBe(size);
  expect(reduced.eigenvalues.length).toBe(operator.size);
  expect(reduced.exactZeros).toBeGreaterThanOrEqual(operator.size - size);
  expect(distance(reduced.eigenvalues, whole.eigenvalues)).toBeLessThanOrEqual(
    whole.errorEstimate + reduced.errorEstimate,
  );
}

// Of nine inputs with the bias: the zero, the multiple, the sum and the constant are no dimensions of their own.
const rank = 5;

describe('the reduction', () => {
  it.each(['relu', 'tanh', 'softplus'] as const)(
    'leaves all eigenvalues of all terms as they are (%s)',
    async (activation) => {
      for (const dtype of ['float64', 'float32'] as DType[]) {
        const network = createNetwork(specOf(activation), { seed: 3, dtype });
        // One of the four ReLUs of the second layer is dead.
        const units = activation === 'relu' ? 3 : 4;
        for (const make of Object.values(makers)) {
          const operator = make(network, dataOf(40, 'classes'));
          await expectSame(operator, 5 * rank + units * 6 + 2 * (units + 1));
        }
      }
    },
  );

  it('is about the inputs alone where the loss is no softmax', async () => {
    const network = createNetwork(specOf('tanh', 'meanSquaredError'), { seed: 3 });
    for (const make of [hessian, gaussNewton, residual]) {
      await expectSame(make(network, dataOf(40, 'rows')), 5 * rank + 4 * 6 + 3 * 5);
    }
  });

  it('is about blocks of parameters, too', async () => {
    const network = createNetwork(specOf('tanh'), { seed: 3 });
    const data = dataOf(40, 'classes');
    const expectBlock = async (parameters: string[], size: number): Promise<void> => {
      await expectSame(hessian(network, data, { parameters, weightDecay: 0.25 }), size);
    };
    // Without the bias, the input that is always 2 stands for it.
    await expectBlock(['dense0.weight'], 5 * rank);
    await expectBlock(['dense0.weight', 'dense4'], 5 * rank + 2 * 5);
    await expectBlock(['dense0.bias', 'dense4.bias'], 5 + 2);
    await expectBlock(['dense4.weight'], 2 * 4);
    const middle = hessian(network, data, { parameters: 'dense2' });
    expect((await denseSpectrum(middle)).reduction).toBeUndefined();
  });

  it('is about one layer that is both first and last', async () => {
    const network = createNetwork(
      { input: [8], layers: [{ type: 'dense', units: 3 }], loss: 'softmaxCrossEntropy' },
      { seed: 3 },
    );
    await expectSame(hessian(network, dataOf(40, 'classes')), 2 * rank);
    await expectSame(hessian(network, dataOf(2, 'classes')), 2 * 2);
  });

  it('keeps the kinks of ReLU where they are: pre-activations of a sample of zeros stay 0', async () => {
    const network = createNetwork(
      {
        input: [8],
        layers: [
          { type: 'dense', units: 6, bias: false },
          { type: 'relu' },
          { type: 'dense', units: 3 },
        ],
        loss: 'softmaxCrossEntropy',
      },
      { seed: 2 },
    );
    const inputs = inputsOf(12, 4).map((row) => row.map((x, i) => (i === 3 ? 0 : x)));
    const data = createDataset({ inputs, targets: inputs.map((_, i) => i % 3) });
    await expectSame(hessian(network, data), 6 * 4 + 2 * 7);
  });

  it('says by what rule, and how clear the case was', async () => {
    const network = createNetwork(specOf('tanh'), { seed: 3 });
    const data = dataOf(40, 'classes');
    const { terms } = await spectrum(network, data);
    const { reduction, errorBound } = terms.hessian;
    expect(reduction?.inputs).toMatchObject([{ layer: 'dense0', width: 9, rank }]);
    expect(reduction?.units).toEqual([]);
    expect(reduction?.outputs).toEqual({ layer: 'dense4', width: 3, rank: 2 });
    const {
      tolerance,
      smallestKept,
      largestDropped,
      distance: far,
    } = reduction?.inputs[0] ?? {
      ...{ tolerance: NaN, smallestKept: NaN, largestDropped: NaN, distance: NaN },
    };
    expect(smallestKept).toBeGreaterThan(1e10 * tolerance);
    expect(largestDropped).toBeLessThan(tolerance);
    expect(far).toBeLessThan(1e-14);
    expect(reduction?.errorBound).toBeGreaterThan(0);
    expect(reduction?.errorBound).toBeLessThan(errorBound);
    const again = await spectrum(network, data, { threads: 1 });
    expect(again.terms.hessian.eigenvalues).toEqual(terms.hessian.eigenvalues);
  });

  it('is exact where inputs are 0 throughout and the others independent', async () => {
    const network = createNetwork(specOf('tanh'), { seed: 3 });
    const random = createRandom(8);
    const inputs = Array.from({ length: 30 }, () =>
      Array.from({ length: 8 }, (_, i) => (i % 3 === 0 ? 0 : random.normal())),
    );
    const data = createDataset({ inputs, targets: inputs.map((_, i) => i % 3) });
    await expectSame(hessian(network, data), 5 * 6 + 4 * 6 + 2 * 5);
    const { reduction } = await denseSpectrum(hessian(network, data));
    expect(reduction?.inputs).toMatchObject([{ rank: 6, largestDropped: 0, distance: 0 }]);
    expect(reduction?.errorBound).toBe(0);
  });

  it('refuses what it does not know', async () => {
    const network: Network = createNetwork(specOf('tanh'));
    await expect(
      spectrum(network, dataOf(4, 'classes'), { reduce: 'some' as 'exact' }),
    ).rejects.toMatchObject({
      code: 'ERR_SPEC',
      message: expect.stringContaining("'exact' or false") as string,
    });
  });
});
