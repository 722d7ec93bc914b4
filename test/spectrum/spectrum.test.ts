import { gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import {
  createDataset,
  createNetwork,
  denseSpectrum,
  eigenpairs,
  eigenvalues,
  gaussianClusters,
  gaussNewton,
  hessian,
  loadIdx,
  loadNpy,
  matrixOperator,
  spectrum,
} from '../../src/index.js';
import type { Dataset, Network, Progress } from '../../src/index.js';
import { distance, sameBits } from '../curvature/random-problems.js';
import { temporaryFiles } from '../data/temporary-files.js';

const data = gaussianClusters({ samples: 120, classes: 3, dimensions: 8, seed: 6 });
const networkOf = (units: number): Network<'float64'> =>
  createNetwork({
    input: [8],
    layers: [{ type: 'dense', units }, { type: 'tanh' }, { type: 'dense', units: 3 }],
    loss: 'softmaxCrossEntropy',
  });
const network = networkOf(10);
const all = [
  'hessian',
  'gaussNewton',
  'residual',
  'empiricalFisher',
  'gradientCovariance',
] as const;

describe('spectrum', () => {
  it('has the terms that were asked, in that order, once each, with the bits of eigenvalues', async () => {
    const result = await spectrum(network, data, { terms: ['residual', 'hessian', 'residual'] });
    expect(Object.keys(result.terms)).toEqual(['residual', 'hessian']);
    const { version, parameterCount, sampleCount, loss } = result;
    expect({ version, parameterCount, sampleCount, loss }).toEqual({
      version: 1,
      parameterCount: network.parameterCount,
      sampleCount: 120,
      loss: await network.loss(data),
    });
    const { hessian: h } = result.terms;
    expect(sameBits(h.eigenvalues, await eigenvalues(hessian(network, data)))).toBe(true);
    expect(Object.keys((await spectrum(network, data)).terms)).toEqual(['hessian']);
  });

  it('goes through JSON and back without loss', async () => {
    const result = await spectrum(network, data, { terms: all });
    const parsed = JSON.parse(JSON.stringify(result)) as typeof result;
    expect(parsed).toEqual(result.toJSON());
    for (const term of all) {
      const { eigenvalues: values, ...facts } = result.terms[term];
      const { eigenvalues: read, ...factsRead } = parsed.terms[term];
      expect(sameBits(Float64Array.from(read), values)).toBe(true);
      expect(factsRead).toEqual(facts);
    }
  });

  it('both ways differ by no more than the bounds say, and bounds are above estimates', async () => {
    for (const dtype of ['float64', 'float32'] as const) {
      const point = createNetwork(network.spec, { dtype });
      const closed = await spectrum(point, data, { terms: all, via: 'closedForm' });
      const products = await spectrum(point, data, { terms: all, via: 'products', blockSize: 7 });
      for (const term of all) {
        const [a, b] = [closed.terms[term], products.terms[term]];
        expect([a.via, b.via]).toEqual(['closedForm', 'products']);
        expect(distance(a.eigenvalues, b.eigenvalues)).toBeLessThanOrEqual(
          a.errorBound + b.errorBound,
        );
        expect(a.errorEstimate).toBeGreaterThan(0);
        expect(a.errorBound).toBeGreaterThanOrEqual(a.errorEstimate);
      }
    }
  });

  it('float32 eigenvalues differ from float64 ones at the same point by no more than the bound', async () => {
    const single = createNetwork(network.spec, { dtype: 'float32' });
    const double = createNetwork(network.spec, { parameters: single.parameters() });
    const inputs = new Float32Array(data.inputs());
    const samples = createDataset({ inputs, targets: data.targets() });
    const coarse = await spectrum(single, samples, { terms: all });
    const fine = await spectrum(double, samples, { terms: all });
    for (const term of all) {
      const apart = distance(coarse.terms[term].eigenvalues, fine.terms[term].eigenvalues);
      expect(apart).toBeLessThanOrEqual(
        coarse.terms[term].errorBound + fine.terms[term].errorBound,
      );
    }
  });

  it('inputs that are always 0, and dead units, give exact zeros', async () => {
    const inputs = Array.from({ length: 30 }, (_, i) => [Math.sin(i), 0, Math.cos(i), 0]);
    const dark = createDataset({ inputs, targets: inputs.map((_, i) => i % 2) });
    const point = createNetwork({
      input: [4],
      layers: [{ type: 'dense', units: 3 }, { type: 'relu' }, { type: 'dense', units: 2 }],
      loss: 'softmaxCrossEntropy',
    });
    const parameters = point.parameters();
    parameters[12] = -100; // the bias of the first unit: it is dead
    point.setParameters(parameters);
    const { terms } = await spectrum(point, dark, { terms: ['hessian', 'gaussNewton'] });
    // Its 4 weights and bias, two weights of each of the other two, and under softmax of the two weights that read
    // it both, of the two that read each of the others, and of the biases, one.
    for (const term of ['hessian', 'gaussNewton'] as const) {
      expect(terms[term].exactZeros).toBe(5 + 4 + 2 + 3);
      const zeros = terms[term].eigenvalues.filter((value) => value === 0).length;
      expect(zeros).toBeGreaterThanOrEqual(14);
    }
  });

  it('names the term in its progress', async () => {
    const heard: Progress[] = [];
    await spectrum(network, data, {
      terms: ['hessian', 'residual'],
      onProgress: (progress) => heard.push(progress),
    });
    const stages = new Set(heard.map(({ stage }) => stage));
    for (const stage of [
      'hessian: assembly',
      'hessian: eigenvalues',
      'residual: assembly',
      'residual: eigenvalues',
    ]) {
      expect(stages).toContain(stage);
    }
    for (const { done, total } of heard) expect(done).toBeLessThanOrEqual(total);
  });
});

describe('files in different layouts', () => {
  const linear = (inputs: number): Network<'float64'> =>
    createNetwork({
      input: [inputs],
      layers: [{ type: 'dense', units: 4 }, { type: 'tanh' }, { type: 'dense', units: 2 }],
      loss: 'softmaxCrossEntropy',
    });
  const bits = async (samples: Dataset, inputs: number): Promise<Float64Array> =>
    (await spectrum(linear(inputs), samples)).terms.hessian.eigenvalues;

  function npy(fortran: boolean, shape: string, values: readonly number[]): Uint8Array {
    const header =
      `{'descr': '<f8', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${shape}), }`.padEnd(
        117,
      ) + '\n';
    const bytes = new Uint8Array(Float64Array.from(values).buffer);
    return Buffer.concat([
      Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, 118, 0]),
      Buffer.from(header),
      bytes,
    ]);
  }

  it('a column-major npy file has the spectrum of the row-major one, bit for bit (fault 21)', async () => {
    const folder = await temporaryFiles({
      'rows.npy': npy(false, '2, 3', [1, 2, 3, 4, 5, 6]),
      'columns.npy': npy(true, '2, 3', [1, 4, 2, 5, 3, 6]),
    });
    const load = async (name: string): Promise<Dataset> => {
      const inputs = await loadNpy(`${folder}/${name}`);
      expect([...inputs.data]).toEqual([1, 2, 3, 4, 5, 6]);
      return createDataset({ inputs, targets: [0, 1] });
    };
    const [rows, columns] = [await load('rows.npy'), await load('columns.npy')];
    expect(sameBits(await bits(rows, 3), await bits(columns, 3))).toBe(true);
  });

  it('an IDX file has one spectrum, plain, compressed, or compressed under a plain name (fault 22)', async () => {
    const images = Uint8Array.of(
      0,
      0,
      8,
      3,
      0,
      0,
      0,
      2,
      0,
      0,
      0,
      2,
      0,
      0,
      0,
      2,
      0,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
    );
    const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 0, 1);
    const folder = await temporaryFiles({
      'i-ubyte': images,
      'l-ubyte': labels,
      'i-ubyte.gz': gzipSync(images),
      'l-ubyte.gz': gzipSync(labels),
      'hidden-i-ubyte': gzipSync(images),
      'hidden-l-ubyte': gzipSync(labels),
    });
    const load = (i: string, l: string): Promise<Dataset> =>
      loadIdx(`${folder}/${i}`, `${folder}/${l}`);
    const expected = await bits(await load('i-ubyte', 'l-ubyte'), 4);
    expect(sameBits(await bits(await load('i-ubyte.gz', 'l-ubyte.gz'), 4), expected)).toBe(true);
    expect(sameBits(await bits(await load('hidden-i-ubyte', 'hidden-l-ubyte'), 4), expected)).toBe(
      true,
    );
  });
});

describe('beside other work', () => {
  it('twenty jobs at once have the bits of one after the other', async () => {
    const operators = [network, networkOf(12)].flatMap((point) => [
      hessian(point, data),
      gaussNewton(point, data),
    ]);
    const one = await Promise.all(operators.slice(0, 1).map((operator) => eigenvalues(operator)));
    const jobs = Array.from({ length: 20 }, (_, i) => {
      const operator = operators[i % 4];
      if (operator === undefined) throw new Error('four operators');
      return i % 3 === 0
        ? operator.toDense()
        : i % 3 === 1
          ? eigenvalues(operator)
          : eigenpairs(operator).then(({ vectors }) => vectors);
    });
    const together = await Promise.all(jobs);
    for (let i = 0; i < 20; i += 1) {
      const operator = operators[i % 4];
      if (operator === undefined) continue;
      const alone =
        i % 3 === 0
          ? await operator.toDense()
          : i % 3 === 1
            ? await eigenvalues(operator)
            : (await eigenpairs(operator)).vectors;
      expect(sameBits(together[i], alone)).toBe(true);
    }
    expect(sameBits(one[0], await eigenvalues(hessian(network, data)))).toBe(true);
  });

  it('timers keep going during eigenvalues of order 1,500, of a network and of a written operator', async () => {
    const point = networkOf(125);
    const operator = hessian(point, data);
    expect(operator.size).toBe(1503);
    const cheap = { size: 1500, apply: (vectors: Float64Array | Float32Array) => vectors };
    for (const work of [() => eigenvalues(operator), () => eigenvalues(cheap, { blockSize: 8 })]) {
      let ticks = 0;
      const timer = setInterval(() => {
        ticks += 1;
      }, 10);
      const started = performance.now();
      await work();
      clearInterval(timer);
      // A third of those that could have been, since other tests want the processor too.
      expect(ticks).toBeGreaterThanOrEqual((performance.now() - started) / 30 - 3);
    }
  });

  it('an abort rejects at once, while LAPACK still runs, and what follows is right', async () => {
    const operator = hessian(networkOf(125), data);
    const controller = new AbortController();
    const started = performance.now();
    const aborted = eigenvalues(operator, {
      signal: controller.signal,
      onProgress: ({ stage }) => {
        if (stage === 'eigenvalues') controller.abort('enough');
      },
    });
    await expect(aborted).rejects.toMatchObject({
      name: 'AbortError',
      code: 'ERR_ABORTED',
      cause: 'enough',
    });
    const waited = performance.now() - started;
    const again = performance.now();
    await eigenvalues(operator);
    expect(waited).toBeLessThan(performance.now() - again + 200);
    expect([...(await eigenvalues(matrixOperator([2, 1, 1, 2], 2)))].map(Math.round)).toEqual([
      1, 3,
    ]);
  });

  it('a disposed operator still finishes the job that runs', async () => {
    const operator = hessian(network, data);
    const expected = await eigenvalues(operator);
    const running = denseSpectrum(operator);
    operator[Symbol.dispose]();
    expect(sameBits((await running).eigenvalues, expected)).toBe(true);
    await expect(eigenvalues(operator)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });
});
