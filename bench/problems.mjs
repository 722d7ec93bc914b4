// What the contenders work on, as files that any language reads: float64, little-endian, no header.

import fs from 'node:fs';
import path from 'node:path';
import { createNetwork, randomInputs, twoBlobs } from '../dist/index.js';

const seed = 1;

/** The spec of a network of dense layers with ReLU between them. */
export function networkSpec(widths) {
  const layers = widths.slice(1).flatMap((units) => [{ type: 'dense', units }, { type: 'relu' }]);
  return { input: [widths[0]], layers: layers.slice(0, -1), loss: 'softmaxCrossEntropy' };
}

const normal = (rows, columns) =>
  randomInputs({ samples: rows, inputShape: [columns], classes: 2, seed }).inputs();

const arraysOf = {
  none: () => ({}),
  network({ widths, samples, vectors }) {
    const network = createNetwork(networkSpec(widths), { seed });
    const data = randomInputs({
      samples,
      inputShape: [widths[0]],
      classes: widths[widths.length - 1],
      seed,
    });
    return {
      parameters: network.parameters(),
      inputs: data.inputs(),
      targets: data.targets(),
      vectors: normal(vectors, network.parameterCount),
    };
  },
  points({ widths, samples, points, scale }) {
    const network = createNetwork(networkSpec(widths), { seed });
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
export function writeProblem(problem, folder) {
  for (const [name, values] of Object.entries(arraysOf[problem.kind](problem))) {
    fs.writeFileSync(path.join(folder, `${name}.f64`), values);
  }
}

/** An array that {@link writeProblem} wrote. */
export function readArray(folder, name) {
  const bytes = fs.readFileSync(path.join(folder, `${name}.f64`));
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
