// Pure JavaScript and WebAssembly: TensorFlow.js, in float32. node tensorflow-js.mjs JOB.json
//
// @tensorflow/tfjs-node is left out: its installation downloads TensorFlow's library from outside the registry.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as problem from './dense-network.mjs';

const { job, widths, classes } = problem;
const tensorsOf = (flat) => problem.tensorsOf(flat, (values, shape) => tf.tensor(values, shape));
const inputsOf = (values) => tf.tensor(values, [values.length / widths[0], widths[0]]);
const targetsOf = (labels) => tf.oneHot(labels, classes).toFloat();
const dataOf = (tensors) => Promise.all(tensors.map((tensor) => tensor.data()));

function outputs(tensors, x) {
  let out = x;
  for (let i = 0; i < tensors.length; i += 2) {
    out = tf.add(tf.matMul(out, tensors[i], false, true), tensors[i + 1]);
    if (i + 2 < tensors.length) out = tf.relu(out);
  }
  return out;
}

function loss(tensors, x, y) {
  const [samples] = x.shape;
  return tf.div(tf.neg(tf.sum(tf.mul(tf.logSoftmax(outputs(tensors, x)), y))), samples);
}

/** Gradients of gradients pass by what an operation keeps of its output, so those of tf.exp and tf.logSoftmax are
 *  wrong, without a word. This keeps its input. */
const exp = tf.customGrad((x, save) => {
  save([x]);
  return { value: tf.exp(x), gradFunc: (dy, [kept]) => tf.mul(dy, exp(kept)) };
});

/** The same with second derivatives. (Outputs are small: no exponential overflows.) */
function smoothLoss(tensors, x, y) {
  const [samples] = x.shape;
  const f = outputs(tensors, x);
  const logSums = tf.sum(tf.log(tf.sum(exp(f), 1)));
  return tf.div(tf.sub(logSums, tf.sum(tf.mul(f, y))), samples);
}

/** ∇⟨∇L, v⟩: there is no forward mode. */
function products() {
  const theta = tensorsOf(problem.read('parameters'));
  const x = inputsOf(problem.read('inputs'));
  const y = targetsOf(problem.labels());
  const gradient = tf.grads((...tensors) => smoothLoss(tensors, x, y));
  return problem.timeProducts(async (vector) => {
    const v = tensorsOf(vector);
    const along = (...tensors) =>
      tf.addN(gradient(tensors).map((part, i) => tf.sum(tf.mul(part, v[i]))));
    const rows = tf.grads(along)(theta);
    const data = await dataOf(rows);
    tf.dispose([v, rows]);
    return data;
  });
}

function steps(update) {
  const data = problem.batches().map(({ inputs, labels }) => ({
    x: inputsOf(inputs),
    y: targetsOf(labels),
  }));
  const theta = tensorsOf(problem.read('parameters')).map((tensor) => tf.variable(tensor));
  const step = update(theta);
  return problem.timeSteps({
    async epoch() {
      for (const { x, y } of data) tf.tidy(() => step(x, y));
      await theta[0].data();
    },
    parameters: () => dataOf(theta),
  });
}

function withOptimizer(theta) {
  const optimizer = tf.train[job.optimizer](job.learningRate);
  return (x, y) => optimizer.minimize(() => loss(theta, x, y), false, theta);
}

function byHand(theta) {
  return (x, y) => {
    const gradients = tf.grads((...tensors) => loss(tensors, x, y))(theta);
    for (const [i, tensor] of theta.entries()) {
      tensor.assign(tf.sub(tensor, tf.mul(gradients[i], job.learningRate)));
    }
  };
}

const tasks =
  job.task === 'steps'
    ? {
        [`train.${job.optimizer}`]: () => steps(withOptimizer),
        ...(job.optimizer === 'sgd' && { 'grads, update by hand': () => steps(byHand) }),
      }
    : { 'grads of grads': products };

/** On each back end: small products are faster without a call into WebAssembly. */
const on = (backend, time) => async () => {
  await tf.setBackend(backend);
  await tf.ready();
  return time();
};
await problem.runWays(
  Object.fromEntries(
    ['wasm', 'cpu'].flatMap((backend) =>
      Object.entries(tasks).map(([name, time]) => [`${name}, ${backend}`, on(backend, time)]),
    ),
  ),
);
