// What the contenders work on, as files that any language reads: float64, little-endian, no header.

import fs from 'node:fs';
import path from 'node:path';
import { adam, createNetwork, loadMnist, randomInputs, train, twoBlobs } from '../dist/index.js';

const seed = 1;

const normal = (rows, columns) =>
  randomInputs({ samples: rows, inputShape: [columns], classes: 2, seed }).inputs();

const unitsOf = (spec) => spec.layers.findLast(({ type }) => type === 'dense').units;

const arraysOf = {
  none: () => ({}),
  network({ spec, samples, vectors }) {
    const network = createNetwork(spec, { seed });
    const data = randomInputs({ samples, inputShape: spec.input, classes: unitsOf(spec), seed });
    return {
      parameters: network.parameters(),
      inputs: data.inputs(),
      targets: data.targets(),
      vectors: normal(vectors, network.parameterCount),
    };
  },
  /** Trained for some steps, so that the Hessian has outliers; on the first test images of MNIST if
   *  EIGENSCAPE_BENCH_MNIST names the folder of its files, else on random inputs. */
  async trained({ spec, samples, steps }) {
    const network = createNetwork(spec, { seed });
    const folder = process.env.EIGENSCAPE_BENCH_MNIST;
    const data = folder
      ? (await loadMnist(folder, { split: 'test' })).take(samples)
      : randomInputs({ samples, inputShape: spec.input, classes: unitsOf(spec), seed });
    const optimizer = adam({ learningRate: 1e-3 });
    await train(network, data, { optimizer, batchSize: 100, steps, seed });
    return { parameters: network.parameters(), inputs: data.inputs(), targets: data.targets() };
  },
  points({ spec, samples, points, scale }) {
    const network = createNetwork(spec, { seed });
    const data = twoBlobs({ samples, seed });
    return {
      parameters: network.parameters(),
      inputs: data.inputs(),
      targets: data.targets(),
      points: normal(points, network.parameterCount).map((value) => scale * value),
    };
  },
  matrix({ size }) {
    const matrix = normal(size, size);
    for (let i = 0; i < size; i += 1) {
      for (let j = 0; j < i; j += 1) matrix[i * size + j] = matrix[j * size + i];
    }
    return { matrix };
  },
};

/** Writes the arrays of a problem into a folder: one file for each, `name.f64`. */
export async function writeProblem(problem, folder) {
  for (const [name, values] of Object.entries(await arraysOf[problem.kind](problem))) {
    fs.writeFileSync(path.join(folder, `${name}.f64`), values);
  }
}

/** An array that {@link writeProblem} wrote. */
export function readArray(folder, name) {
  const bytes = fs.readFileSync(path.join(folder, `${name}.f64`));
  // Small files are read into a shared piece of memory, at any offset; large ones stay where they are.
  const { buffer, byteOffset, length } = bytes;
  const own = length === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + length);
  return new Float64Array(own);
}
