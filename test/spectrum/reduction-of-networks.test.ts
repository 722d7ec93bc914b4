// Directions that leave the matrices of networks that are no plain chains, and those of dead units: the same eigenvalues
// from a smaller matrix.

import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  denseSpectrum,
  eigenvalues,
  gaussNewton,
  hessian,
  matrixOperator,
  residual,
} from '../../src/index.js';
import type {
  CurvatureOperator,
  Dataset,
  DenseTermSpectrum,
  LayerSpec,
  Network,
  OperatorOptions,
} from '../../src/index.js';
import { createRandom } from '../../src/data/random.js';
import { makers } from '../curvature/makers.js';
import { distance } from '../curvature/random-problems.js';
import { chainWithDeadUnits, randomData, setBias, stripedImages } from './reduced-problems.js';

const dtypes = ['float64', 'float32'] as const;

type Via = 'closedForm' | 'products';

/** The same eigenvalues as those of the whole matrix, in a smaller one. */
async function expectSame(
  operator: CurvatureOperator,
  size: number,
  via: Via,
): Promise<DenseTermSpectrum> {
  const whole = await denseSpectrum(operator, { via, reduce: false });
  const reduced = await denseSpectrum(operator, { via });
  expect(reduced.reduction?.size).toBe(size);
  expect(reduced.eigenvalues.length).toBe(operator.size);
  expect(reduced.exactZeros).toBeGreaterThanOrEqual(operator.size - size);
  const allowed = whole.errorEstimate + reduced.errorEstimate;
  expect(distance(reduced.eigenvalues, whole.eigenvalues)).toBeLessThanOrEqual(allowed);
  // And as another solver has them of the matrix that products make.
  const dense = await operator.toDense({ via: 'products' });
  const given = await eigenvalues(matrixOperator(dense, operator.size));
  expect(distance(reduced.eigenvalues, given)).toBeLessThanOrEqual(2 * allowed);
  const scale = Math.max(...whole.eigenvalues.map(Math.abs));
  expect(reduced.reduction?.errorBound).toBeLessThan(
    (operator.dtype === 'float32' ? 1e-3 : 1e-11) * scale + Number.MIN_VALUE,
  );
  return reduced;
}

async function expectAllTerms(
  make: (dtype: 'float64' | 'float32') => Network,
  data: Dataset,
  size: number,
  { via = 'products', ...options }: OperatorOptions & { via?: Via } = {},
): Promise<void> {
  for (const dtype of dtypes) {
    const network = make(dtype);
    for (const term of Object.values(makers)) {
      await expectSame(term(network, data, options), size, via);
    }
  }
}

describe('dead units', () => {
  // Units 5 − 2 and 4 − 1: rows of W and b, and columns of the next W where the unit is 0 or constant.
  const live = 3 * 5 + 3 * 4 + 2 * 4;

  it.each(['relu', 'tanh', 'sigmoid'] as const)(
    'leave the matrices of a chain (%s)',
    async (type) => {
      for (const via of ['closedForm', 'products'] as const) {
        const make = (dtype: 'float64' | 'float32') => chainWithDeadUnits(type, dtype);
        await expectAllTerms(make, randomData(40, 4, { weights: true }), live, { via });
      }
    },
  );

  it('are told by their layers, and what is constant behind them', async () => {
    const network = chainWithDeadUnits('tanh', 'float64');
    const { reduction } = await expectSame(hessian(network, randomData(40, 4)), live, 'closedForm');
    expect(reduction?.units).toEqual([
      { layer: 'dense0', width: 5, rank: 3 },
      { layer: 'dense2', width: 4, rank: 3 },
    ]);
    // Units that are always −1, and the 1 of the bias.
    expect(reduction?.inputs).toMatchObject([
      { layer: 'dense2', width: 3, rank: 1 },
      { layer: 'dense4', width: 2, rank: 1 },
    ]);
  });

  it('leave blocks of parameters, too', async () => {
    for (const via of ['closedForm', 'products'] as const) {
      const network = chainWithDeadUnits('relu', 'float64');
      const data = randomData(40, 4);
      const expectBlock = (parameters: string[], size: number) =>
        expectSame(hessian(network, data, { parameters, weightDecay: 0.5 }), size, via);
      await expectBlock(['dense0'], 3 * 5);
      await expectBlock(['dense2'], 3 * 4);
      await expectBlock(['dense2.weight'], 3 * 3);
      await expectBlock(['dense2.bias', 'dense4.weight'], 3 + 2 * 3);
      await expectBlock(['dense0.weight', 'dense4'], 3 * 4 + 2 * 4);
    }
  });

  it('may be all of a layer: what comes before it leaves as a whole', async () => {
    const network = chainWithDeadUnits('relu', 'float64', 'meanSquaredError');
    setBias(network, 'dense2', { 0: -1000, 1: -1000, 2: -1000, 3: -1000 });
    const data = randomData(40, 4, { rows: true });
    for (const via of ['closedForm', 'products'] as const) {
      for (const term of [hessian, gaussNewton, residual]) {
        const operator = term(network, data);
        const whole = await denseSpectrum(operator, { reduce: false });
        const reduced = await denseSpectrum(operator, { via });
        // The biases of the last layer are all that matters.
        expect(reduced.exactZeros).toBeGreaterThanOrEqual(operator.size - 3);
        expect(distance(reduced.eigenvalues, whole.eigenvalues)).toBeLessThanOrEqual(
          whole.errorEstimate + reduced.errorEstimate,
        );
      }
    }
  });

  it('stay where one sample needs them', async () => {
    const network = chainWithDeadUnits('relu', 'float64');
    const random = createRandom(7);
    const inputs = Array.from({ length: 40 }, () =>
      Array.from({ length: 4 }, () => random.normal()),
    );
    // One sample far out turns on what is off for all others.
    for (const sign of [1, -1]) inputs.push(Array.from({ length: 4 }, () => 1e4 * sign));
    const data = createDataset({ inputs, targets: inputs.map((_, n) => n % 3) });
    const { reduction } = await denseSpectrum(hessian(network, data));
    expect(reduction?.units.find(({ layer }) => layer === 'dense0')).toBeUndefined();
  });
});

const image = (layers: readonly LayerSpec[], channels: number) => (dtype: 'float64' | 'float32') =>
  createNetwork(
    { input: [channels, 6, 6], layers: [...layers], loss: 'softmaxCrossEntropy' },
    { seed: 5, dtype },
  );

describe('networks of images', () => {
  // Rows of a patch are constant: of 3 × 3 in each channel, 3 dimensions.
  const images = stripedImages(25, 2, 6);

  it('lose the null directions of their patches, and one unit under softmax', async () => {
    const make = image(
      [
        { type: 'conv2d', filters: 4, kernelSize: 3 },
        { type: 'tanh' },
        { type: 'maxPool2d', size: 2 },
        { type: 'flatten' },
        { type: 'dense', units: 3 },
      ],
      2,
    );
    const size = 4 * (2 * 3 + 1) + 2 * 17;
    await expectAllTerms(make, images, size);
    const { reduction } = await denseSpectrum(hessian(make('float64'), images));
    expect(reduction?.inputs).toMatchObject([{ layer: 'conv2d0', width: 19, rank: 7 }]);
    expect(reduction?.outputs).toEqual({ layer: 'dense4', width: 3, rank: 2 });
  });

  it('with padding have patches of more dimensions', async () => {
    const make = image(
      [
        { type: 'conv2d', filters: 2, kernelSize: 3, padding: 1 },
        { type: 'softplus' },
        { type: 'globalAvgPool2d' },
        { type: 'flatten' },
        { type: 'dense', units: 3 },
      ],
      2,
    );
    // Columns 0, 1 and 2 of a patch are 0 or the row's value: in the corners each combination but none.
    const { reduction } = await denseSpectrum(hessian(make('float64'), images));
    const rank = reduction?.inputs[0]?.rank ?? 19;
    expect(rank).toBeGreaterThan(7);
    await expectAllTerms(make, images, 2 * rank + 2 * 3);
  });

  it('in groups have patches of their own in each', async () => {
    const make = image(
      [
        { type: 'conv2d', filters: 4, kernelSize: 3, groups: 2 },
        { type: 'tanh' },
        { type: 'flatten' },
        { type: 'dense', units: 3 },
      ],
      2,
    );
    await expectAllTerms(make, images, 4 * 4 + 2 * 65);
    const { reduction } = await denseSpectrum(hessian(make('float64'), images));
    expect(reduction?.inputs).toMatchObject([
      { layer: 'conv2d0', width: 10, rank: 4 },
      { layer: 'conv2d0', width: 10, rank: 4 },
    ]);
  });

  it('lose dead filters, with what normalizes them and reads them', async () => {
    const make = (dtype: 'float64' | 'float32') => {
      const network = image(
        [
          { type: 'conv2d', filters: 4, kernelSize: 3 },
          { type: 'batchNorm' },
          { type: 'maxPool2d', size: 2 },
          { type: 'relu' },
          { type: 'conv2d', filters: 3, kernelSize: 2 },
          { type: 'tanh' },
          { type: 'flatten' },
          { type: 'dense', units: 3 },
        ],
        2,
      )(dtype);
      setBias(network, 'batchNorm1', { 0: 3, 1: -100, 2: 3, 3: 3 });
      return network;
    };
    const { reduction } = await denseSpectrum(hessian(make('float64'), images));
    expect(reduction?.units).toEqual([{ layer: 'conv2d0', width: 4, rank: 3 }]);
    // Of the second convolution, the patches of the dead filter are 0.
    expect(reduction?.inputs).toMatchObject([
      { layer: 'conv2d0', width: 19, rank: 7 },
      { layer: 'conv2d4', width: 5, rank: 1 },
    ]);
    await expectAllTerms(make, images, 3 * 7 + 2 * 3 + 3 * 13 + 2 * 4);
  });

  it('keep patches that a trainable map before them changes', async () => {
    const layers: LayerSpec[] = [
      { type: 'batchNorm' },
      { type: 'conv2d', filters: 2, kernelSize: 3 },
      { type: 'tanh' },
      { type: 'flatten' },
      { type: 'dense', units: 3 },
    ];
    const network = image(layers, 2)('float64');
    const all = await denseSpectrum(hessian(network, images));
    expect(all.reduction?.inputs).toEqual([]);
    // In a block without that map nothing changes them.
    const block = hessian(network, images, { parameters: ['conv2d1', 'dense4'] });
    await expectSame(block, 2 * 7 + 2 * 33, 'products');
  });
});

describe('inputs that come past other layers', () => {
  const make = (dtype: 'float64' | 'float32') =>
    createNetwork(
      {
        input: [6],
        layers: [
          { type: 'dense', units: 4, name: 'first' },
          { type: 'tanh', name: 'bent' },
          { type: 'concat', inputs: ['bent', 'input'], name: 'both' },
          { type: 'dense', units: 5, name: 'second' },
          { type: 'tanh' },
          { type: 'dense', units: 3, name: 'third' },
        ],
        loss: 'softmaxCrossEntropy',
      },
      { seed: 8, dtype },
    );
  const random = createRandom(3);
  const inputs = Array.from({ length: 30 }, () => {
    const draw = (): number => Math.round(16 * random.normal()) / 16;
    const [a, b, c] = [draw(), draw(), draw()];
    return [a, b, a + b, 1, c, 0];
  });
  const data = createDataset({ inputs, targets: inputs.map((_, n) => n % 3) });

  it('are reduced there, too, beside the others', async () => {
    await expectAllTerms(make, data, 4 * 4 + 5 * (4 + 4) + 2 * 6);
    const { reduction } = await denseSpectrum(hessian(make('float64'), data));
    expect(reduction?.inputs).toMatchObject([
      { layer: 'first', width: 7, rank: 4 },
      { layer: 'second', width: 7, rank: 4 },
    ]);
  });

  it('are eigenvalues λ exactly under weight decay', async () => {
    const lambda = 0.375;
    const operator = hessian(make('float64'), data, { weightDecay: lambda });
    const { eigenvalues: found, reduction } = await denseSpectrum(operator);
    const exact = found.filter((value) => value === lambda).length;
    expect(exact).toBeGreaterThanOrEqual(operator.size - (reduction?.size ?? NaN));
  });
});
