// Four workers at once, with the main thread or alone: the same bits in all, one of them ended in the
// middle, and a process that ends by itself.
//
//     workers.mjs          main computes before, meanwhile and after
//     workers.mjs alone    only the workers load the library
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import process from 'node:process';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

/** The eigenvalues of one Hessian of 304 parameters, ten times: the digests that occur. */
async function digests() {
  const E = await import('eigenscape');
  const data = E.gaussianClusters({ samples: 300, classes: 4, dimensions: 20, seed: 1 });
  const layers = [{ type: 'dense', units: 12 }, { type: 'tanh' }, { type: 'dense', units: 4 }];
  const network = E.createNetwork({ input: [20], layers, loss: 'softmaxCrossEntropy' });
  const operator = E.hessian(network, data);
  const found = new Set();
  for (let i = 0; i < 10; i += 1) {
    const values = await E.eigenvalues(operator);
    found.add(createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex'));
  }
  return [...found];
}

const message = (worker) =>
  new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });

/** 0 where it cannot be known: Deno grants /proc only together with everything else. */
function threadsOfProcess() {
  if (process.platform !== 'linux' || 'Deno' in globalThis) return 0;
  return readdirSync('/proc/self/task').length;
}

async function main(alone) {
  const url = new URL(import.meta.url);
  const start = (endless) => new Worker(url, { workerData: { endless } });
  const doomed = start(true);
  const begun = message(doomed);
  const others = [1, 2, 3].map(() => start(false));
  const answers = Promise.all(others.map(message));
  const own = alone ? [] : await digests();
  await begun;
  await doomed.terminate();
  const theirs = await answers;
  const after = alone ? [] : await digests();
  const different = new Set([...own, ...theirs.flat(), ...after]);
  if (different.size !== 1) throw new Error(`${different.size} different results`);
  const tasks = threadsOfProcess();
  if (tasks > 48 + 64) throw new Error(`${tasks} threads`);
  console.log('ok', tasks);
}

if (isMainThread) {
  await main(process.argv.includes('alone'));
} else {
  const found = await digests();
  parentPort.postMessage(found);
  while (workerData.endless) await digests();
}
