// Runs with checkpoints that are killed at random moments, each time anew, until one ends. By default 8
// kills; EIGENSCAPE_KILLS=50 npx vitest run test/training/kills.test.ts makes 50.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { loadCheckpoint } from '../../src/index.js';
import { compileLibrary } from '../core/compiled-library.js';
import type { CompiledLibrary } from '../core/compiled-library.js';

const kills = Number(process.env.EIGENSCAPE_KILLS ?? 8);

let library: CompiledLibrary;
beforeAll(() => {
  library = compileLibrary();
});
afterAll(() => {
  library.remove();
});

/** Trains from the checkpoint, if there is one, to the end of two phases. Each step is followed by a
 *  checkpoint, so that most kills come while one is written. */
const source = `
  import * as E from 'eigenscape';
  import { existsSync } from 'node:fs';
  const [file] = process.argv.slice(2);
  const data = E.gaussianClusters({ samples: 100, classes: 4, dimensions: 20, seed: 1 });
  const spec = {
    input: [20],
    layers: [{ type: 'dense', units: 100 }, { type: 'tanh' }, { type: 'dense', units: 4 }],
    loss: 'softmaxCrossEntropy',
  };
  const phases = [
    { optimizer: E.adamW({ learningRate: { type: 'cosine', initial: 0.01, steps: 200 }, amsgrad: true }),
      batchSize: 16, order: 'shuffled', steps: 150 },
    { optimizer: E.sgd({ learningRate: 0.01, momentum: 0.9, nesterov: true }),
      batchSize: 7, order: 'withReplacement', steps: 150 },
  ];
  const begun = existsSync(file) ? await E.loadCheckpoint(file) : undefined;
  const network = begun?.network ?? E.createNetwork(spec, { seed: 2 });
  process.stdout.write('begun ');
  await E.train(network, data, {
    phases, seed: 5, recordEvery: 100, resumeFrom: begun?.state,
    checkpoint: { file, every: 1, records: begun?.records },
  });
  process.stdout.write('ended');
`;

/** Starts a run, and kills it so long after it began; returns whether it had ended before. */
async function runUntil(script: string, file: string, killAfter: number): Promise<boolean> {
  const child = spawn(process.execPath, [script, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let timer: NodeJS.Timeout | undefined;
  child.stdout.on('data', (text: Buffer) => {
    output += text.toString();
    if (Number.isFinite(killAfter)) timer ??= setTimeout(() => child.kill('SIGKILL'), killAfter);
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  if (code !== null) expect({ code, output }).toEqual({ code: 0, output: 'begun ended' });
  return code !== null;
}

/** Reads the checkpoint again and again until it is told to stop: each must be whole. */
function readEndlessly(file: string): () => Promise<number> {
  const stop = new AbortController();
  const reading = (async () => {
    let [reads, step] = [0, 0];
    for (; !stop.signal.aborted; reads += 1) {
      if (existsSync(file)) {
        const found = await loadCheckpoint(file);
        expect(found.step).toBeGreaterThanOrEqual(step);
        ({ step } = found);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return reads;
  })();
  return () => {
    stop.abort();
    return reading;
  };
}

/** Runs until it has ended, killed on the way at most so often; returns the steps behind each kill. */
async function killedRun(script: string, file: string, most: number): Promise<number[]> {
  const stopReading = readEndlessly(file);
  const steps: number[] = [];
  for (;;) {
    const ended = await runUntil(
      script,
      file,
      steps.length < most ? 120 * Math.random() : Infinity,
    );
    if (ended) break;
    steps.push(existsSync(file) ? (await loadCheckpoint(file)).step : 0);
    const left = readdirSync(dirname(file)).filter((name) => name.endsWith('.tmp'));
    expect(left.length).toBeLessThanOrEqual(1);
  }
  expect(await stopReading()).toBeGreaterThan(0);
  return steps;
}

it(
  `a run that is killed ${kills} times leaves the file of one that is not`,
  { timeout: 20_000 + 2_000 * kills },
  async () => {
    const script = library.script('run.mjs', source);
    const unbroken = join(dirname(script), 'unbroken.safetensors');
    expect(await runUntil(script, unbroken, Infinity)).toBe(true);
    expect((await loadCheckpoint(unbroken)).step).toBe(300);

    const steps: number[] = [];
    // A run that ends before it is killed so often leaves the other kills to another.
    for (let run = 0; steps.length < kills; run += 1) {
      const file = join(dirname(script), `run-${run}.safetensors`);
      steps.push(...(await killedRun(script, file, kills - steps.length)));
      const same = readFileSync(file).equals(readFileSync(unbroken));
      expect(same, `killed after steps ${steps.join(', ')}`).toBe(true);
    }
    expect(new Set(steps).size).toBeGreaterThan(1);
    if (process.env.EIGENSCAPE_KILLS !== undefined) console.log(`killed after ${steps.join(', ')}`);
  },
);
