// weightDecay: λI in an operator, a term of its own in a spectrum.

import { describe, expect, it } from 'vitest';

import {
  createNetwork,
  denseSpectrum,
  eigenpairs,
  empiricalFisher,
  gaussianClusters,
  gaussNewton,
  gradientCovariance,
  hessian,
  residual,
  spectrum,
} from '../../src/index.js';
import { refusal } from '../data/refusal.js';
import { distance, largest, randomVector } from './random-problems.js';
import { asJavaScript } from './small-network.js';

const makers = { hessian, gaussNewton, empiricalFisher, gradientCovariance };
const data = gaussianClusters({ samples: 40, classes: 3, dimensions: 4, seed: 2 });
const spec = {
  input: [4],
  layers: [{ type: 'dense', units: 5 }, { type: 'relu' }, { type: 'dense', units: 3 }],
  loss: 'softmaxCrossEntropy',
} as const;
// Unit 1 is dead: its bias is far below what its weights can lift.
const drawn = createNetwork(spec, { seed: 7 }).parameters();
drawn[21] = -1000;

describe.each(['float64', 'float32'] as const)('%s', (dtype) => {
  const network = createNetwork(spec, { dtype, parameters: drawn });
  const weightDecay = 0.375;

  it.each(Object.entries(makers))(
    '%s + λI: products, matrix, eigenvalues, eigenpairs',
    async (_, make) => {
      const plain = make(network, data);
      const decayed = make(network, data, { weightDecay });
      expect(decayed.weightDecay).toBe(weightDecay);
      const { size } = plain;
      const unit = dtype === 'float64' ? 2 ** -52 : 2 ** -23;
      const v = randomVector(2 * size, 1).map(Math.fround);
      const products = await plain.apply(v, 2);
      const expected = products.map((value, i) => value + weightDecay * (v[i] ?? NaN));
      const slack = 2 * unit * largest(expected);
      expect(distance(await decayed.apply(v, 2), expected)).toBeLessThanOrEqual(slack);
      for (const via of ['closedForm', 'products'] as const) {
        const matrix = await plain.toDense({ via });
        const shifted = matrix.map((value, i) =>
          i % (size + 1) === 0 ? value + weightDecay : value,
        );
        expect(await decayed.toDense({ via })).toEqual(shifted);
      }
      const [before, after] = [await denseSpectrum(plain), await denseSpectrum(decayed)];
      expect(after.eigenvalues).toEqual(before.eigenvalues.map((value) => value + weightDecay));
      expect(after.exactZeros).toBe(before.exactZeros);
      expect(before.exactZeros).toBeGreaterThan(0);
      const exactly = after.eigenvalues.filter((value) => value === weightDecay).length;
      expect(exactly).toBeGreaterThanOrEqual(after.exactZeros);
      expect(after.errorBound).toBeGreaterThan(before.errorBound);
      const pairs = await eigenpairs(decayed);
      expect(distance(pairs.values, after.eigenvalues)).toBeLessThanOrEqual(2 * after.errorBound);
    },
  );

  it('is in H and G, not in R, so that H = G + R', async () => {
    const [h, g, r] = [hessian, gaussNewton, residual].map((make) =>
      make(network, data, { weightDecay }),
    );
    if (!h || !g || !r) throw new Error('three makers give three operators');
    expect([h.weightDecay, g.weightDecay, r.weightDecay]).toEqual([weightDecay, weightDecay, 0]);
    expect(await r.toDense()).toEqual(await residual(network, data).toDense());
    const v = randomVector(h.size, 3).map(Math.fround);
    const [hv, gv, rv] = [await h.apply(v), await g.apply(v), await r.apply(v)];
    const sum = Float64Array.from(gv, (value, i) => value + (rv[i] ?? NaN));
    const unit = dtype === 'float64' ? 2 ** -52 : 2 ** -23;
    expect(distance(hv, sum)).toBeLessThanOrEqual(16 * unit * largest(hv));
  });

  it('is that of the block, in a block', async () => {
    const parameters = 'dense2';
    const plain = await hessian(network, data, { parameters }).toDense();
    const decayed = await hessian(network, data, { parameters, weightDecay }).toDense();
    const size = 18;
    expect(decayed).toEqual(
      plain.map((value, i) => (i % (size + 1) === 0 ? value + weightDecay : value)),
    );
  });

  it('is a term of its own in a spectrum; H = G + R stay without it', async () => {
    const terms = ['hessian', 'gaussNewton', 'residual'] as const;
    const plain = await spectrum(network, data, { terms });
    const result = await spectrum(network, data, { terms, weightDecay });
    expect(result.terms).toEqual(plain.terms);
    expect(result.loss).toBe(plain.loss);
    const squares = Array.from(network.parameters()).reduce((sum, value) => sum + value * value, 0);
    const { eigenvalue, multiplicity, penalty } = result.weightDecay ?? { penalty: NaN };
    expect([eigenvalue, multiplicity]).toEqual([weightDecay, network.parameterCount]);
    expect(Math.abs(penalty / ((weightDecay / 2) * squares) - 1)).toBeLessThan(1e-6);
    expect(result.toJSON().weightDecay).toEqual(result.weightDecay);
    expect('weightDecay' in plain).toBe(false);
  });
});

it('beyond the range of float32 has no dense matrix', async () => {
  const network = createNetwork(spec, { dtype: 'float32' });
  await expect(hessian(network, data, { weightDecay: 1e39 }).toDense()).rejects.toMatchObject({
    code: 'ERR_NUMERIC',
  });
});

it.each([-1, NaN, Infinity, '0.1', null])('%o is refused', async (weightDecay) => {
  const network = createNetwork(spec);
  const message = /option 'weightDecay' is .*; expected a finite number of at least 0/;
  for (const call of [hessian, spectrum]) {
    await expect(asJavaScript(call, network, data, { weightDecay })).rejects.toEqual(
      refusal('ERR_SPEC', message),
    );
  }
});
