// Pure JavaScript and WebAssembly: jax-js, in float32. node jax-js.mjs JOB.json

import fs from 'node:fs';
import { readArray } from '../problems.mjs';
import { measure, norm, report } from './measure.mjs';

globalThis.navigator ??= { hardwareConcurrency: 2 }; // Node 20 has none, and jax-js asks it
const jax = await import('@jax-js/jax');
const { numpy: np, nn } = jax;
await jax.init('wasm');
jax.defaultDevice('wasm');

const job = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const { spec, samples } = job.problem;
const units = spec.layers.filter(({ type }) => type === 'dense').map((layer) => layer.units);
const widths = [spec.input[0], ...units];
const read = (name) => Float32Array.from(readArray(job.folder, name));

const x = np.array(read('inputs')).reshape([samples, widths[0]]);
const y = nn.oneHot(np.array(Int32Array.from(read('targets')), { dtype: np.int32 }), widths.at(-1));
const layout = units.flatMap((rows, layer) => [[rows, widths[layer]], [rows]]);

/** A flat vector as weights and biases. */
function tensorsOf(values) {
  let offset = 0;
  return layout.map((shape) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    offset += size;
    return np.array(values.slice(offset - size, offset)).reshape(shape);
  });
}

function loss(tensors) {
  let out = x.ref;
  for (let i = 0; i < tensors.length; i += 2) {
    out = np.matmul(out, np.transpose(tensors[i])).add(tensors[i + 1]);
    if (i + 2 < tensors.length) out = nn.relu(out);
  }
  return np.negative(np.sum(nn.logSoftmax(out, -1).mul(y.ref))).mul(1 / samples);
}

const theta = tensorsOf(read('parameters'));
const hold = (tensors) => tensors.map((tensor) => tensor.ref);
const product = jax.jit((v) => jax.jvp(jax.grad(loss), [hold(theta)], [v])[1]);

async function multiply(vector) {
  const parts = product(tensorsOf(vector));
  const rows = [];
  for (const part of parts) rows.push(await part.data());
  return rows.flatMap((row) => [...row]);
}

const vectors = read('vectors');
const size = vectors.length / job.problem.vectors;
let result;
const seconds = await measure(
  async () => (result = await multiply(vectors.subarray(0, size))),
  job,
);
// A matrix is as many products; a minute or two of them would tell no more.
report({
  ways:
    job.task === 'denseHessian'
      ? { [`jit(jvp of grad): time of one × ${size}`]: { seconds: seconds * size, check: null } }
      : { 'jit(jvp of grad)': { seconds, check: norm(result) } },
});
