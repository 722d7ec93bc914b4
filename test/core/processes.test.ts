// Worker threads, exits in the middle, and memory: what only a process of its own can show.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { compileLibrary } from './compiled-library.js';
import type { CompiledLibrary } from './compiled-library.js';

let library: CompiledLibrary;
beforeAll(() => {
  library = compileLibrary();
});
afterAll(() => {
  library.remove();
});

/** A network of 300 parameters, and one of 1,085 whose eigenvalues take a while. */
const prelude = `
  import * as E from 'eigenscape';
  const data = E.gaussianClusters({ samples: 300, classes: 4, dimensions: 20, seed: 1 });
  const networkOf = (units) => E.createNetwork({
    input: [20],
    layers: [{ type: 'dense', units }, { type: 'tanh' }, { type: 'dense', units: 4 }],
    loss: 'softmaxCrossEntropy',
  });
  const small = E.hessian(networkOf(12), data);
  const large = E.hessian(networkOf(40), data);
`;

describe('worker threads', () => {
  it('give the bits that the main thread gives; one may be terminated in the middle (fault 23)', () => {
    const script = library.script(
      'workers.mjs',
      `${prelude}
      import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
      import { createHash } from 'node:crypto';
      import { readdirSync } from 'node:fs';
      const hash = async () => {
        const values = [];
        for (let i = 0; i < 10; i += 1) values.push(await E.eigenvalues(small));
        return new Set(values.map((v) => createHash('sha256').update(v).digest('hex')));
      };
      if (!isMainThread) {
        if (workerData.endless) for (;;) await Promise.all([E.eigenvalues(large), large.toDense()]);
        parentPort.postMessage([...(await hash())]);
      } else {
        const url = new URL(import.meta.url);
        const doomed = new Worker(url, { workerData: { endless: true } });
        const others = [1, 2, 3].map(() => new Worker(url, { workerData: {} }));
        const answers = others.map((worker) => new Promise((resolve, reject) => {
          worker.once('message', resolve);
          worker.once('error', reject);
        }));
        const mine = await hash();
        setTimeout(() => doomed.terminate(), 50);
        const theirs = (await Promise.all(answers)).flat();
        await doomed.terminate();
        const after = await hash();
        const threads = readdirSync('/proc/self/task').length;
        console.log(JSON.stringify({
          size: small.size,
          different: new Set([...mine, ...theirs, ...after]).size,
          answers: theirs.length,
          threads,
        }));
      }
    `,
    );
    const { status, stdout, stderr } = library.run(script);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const facts = JSON.parse(stdout) as Record<
      'size' | 'different' | 'answers' | 'threads',
      number
    >;
    expect(facts).toMatchObject({ size: 304, different: 1, answers: 3 });
    // The pool has 48 threads at most; Node has a dozen of its own.
    expect(facts.threads).toBeLessThanOrEqual(48 + 24);
  });

  it('terminated with every kind of job under way leave the process well', () => {
    const script = library.script(
      'terminate.mjs',
      `${prelude}
      import { Worker, isMainThread } from 'node:worker_threads';
      const network = networkOf(30);
      const jobs = () => [
        E.eigenvalues(large, { onProgress() {} }), large.toDense({ onProgress() {} }), E.eigenpairs(large), large.toDense({ via: 'products' }),
        large.apply(new Float64Array(300 * large.size), 300, { onProgress() {} }), network.gradient(data), network.predict(data),
        E.train(network, data, { optimizer: E.sgd({ learningRate: 0.1 }), batchSize: 10, steps: 1e7, onProgress() {} }),
      ];
      if (!isMainThread) await Promise.all(jobs());
      else {
        for (let round = 0; round < 6; round += 1) {
          const workers = [1, 2, 3, 4].map(() => new Worker(new URL(import.meta.url)));
          await new Promise((resolve) => setTimeout(resolve, 60 + 40 * round));
          await Promise.all(workers.map((worker) => worker.terminate()));
        }
        console.log((await E.eigenvalues(small)).length);
      }
    `,
    );
    const { status, signal, stdout, stderr } = library.run(script);
    expect({ status, signal, stdout, stderr }).toEqual({
      status: 0,
      signal: null,
      stdout: '304\n',
      stderr: '',
    });
  });
});

it('process.exit with jobs under way ends with its own code, and nothing on stderr', () => {
  const script = library.script(
    'exit.mjs',
    `${prelude}
    const network = networkOf(30);
    const jobs = [
      E.eigenvalues(large), large.toDense(), E.eigenpairs(large), large.toDense({ via: 'products' }),
      E.train(network, data, { optimizer: E.sgd({ learningRate: 0.1 }), batchSize: 10, steps: 1e7 }),
    ];
    for (const job of jobs) job.catch(() => undefined);
    process.stdout.write('started');
    setTimeout(() => process.exit(7), Number(process.argv[2]));
  `,
  );
  for (let round = 0; round < 8; round += 1) {
    const { status, signal, stdout, stderr } = library.run(script, { args: [String(15 * round)] });
    expect({ status, signal, stdout, stderr }).toEqual({
      status: 7,
      signal: null,
      stdout: 'started',
      stderr: '',
    });
  }
});

describe('memory', () => {
  it(
    'toDense of 7,780 parameters, 20 times, never holds more than the matrix and a quarter (fault 24)',
    { timeout: 90_000 },
    () => {
      const script = library.script(
        'dense.mjs',
        `
      import * as E from 'eigenscape';
      import { readFileSync } from 'node:fs';
      const peak = () => Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
      const data = E.gaussianClusters({ samples: 10, classes: 10, dimensions: 100, seed: 1 });
      const network = E.createNetwork({
        input: [100],
        layers: [{ type: 'dense', units: 70 }, { type: 'tanh' }, { type: 'dense', units: 10 }],
        loss: 'softmaxCrossEntropy',
      });
      const operator = E.hessian(network, data);
      await operator.apply(new Float64Array(operator.size));
      const before = peak();
      const peaks = [];
      for (let i = 0; i < 20; i += 1) {
        await operator.toDense();
        peaks.push(peak() - before);
      }
      console.log(JSON.stringify({ size: operator.size, first: peaks[0], early: peaks[4], last: peaks[19] }));
    `,
      );
      const { status, stdout, stderr } = library.run(script);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const { size, first, early, last } = JSON.parse(stdout) as Record<
        'size' | 'first' | 'early' | 'last',
        number
      >;
      expect(size).toBe(7780);
      const matrix = 8 * size ** 2;
      expect(first).toBeLessThan(1.25 * matrix + 64e6);
      expect(last).toBeLessThan(1.25 * matrix + 64e6);
      expect(last - early).toBeLessThan(32e6);
    },
  );

  it('matrices beyond the memory are refused before they are allocated, naming operator.apply (faults 14 and 24)', () => {
    const script = library.script(
      'refused.mjs',
      `
      import * as E from 'eigenscape';
      import { readFileSync } from 'node:fs';
      const held = () => Number(/VmSize:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
      const answer = async (call) => {
        const before = held();
        const code = await call().then(() => 'none', ({ code, message, details }) =>
          code + (message.includes('operator.apply(vectors, count)') && ['extremalEigenpairs(operator', 'lanczos'].some((call) => message.includes(call)) ? '' : message) + (details.bytes > details.freeMemory ? '' : ' without numbers'));
        return [code, held() - before < 1e9];
      };
      const data = E.createDataset({ inputs: Float64Array.from({ length: 9990 }, (_, i) => Math.sin(i)), inputShape: [999], targets: Uint8Array.from({ length: 10 }, (_, i) => i) });
      const network = E.createNetwork({ input: [999], layers: [{ type: 'dense', units: 200 }], loss: 'softmaxCrossEntropy' });
      const operator = E.hessian(network, data);
      const answers = [
        await answer(() => operator.toDense()), await answer(() => E.eigenvalues(operator, { reduce: false })),
        await answer(() => E.eigenpairs(operator)), await answer(() => E.spectrum(network, data, { reduce: false })),
      ];
      let products = 0;
      for (const size of [32767, 46341, 200000, 2 ** 40]) {
        for (const dtype of ['float64', 'float32']) {
          const cheap = { size, dtype, apply: (vectors) => { products += 1; return vectors; } };
          answers.push(await answer(() => E.eigenvalues(cheap)), await answer(() => E.eigenpairs(cheap, { largest: 1 })));
        }
      }
      console.log(JSON.stringify({ products, size: operator.size, answers, small: [...(await E.eigenvalues(E.matrixOperator([2], 1)))] }));
    `,
    );
    const { status, stdout, stderr } = library.run(script, { addressSpaceKiB: 4 * 1024 * 1024 });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      products: 0,
      size: 200_000,
      answers: Array(20).fill(['ERR_MEMORY', true]),
      small: [2],
    });
  });
});
