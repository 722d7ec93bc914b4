// Pure JavaScript and WebAssembly: jax-js, in float32. node jax-js.mjs JOB.json
//
// Its threads need the global Worker of browsers. With one made of Node's, two threads took 32 ms where one took 31:
// there is one here.

import * as problem from './dense-network.mjs';

globalThis.navigator ??= { hardwareConcurrency: 2 }; // Node 20 has none, and jax-js asks it
const jax = await import('@jax-js/jax');
const { numpy: np, nn } = jax;
await jax.init('wasm');
jax.defaultDevice('wasm');

const { job, widths, classes } = problem;
const tensorsOf = (flat) =>
  problem.tensorsOf(flat, (values, shape) => np.array(values).reshape(shape));
const hold = (tensors) => tensors.map((tensor) => tensor.ref);
const inputsOf = (values) => np.array(values).reshape([values.length / widths[0], widths[0]]);
const targetsOf = (labels) => nn.oneHot(np.array(labels, { dtype: np.int32 }), classes);

/** Arrays of the library are spent by their use, and held by `ref`. */
function loss(tensors, x, y) {
  const [samples] = x.shape;
  let out = x;
  for (let i = 0; i < tensors.length; i += 2) {
    out = np.matmul(out, np.transpose(tensors[i])).add(tensors[i + 1]);
    if (i + 2 < tensors.length) out = nn.relu(out);
  }
  return np.negative(np.sum(nn.logSoftmax(out, -1).mul(y))).mul(1 / samples);
}

async function dataOf(tensors) {
  const parts = [];
  for (const tensor of tensors) parts.push(await tensor.data());
  return parts;
}

function productWays() {
  const theta = tensorsOf(problem.read('parameters'));
  const x = inputsOf(problem.read('inputs'));
  const y = targetsOf(problem.labels());
  const gradient = jax.grad((tensors) => loss(tensors, x.ref, y.ref));
  const forward = jax.jit((v) => jax.jvp(gradient, [hold(theta)], [v])[1]);
  const [, linear] = jax.linearize(gradient, [hold(theta)]);
  const time = (product) => () =>
    problem.timeProducts(async (vector) => dataOf(await product(tensorsOf(vector))));
  return { 'jit(jvp of grad)': time(forward), 'linearized grad, kept': time(linear) };
}

function stepWays() {
  const data = problem.batches().map(({ inputs, labels }) => ({
    x: inputsOf(inputs),
    y: targetsOf(labels),
  }));
  const update = jax.jit((tensors, x, y) => {
    const gradients = jax.grad((at) => loss(at, x.ref, y.ref))(hold(tensors));
    return tensors.map((tensor, i) => tensor.sub(gradients[i].mul(job.learningRate)));
  });
  const time = () => {
    let theta = tensorsOf(problem.read('parameters'));
    return problem.timeSteps({
      async epoch() {
        for (const { x, y } of data) theta = update(theta, x.ref, y.ref);
        await jax.blockUntilReady(hold(theta));
      },
      parameters: () => dataOf(hold(theta)),
    });
  };
  return { 'jit(grad and update)': time };
}

await problem.runWays(job.task === 'steps' ? stepWays() : productWays());
