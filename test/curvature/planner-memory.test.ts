// Products with data on disk have the same bits whatever memory the planner finds: where points are kept
// between products, and where each product reads the files anew.

import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { createRandom } from '../../src/data/random.js';
import { compileLibrary } from '../core/compiled-library.js';
import type { CompiledLibrary } from '../core/compiled-library.js';
import { bytesOf, npyFile } from '../data/stored-files.js';

const samples = 16_001;
const inputs = 6;
const bytes = samples * inputs * 8;

/** What a process found: its address space before the first product, and for each number of threads a hash of
 *  the products, and bytes that the second of two equal ones read. */
interface Findings {
  readonly spaceKiB: number;
  readonly runs: readonly { readonly hash: string; readonly again: number }[];
}

let library: CompiledLibrary;
let script: string;

beforeAll(() => {
  library = compileLibrary();
  script = library.script(
    'products.js',
    `
    import { createHash } from 'node:crypto';
    import { readFileSync } from 'node:fs';
    import * as E from 'eigenscape';
    const number = (file, key) => Number(readFileSync(file, 'utf8').match(new RegExp(key + ':\\\\s+(\\\\d+)'))[1]);
    const data = E.createDataset({
      inputs: await E.loadNpy(process.argv[2], { stream: true }),
      targets: Array.from({ length: ${String(samples)} }, (_, n) => n % 3),
    });
    const smooth = ['tanh', 'softplus', 'sigmoid', 'tanh', 'softplus', 'tanh'].map((type) => ({ type }));
    const layers = [{ type: 'dense', units: 40 }, ...smooth, { type: 'dense', units: 3 }];
    const network = E.createNetwork({ input: [${String(inputs)}], layers, loss: 'softmaxCrossEntropy' });
    await network.loss(data.take(1000), { threads: 3 }); // starts the threads
    const vectors = Float64Array.from({ length: 2 * network.parameterCount }, (_, i) => Math.sin(i));
    const spaceKiB = number('/proc/self/status', 'VmSize');
    const runs = [];
    for (const threads of [1, 2, 3]) {
      const operator = E.hessian(network, data, { threads });
      const first = await operator.apply(vectors, 2);
      const before = number('/proc/self/io', 'rchar');
      const second = await operator.apply(vectors, 2);
      const again = number('/proc/self/io', 'rchar') - before;
      const hash = createHash('sha256').update(first).update(second).digest('hex');
      runs.push({ hash, again });
      operator[Symbol.dispose]();
    }
    console.log(JSON.stringify({ spaceKiB, runs }));
  `,
  );
});

afterAll(() => {
  library.remove();
});

it('kept in memory and read anew, on 1, 2 and 3 threads', () => {
  const random = createRandom(3);
  const numbers = Float64Array.from({ length: samples * inputs }, () => random.normal());
  const file = path.join(path.dirname(script), 'x.npy');
  writeFileSync(file, npyFile('<f8', [samples, inputs], bytesOf(numbers)));
  const run = (limit: { readonly addressSpaceKiB?: number }): Findings => {
    const { status, stdout, stderr } = library.run(script, { args: [file], ...limit });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return JSON.parse(stdout) as Findings;
  };
  const ample = run({});
  // Points of the whole data take about 80 MB, and are kept while that is an eighth of what is free.
  const scarce = run({ addressSpaceKiB: ample.spaceKiB + 400 * 1024 });
  for (const { again } of ample.runs) expect(again).toBeLessThan(bytes / 10);
  for (const { again } of scarce.runs) expect(again).toBeGreaterThanOrEqual(bytes);
  const hashes = [...ample.runs, ...scarce.runs].map(({ hash }) => hash);
  expect(new Set(hashes).size).toBe(1);
});
