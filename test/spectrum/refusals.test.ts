import { describe, expect, it } from 'vitest';

import {
  denseSpectrum,
  eigenpairs,
  eigenvalues,
  hessian,
  matrixOperator,
  spectrum,
} from '../../src/index.js';
import { asJavaScript, smallData, smallNetwork, strangers } from '../curvature/small-network.js';
import { refusal } from '../data/refusal.js';

const identity = { size: 3, apply: (vectors: Float64Array | Float32Array) => vectors };
const operator = hessian(smallNetwork, smallData);

describe.each([
  ['eigenvalues', eigenvalues],
  ['denseSpectrum', denseSpectrum],
  ['eigenpairs', eigenpairs],
] as const)('%s', (_, call) => {
  it.each([
    ['ERR_SPEC', /the operator is null; expected an operator: \{ size, apply/, null],
    ['ERR_SPEC', /the operator is undefined/, undefined],
    ['ERR_SPEC', /the operator's size is undefined; expected an integer of at least 1/, {}],
    ['ERR_SPEC', /the operator's size is 0; expected/, { ...identity, size: 0 }],
    ['ERR_SPEC', /the operator's size is 2.5; expected/, { ...identity, size: 2.5 }],
    ['ERR_SPEC', /the operator's apply is undefined; expected a function/, { size: 2 }],
    ['ERR_SPEC', /the operator's toDense is 5; expected a function/, { ...identity, toDense: 5 }],
    [
      'ERR_SPEC',
      /the operator's dtype is "float16"; expected 'float64'/,
      { ...identity, dtype: 'float16' },
    ],
    [
      'ERR_SPEC',
      /what the operator's apply returned is undefined; expected an array/,
      { ...identity, apply: () => undefined },
    ],
    [
      'ERR_SPEC',
      /what the operator's toDense returned is null; expected an array/,
      { ...identity, toDense: (): null => null },
    ],
    [
      'ERR_SHAPE',
      /apply returned 2 entries; expected 3: count × size/,
      { ...identity, apply: () => [1, 2] },
    ],
    [
      'ERR_SHAPE',
      /toDense returned 3 entries; expected size² = 9/,
      { ...identity, toDense: () => [1, 2, 3] },
    ],
    [
      'ERR_NUMERIC',
      /a product of the operator is not finite: entry 1 of row 0 is NaN/,
      { ...identity, apply: () => [1, NaN, 1] },
    ],
    ['ERR_NUMERIC', /entry 0 of row 0 is "1"/, { ...identity, apply: () => ['1', '1', '1'] }],
    [
      'ERR_NUMERIC',
      /the matrix of the operator is not finite: entry 2 of row 0 is Infinity/,
      { ...identity, toDense: () => [1, 2, Infinity, 0, 0, 0, 0, 0, 0] },
    ],
    [
      'ERR_NUMERIC',
      /the operator is not symmetric: entry \(1, 0\) is 2, but \(0, 1\) is 1/,
      { ...identity, size: 2, toDense: () => [1, 1, 2, 1] },
    ],
  ] as const)('refuses an operator with %s: %s', async (code, message, given) => {
    await expect(asJavaScript(call, given)).rejects.toEqual(refusal(code, message));
  });

  it('says when an operator gives two products of one vector', async () => {
    let calls = 0;
    const moody = {
      size: 2,
      apply: (vectors: Float64Array | Float32Array) => vectors.map((value) => value * (calls += 1)),
    };
    const message = /the operator is not repeatable: two products of one vector differ in entry 0/;
    await expect(asJavaScript(call, moody)).rejects.toEqual(refusal('ERR_NUMERIC', message));
  });

  it('passes on what an operator throws', async () => {
    const failing = { size: 2, apply: () => Promise.reject(new RangeError('no product today')) };
    await expect(asJavaScript(call, failing)).rejects.toThrow(new RangeError('no product today'));
  });

  it('refuses options of the wrong type for both kinds of operator', async () => {
    for (const given of [operator, identity]) {
      for (const [name, value] of strangers) {
        for (const key of ['via', 'blockSize', 'threads', 'signal', 'onProgress', 'unknown']) {
          if (name === 'a number' || name === 'a function') continue;
          const answer = asJavaScript(call, given, { [key]: value });
          await expect(answer).rejects.toEqual(
            refusal('ERR_SPEC', new RegExp(`option '${key}' is`)),
          );
        }
      }
      await expect(asJavaScript(call, given, null)).rejects.toEqual(
        refusal('ERR_SPEC', /given null/),
      );
    }
  });

  it('rejects with ERR_ABORTED when the signal was aborted before, whatever the operator', async () => {
    const reason = new Error('enough');
    for (const given of [operator, identity, matrixOperator([1], 1)]) {
      const answer = asJavaScript(call, given, { signal: AbortSignal.abort(reason) });
      await expect(answer).rejects.toMatchObject({
        name: 'AbortError',
        code: 'ERR_ABORTED',
        message: 'the call was aborted',
        cause: reason,
      });
    }
  });

  it('an abort between the products of a written operator stops it', async () => {
    const controller = new AbortController();
    let products = 0;
    const slow = {
      size: 1000,
      apply: (vectors: Float64Array | Float32Array) => {
        products += 1;
        if (products === 4) controller.abort('enough');
        return vectors;
      },
    };
    const answer = asJavaScript(call, slow, { signal: controller.signal, blockSize: 1 });
    await expect(answer).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
    expect(products).toBeLessThan(6);
  });
});

describe('eigenpairs', () => {
  it.each([
    [/4 pairs are asked for; expected at most 3, the size of the operator/, { largest: 4 }],
    [/both largest and smallest are given/, { largest: 1, smallest: 1 }],
    [/'largest' is 0; expected an integer of at least 1/, { largest: 0 }],
    [/'smallest' is "1"; expected an integer/, { smallest: '1' }],
    [
      /'biggest' is unknown; there are signal, onProgress, threads, via, blockSize, largest, smallest/,
      { biggest: 1 },
    ],
  ] as const)('refuses: %s', async (message, options) => {
    const pairs = asJavaScript(eigenpairs, identity, options);
    await expect(pairs).rejects.toEqual(refusal('ERR_SPEC', message));
  });
});

describe('spectrum', () => {
  it.each([
    [/'terms' is "hessian"; expected a list of terms/, { terms: 'hessian' }],
    [
      /'terms.0' is "fisher"; expected one of hessian, gaussNewton, residual, empiricalFisher/,
      { terms: ['fisher'] },
    ],
    [/'terms' is an array of 0; expected at least one term/, { terms: [] }],
    [/'method' is "qr"; expected one of "auto", "dense", "lanczos", "density"/, { method: 'qr' }],
    [/'largest' is 0/, { method: 'lanczos', largest: 0 }],
    [/'term' is unknown/, { term: ['hessian'] }],
    [/given null/, null],
  ] as const)('refuses: %s', async (message, options) => {
    const result = asJavaScript(spectrum, smallNetwork, smallData, options);
    await expect(result).rejects.toEqual(refusal('ERR_SPEC', message));
  });

  it('refuses what is no network and what is no dataset', async () => {
    for (const [, value] of strangers) {
      await expect(asJavaScript(spectrum, value, smallData)).rejects.toEqual(
        refusal('ERR_SPEC', /the network is/),
      );
      await expect(asJavaScript(spectrum, smallNetwork, value)).rejects.toEqual(
        refusal('ERR_DATA', /no dataset/),
      );
    }
  });

  it('a progress function that throws ends it with what was thrown', async () => {
    const terms = ['hessian', 'gaussNewton', 'residual'] as const;
    const result = spectrum(smallNetwork, smallData, {
      terms,
      onProgress: () => {
        throw new RangeError('no more news');
      },
    });
    await expect(result).rejects.toThrow(new RangeError('no more news'));
  });
});
