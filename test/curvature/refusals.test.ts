import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  empiricalFisher,
  gaussNewton,
  gradientCovariance,
  hessian,
  isEigenscapeError,
  matrixOperator,
  residual,
} from '../../src/index.js';
import { refusal } from '../data/refusal.js';
import {
  asJavaScript,
  callMethod,
  smallData,
  smallNetwork,
  smallSpec,
  strangers,
} from './small-network.js';

const makers = { hessian, gaussNewton, residual, empiricalFisher, gradientCovariance };

describe.each(Object.entries(makers))('%s', (term, make) => {
  it('refuses what is no network and what is no dataset', async () => {
    const message = new RegExp(`${term}: the network is .*; expected one that createNetwork`);
    for (const [, value] of strangers) {
      const made = asJavaScript(make, value, smallData);
      await expect(made).rejects.toEqual(refusal('ERR_SPEC', message));
      const madeOf = asJavaScript(make, smallNetwork, value);
      await expect(madeOf).rejects.toEqual(refusal('ERR_DATA', /the data is no dataset/));
    }
  });

  it('refuses options of the wrong type', async () => {
    for (const options of [null, 5, 'x', { thread: 1 }, { threads: 0 }, { threads: '2' }]) {
      const made = asJavaScript(make, smallNetwork, smallData, options);
      await expect(made).rejects.toEqual(refusal('ERR_SPEC', new RegExp(`${term}: `)));
    }
  });

  it('refuses a network without parameters', () => {
    const network = createNetwork({
      input: [2],
      layers: [{ type: 'tanh' }],
      loss: 'softmaxCrossEntropy',
    });
    expect(() => make(network, smallData)).toThrow(
      expect.objectContaining({
        code: 'ERR_SPEC',
        message: `${term}: the network has no parameters to curve; expected a layer that has some, such as dense`,
      }) as Error,
    );
  });

  it('refuses data of which every sample is ignored, at once', () => {
    const loss = { type: 'softmaxCrossEntropy', ignoreIndex: 0 } as const;
    const network = createNetwork({ ...smallSpec, loss });
    const data = createDataset({ inputs: [[1, 2]], targets: [0] });
    expect(() => make(network, data)).toThrow(
      refusal(
        'ERR_DATA',
        /every sample is ignored or has weight 0, its own or its class's, so the loss has no denominator/,
      ),
    );
  });

  it('that was disposed refuses products and matrices, and still knows its size', async () => {
    const operator = make(smallNetwork, smallData);
    operator[Symbol.dispose]();
    operator[Symbol.dispose]();
    expect(operator.size).toBe(17);
    const disposed = refusal('ERR_DISPOSED', new RegExp(`the operator \\(${term}\\) was disposed`));
    await expect(operator.apply(new Float64Array(17))).rejects.toEqual(disposed);
    await expect(operator.toDense()).rejects.toEqual(disposed);
  });

  it('outlives its network, and stays where it was made when the network moves on', async () => {
    const network = smallNetwork.clone();
    const operator = make(network, smallData);
    const before = await operator.toDense();
    network.setParameters(new Float64Array(17));
    network[Symbol.dispose]();
    expect(await operator.toDense()).toEqual(before);
  });
});

describe('apply', () => {
  const operator = hessian(smallNetwork, smallData);
  const vector = new Float64Array(17);

  it.each([
    [
      'ERR_SHAPE',
      /given 16 entries; expected 1 × 17: count vectors of the operator's size/,
      [new Float64Array(16)],
    ],
    ['ERR_SHAPE', /given 17 entries; expected 2 × 17/, [vector, 2]],
    ['ERR_SPEC', /count is 0; expected an integer of at least 1/, [vector, 0]],
    ['ERR_SPEC', /count is 1.5; expected an integer/, [vector, 1.5]],
    ['ERR_SPEC', /count is "1"; expected an integer/, [vector, '1']],
    ['ERR_SPEC', /count is null; expected an integer/, [vector, null]],
    ['ERR_SPEC', /vectors is null; expected an array of numbers/, [null]],
    ['ERR_SPEC', /vectors is undefined; expected an array of numbers/, []],
    [
      'ERR_DATA',
      /entry 2 of vector 0 is NaN; expected a finite number/,
      [vector.slice().fill(NaN, 2)],
    ],
    ['ERR_DATA', /entry 1 of vector 1 is Infinity/, [new Float64Array(34).fill(Infinity, 18), 2]],
    ['ERR_DATA', /entry 0 of vector 0 is "1"/, [Array(17).fill('1')]],
    ['ERR_SPEC', /apply: option 'vi' is unknown/, [vector, 1, { vi: 1 }]],
    [
      'ERR_SPEC',
      /apply: given null; expected \{ signal, onProgress, threads \}/,
      [vector, 1, null],
    ],
  ] as const)('refuses with %s: %s', async (code, message, args) => {
    await expect(callMethod(operator, 'apply', ...args)).rejects.toEqual(refusal(code, message));
  });

  it('says when a product is not finite, although the vector is', async () => {
    const data = createDataset({ inputs: [[1e200, 1e200]], targets: [[0]] });
    const network = createNetwork(
      { input: [2], layers: [{ type: 'dense', units: 1 }], loss: 'meanSquaredError' },
      { initializer: 'zeros' },
    );
    const message =
      /entry 0 of product 0 is not finite; the vector, the parameters or the inputs are too large/;
    const product = hessian(network, data).apply([1, 1, 1]);
    await expect(product).rejects.toEqual(refusal('ERR_NUMERIC', message));
    const dense = hessian(network, data).toDense();
    await expect(dense).rejects.toEqual(
      refusal('ERR_NUMERIC', /the curvature matrix is not finite/),
    );
  });

  it('reads its vectors before it returns, so that the caller may write to them or give them away', async () => {
    const vectors = Float64Array.from({ length: 17 }, (_, i) => i - 8);
    const expected = await operator.apply(vectors);
    const overwritten = vectors.slice();
    const first = operator.apply(overwritten);
    overwritten.fill(NaN);
    expect(await first).toEqual(expected);
    const transferred = vectors.slice();
    const second = operator.apply(transferred);
    structuredClone(transferred, { transfer: [transferred.buffer] });
    expect(transferred).toHaveLength(0);
    expect(await second).toEqual(expected);
    const shared = new Float64Array(new SharedArrayBuffer(17 * 8));
    shared.set(vectors);
    const third = operator.apply(shared);
    shared.fill(NaN);
    expect(await third).toEqual(expected);
  });
});

describe('toDense', () => {
  const operator = hessian(smallNetwork, smallData);

  it.each([
    [/'via' is "lanczos"; expected 'auto', 'closedForm' or 'products'/, { via: 'lanczos' }],
    [/'blockSize' is 0; expected an integer of at least 1/, { blockSize: 0 }],
    [
      /'blocksize' is unknown; there are signal, onProgress, threads, via, blockSize/,
      { blocksize: 1 },
    ],
    [/given null; expected/, null],
  ] as const)('refuses: %s', async (message, options) => {
    const dense = callMethod(operator, 'toDense', options);
    await expect(dense).rejects.toEqual(refusal('ERR_SPEC', message));
  });

  it('takes a block larger than the matrix', async () => {
    const whole = await operator.toDense({ via: 'products', blockSize: Number.MAX_SAFE_INTEGER });
    expect(whole).toEqual(await operator.toDense({ via: 'products', blockSize: 17 }));
  });
});

describe('matrixOperator', () => {
  it.each([
    ['ERR_SHAPE', /given 3 entries and size 2; expected size² entries/, [1, 2, 3], 2],
    ['ERR_SHAPE', /size 0; expected size² entries and a size of at least 1/, [], 0],
    ['ERR_SHAPE', /size "1"/, [1], '1'],
    ['ERR_SPEC', /the matrix is null; expected an array of numbers/, null, 1],
    ['ERR_DATA', /entry \(1, 0\) is NaN; expected a finite number/, [1, 2, NaN, 4], 2],
    ['ERR_DATA', /entry \(0, 0\) is "1"; expected a finite number/, ['1'], 1],
    ['ERR_DATA', /entry \(0, 0\) is 10n; expected a finite number/, [10n], 1],
  ] as const)('refuses with %s: %s', async (code, message, data, size) => {
    await expect(asJavaScript(matrixOperator, data, size)).rejects.toEqual(refusal(code, message));
  });

  it('copies its matrix', async () => {
    const data = new Float64Array([1, 2, 2, 5]);
    const operator = matrixOperator(data, 2);
    data.fill(0);
    expect(operator.toDense()).toEqual(new Float64Array([1, 2, 2, 5]));
    expect(await operator.apply(new Float64Array([1, 0, 0, 1]), 2)).toEqual(
      new Float64Array([1, 2, 2, 5]),
    );
  });
});

it('whatever is passed, errors are EigenscapeErrors', async () => {
  const offending: string[] = [];
  const operator = hessian(smallNetwork, smallData);
  const note = async (name: string, call: () => Promise<unknown>): Promise<void> => {
    try {
      await call();
    } catch (error) {
      if (!isEigenscapeError(error)) offending.push(`${name}: ${String(error)}`);
    }
  };
  for (const [name, value] of strangers) {
    await note(`vectors ${name}`, () => callMethod(operator, 'apply', value));
    await note(`entry ${name}`, () => callMethod(operator, 'apply', Array(17).fill(value)));
    await note(`count ${name}`, () => callMethod(operator, 'apply', new Float64Array(17), value));
    await note(`apply options ${name}`, () =>
      callMethod(operator, 'apply', new Float64Array(17), 1, value),
    );
    await note(`dense options ${name}`, () => callMethod(operator, 'toDense', value));
    for (const key of ['via', 'blockSize', 'signal', 'onProgress', 'threads']) {
      await note(`${key} ${name}`, () => callMethod(operator, 'toDense', { [key]: value }));
    }
    await note(`matrix ${name}`, () => asJavaScript(matrixOperator, value, 1));
    await note(`matrix of ${name}`, () => asJavaScript(matrixOperator, [value], 1));
  }
  expect(offending).toEqual([]);
});
