// Spectra at many points against those of single operators.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  denseSpectrum,
  empiricalFisher,
  gaussNewton,
  gradientCovariance,
  hessian,
  residual,
  spectra,
  twoBlobs,
} from '../../src/index.js';
import type { SpectraPart } from '../../src/index.js';
import { build, distance, problems, randomVector, sameBits } from '../curvature/random-problems.js';

const terms = [
  'hessian',
  'gaussNewton',
  'residual',
  'empiricalFisher',
  'gradientCovariance',
] as const;
const makers = { hessian, gaussNewton, residual, empiricalFisher, gradientCovariance };

const network = createNetwork({
  input: [2],
  layers: [
    { type: 'dense', units: 6 },
    { type: 'relu' },
    { type: 'dense', units: 6 },
    { type: 'relu' },
    { type: 'dense', units: 2 },
  ],
  loss: 'softmaxCrossEntropy',
});
const data = twoBlobs({ samples: 100, seed: 3 });
const size = network.parameterCount;
const points = randomVector(12 * size, 5);

const row = (values: Float64Array, index: number): Float64Array =>
  values.slice(index * size, (index + 1) * size);

/** Many small spectra come from whole matrices. */
const whole = { reduce: false } as const;

describe('each row', () => {
  it('is the spectrum of that point alone, for every term, chain and loss', async () => {
    await fc.assert(
      fc.asyncProperty(
        problems(),
        fc.constantFrom('float64', 'float32'),
        async (problem, dtype) => {
          const { network: random, data: samples } = build(problem, dtype);
          fc.pre(random.parameterCount > 0);
          const found = await spectra(random, samples, [random], { terms });
          expect(found.failed).toEqual([]);
          const loss = await random.loss(samples);
          const biased = problem.spec.layers.every((layer) => !('bias' in layer) || layer.bias);
          const unit = dtype === 'float64' ? 2 ** -52 : 2 ** -23;
          expect(Math.abs((found.losses[0] ?? NaN) - loss)).toBeLessThan(1e3 * unit * (1 + loss));
          for (const term of terms) {
            const alone = await denseSpectrum(makers[term](random, samples), whole);
            const many = found.terms[term];
            const bound = many.errorBounds[0] ?? NaN;
            expect(distance(many.eigenvalues, alone.eigenvalues)).toBeLessThanOrEqual(
              bound + alone.errorBound,
            );
            // Sums of the same norms; where there is no bias, its 1 need not count.
            expect(bound).toBeLessThanOrEqual(1.01 * alone.errorBound);
            if (biased) expect(bound).toBeGreaterThanOrEqual(0.99 * alone.errorBound);
          }
        },
      ),
      { numRuns: 60, seed: 11 },
    );
  });

  it('holds beyond one stretch of samples', async () => {
    const many = twoBlobs({ samples: 401, seed: 8 });
    const { terms: found } = await spectra(network, many, [network], { terms });
    for (const term of terms) {
      const alone = await denseSpectrum(makers[term](network, many), whole);
      expect(distance(found[term].eigenvalues, alone.eigenvalues)).toBeLessThanOrEqual(
        (found[term].errorBounds[0] ?? NaN) + alone.errorBound,
      );
      expect(found[term].exactZeros[0]).toBe(alone.exactZeros);
    }
  });

  it('has the same bits on any number of threads, and beside any other points', async () => {
    const one = await spectra(network, data, points, { threads: 1, terms });
    for (const threads of [2, 3]) {
      const found = await spectra(network, data, points, { threads, terms });
      for (const term of terms) {
        expect(sameBits(found.terms[term].eigenvalues, one.terms[term].eigenvalues)).toBe(true);
      }
      expect(sameBits(found.losses, one.losses)).toBe(true);
    }
    const alone = await spectra(network, data, row(points, 7), { terms });
    for (const term of terms) {
      const inMany = row(one.terms[term].eigenvalues, 7);
      expect(sameBits(alone.terms[term].eigenvalues, inMany)).toBe(true);
    }
  });
});

describe('networks that are no small chain', () => {
  const convolution = createNetwork(
    {
      input: [1, 4, 4],
      layers: [
        { type: 'conv2d', filters: 2, kernelSize: 3 },
        { type: 'tanh' },
        { type: 'flatten' },
        { type: 'dense', units: 3 },
      ],
      loss: 'softmaxCrossEntropy',
    },
    { seed: 2 },
  );
  const images = createDataset({
    inputs: randomVector(20 * 16, 1),
    inputShape: [1, 4, 4],
    targets: Int32Array.from({ length: 20 }, (_, n) => n % 3),
  });

  it('have the bits of single operators on any number of threads', async () => {
    const other = convolution.clone();
    other.setParameters(randomVector(convolution.parameterCount, 9));
    const alone = await denseSpectrum(hessian(other, images), { reduce: false });
    for (const threads of [1, 2, 3]) {
      const found = await spectra(convolution, images, [convolution, other], { threads });
      const second = found.terms.hessian.eigenvalues.slice(convolution.parameterCount);
      expect(sameBits(second, alone.eigenvalues)).toBe(true);
      expect(found.terms.hessian.errorBounds[1]).toBe(alone.errorBound);
      expect(found.losses[1]).toBe(await other.loss(images));
    }
  });
});

describe('a call', () => {
  it('hears every stretch of points once, with the numbers of the whole', async () => {
    const parts: SpectraPart<'hessian'>[] = [];
    const whole = await spectra(network, data, points, {
      pointsAtOnce: 5,
      onResult: (part) => parts.push(part),
    });
    expect(parts.map(({ first, count }) => [first, count])).toEqual([
      [0, 5],
      [5, 5],
      [10, 2],
    ]);
    const joined = parts.flatMap(({ terms: found }) => Array.from(found.hessian.eigenvalues));
    expect(joined).toEqual(Array.from(whole.terms.hessian.eigenvalues));
    const once = await spectra(network, data, points);
    expect(sameBits(once.terms.hessian.eigenvalues, whole.terms.hessian.eigenvalues)).toBe(true);
  });

  it('marks a point that overflows, and keeps the others', async () => {
    const far = points.slice(0, 3 * size);
    far.fill(1e300, size, 2 * size);
    const found = await spectra(network, data, far);
    expect(found.failed).toHaveLength(1);
    expect(found.failed[0]).toMatchObject({ point: 1 });
    expect(found.failed[0]?.message).toMatch(/not finite/);
    expect(row(found.terms.hessian.eigenvalues, 1).every(Number.isNaN)).toBe(true);
    expect(found.losses[1]).toBeNaN();
    const alone = await spectra(network, data, row(far, 2));
    expect(sameBits(row(found.terms.hessian.eigenvalues, 2), alone.terms.hessian.eigenvalues)).toBe(
      true,
    );
  });

  it('reports progress up to all points, and stops when it is aborted', async () => {
    const heard: number[] = [];
    await spectra(network, data, points, { onProgress: ({ done }) => heard.push(done) });
    expect(heard.at(-1)).toBe(12);
    const controller = new AbortController();
    const many = randomVector(20_000 * size, 2);
    const running = spectra(network, data, many, { signal: controller.signal });
    setTimeout(() => {
      controller.abort(new Error('enough'));
    }, 20);
    await expect(running).rejects.toMatchObject({ code: 'ERR_ABORTED', name: 'AbortError' });
  });

  it('leaves the network and the points as they are', async () => {
    const before = network.parameters();
    const given = points.slice();
    await spectra(network, data, given);
    expect(network.parameters()).toEqual(before);
    expect(given).toEqual(points);
  });
});

describe('refuses', () => {
  const refused = async (given: unknown, options: object = {}): Promise<unknown> =>
    spectra(network, data, given as Float64Array, options).then(
      () => 'accepted',
      (error: unknown) => error,
    );

  it('points of another size', async () => {
    expect(await refused(new Float64Array(size + 1))).toMatchObject({
      code: 'ERR_SHAPE',
      message: /points holds 75 entries; expected rows of 74/,
    });
    expect(await refused([new Float64Array(3)])).toMatchObject({
      code: 'ERR_SHAPE',
      message: /row 0 of points has 3 entries; expected 74/,
    });
    expect(await refused([])).toMatchObject({ code: 'ERR_SHAPE' });
  });

  it('a network with other tensors, even of the same number of parameters', async () => {
    const other = createNetwork({
      input: [2],
      layers: [{ type: 'dense', units: 37, bias: false }],
      loss: 'softmaxCrossEntropy',
    });
    expect(other.parameterCount).toBe(size);
    expect(await refused([other])).toMatchObject({
      code: 'ERR_SHAPE',
      message: /row 0 of points is a network with tensors \[37, 2\]; expected .*\[6, 2\] \[6\]/,
    });
  });

  it('entries that are not finite, by point and entry', async () => {
    const bad = points.slice();
    bad[3 * size + 4] = NaN;
    expect(await refused(bad)).toMatchObject({
      code: 'ERR_DATA',
      message: /entry 4 of row 3 of points is NaN; expected a finite number of float64/,
    });
  });

  it('what is no list of points, unknown terms, unknown options', async () => {
    expect(await refused(7)).toMatchObject({ code: 'ERR_SPEC', message: /points is 7/ });
    expect(await refused(points, { terms: ['hesse'] })).toMatchObject({
      code: 'ERR_SPEC',
      message: /'terms\.0' is "hesse"/,
    });
    expect(await refused(points, { term: 'hessian' })).toMatchObject({
      code: 'ERR_SPEC',
      message: /option 'term' is unknown/,
    });
  });
});
