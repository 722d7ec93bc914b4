// The long calls whose responsiveness is measured: what each is called with, at a number of parameters.
import fs from 'node:fs';
import path from 'node:path';

import * as eigenscape from '../../dist/index.js';
import { alexNet } from './convolutional.mjs';

const { adam, createDataset, createNetwork, hessian, sgd, train } = eigenscape;
const loss = 'softmaxCrossEntropy';

/** 100-h-h-10, tanh: h² + 111·h + 10 parameters, about as many as wanted. */
function perceptron(wanted) {
  const units = Math.max(1, Math.round(Math.sqrt(wanted + 111 ** 2 / 4) - 111 / 2));
  const layers = [
    { type: 'dense', units },
    { type: 'tanh' },
    { type: 'dense', units },
    { type: 'tanh' },
    { type: 'dense', units: 10 },
  ];
  return createNetwork({ input: [100], layers, loss });
}

/** `make`, called once, when it is first needed. */
function once(make) {
  let made;
  return () => (made ??= make());
}

/** Everything about a network of this many parameters: [name, call of a signal]. */
export async function callsOnNetwork(parameters, folder) {
  const { gaussianClusters } = eigenscape;
  const network = perceptron(parameters);
  // Less work at ten million: what keeps the event loop waiting is the length of the vectors.
  const [samples, stretch] = parameters > 3e6 ? [100, 4] : [1000, 20];
  const data = gaussianClusters({ samples, classes: 10, dimensions: 100, seed: 4 });
  const file = path.join(folder, 'run.safetensors');
  const written = path.join(folder, 'written.safetensors');
  const weights = path.join(folder, 'weights.safetensors');
  const model = path.join(folder, 'model.onnx');
  const other = network.clone();
  const [theta, otherTheta] = [network.parameters(), other.parameters()];
  const operator = hessian(network, data);
  const [onKfac, onEkfac] = [
    once(() => eigenscape.kfac(network, data)),
    once(() => eigenscape.ekfac(network, data)),
  ];
  const steps = { optimizer: adam(), batchSize: 100, recordEvery: 10 };
  const slow = { optimizer: sgd({ learningRate: 0.01 }), batchSize: 100 };
  const { state } = await train(network.clone(), data, { ...steps, steps: 1 });
  await eigenscape.saveCheckpoint(file, { network, state, options: { ...steps, steps: 1 } });
  await eigenscape.saveCheckpoint(weights, { network });
  fs.writeFileSync(model, await eigenscape.exportOnnx(network));
  const bytes = fs.readFileSync(model);
  const pair = { values: Float64Array.of(1), vectors: theta };
  const few = data.take(20);

  return {
    count: network.parameterCount,
    calls: [
      ['train', (signal) => train(network.clone(), data, { ...steps, steps: 2 * stretch, signal })],
      [
        'train, resumed',
        (signal) =>
          train(network.clone(), data, { ...steps, steps: stretch, resumeFrom: state, signal }),
      ],
      [
        'train, checkpoints',
        (signal) => {
          const checkpoint = {
            file: path.join(folder, 'checkpoints.safetensors'),
            every: stretch / 4,
          };
          return train(network.clone(), data, { ...steps, steps: stretch, checkpoint, signal });
        },
      ],
      [
        'train, tracked',
        (signal) => {
          const track = { every: 2, tolerance: 1e-2, maxProducts: 2 * stretch };
          return train(network.clone(), data, { ...slow, steps: 4, track, signal });
        },
      ],
      [
        'trainMany',
        (signal) =>
          eigenscape.trainMany(network, data, [theta, theta], { ...slow, steps: 5, signal }),
      ],
      ['saveCheckpoint', (signal) => eigenscape.saveCheckpoint(written, { network }, { signal })],
      [
        'saveCheckpoint, state',
        (signal) => eigenscape.saveCheckpoint(written, { network, state }, { signal }),
      ],
      ['loadCheckpoint', (signal) => eigenscape.loadCheckpoint(file, { signal })],
      ['loadNetwork', (signal) => eigenscape.loadNetwork(network.spec, weights, { signal })],
      ['loadSafetensors', (signal) => eigenscape.loadSafetensors(weights, { signal })],
      ['exportOnnx', (signal) => eigenscape.exportOnnx(network, { signal })],
      ['importOnnx, bytes', (signal) => eigenscape.importOnnx(bytes, { loss, signal })],
      ['importOnnx, file', (signal) => eigenscape.importOnnx(model, { loss, signal })],
      [
        'compareWithOnnxRuntime',
        (signal) => eigenscape.compareWithOnnxRuntime(network, { inputs: few, signal }),
      ],
      ['predict', (signal) => network.predict(data, { signal })],
      ['loss', (signal) => network.loss(data, { signal })],
      ['gradient', (signal) => network.gradient(data, { signal })],
      ['apply', (signal) => operator.apply(theta, 1, { signal })],
      ['apply of kfac', (signal) => onKfac().apply(theta, 1, { signal })],
      ['apply of ekfac', (signal) => onEkfac().apply(theta, 1, { signal })],
      ['kfac made, applied', (signal) => eigenscape.kfac(network, few).apply(theta, 1, { signal })],
      [
        'extremalEigenpairs',
        (signal) =>
          eigenscape.extremalEigenpairs(operator, { largest: 2, maxProducts: 2 * stretch, signal }),
      ],
      [
        'extremalEigenpairs of shift',
        (signal) => {
          const shifted = eigenscape.shift(operator, 1);
          return eigenscape.extremalEigenpairs(shifted, { largest: 1, maxProducts: 8, signal });
        },
      ],
      [
        'spectralDensity',
        (signal) => eigenscape.spectralDensity(operator, { steps: 5, probes: 2, signal }),
      ],
      [
        'trace',
        (signal) => eigenscape.trace(operator, { products: samples === 100 ? 6 : 12, signal }),
      ],
      ['diagonal', (signal) => eigenscape.diagonal(operator, { signal })],
      [
        'diagonal, hutchinson',
        (signal) => eigenscape.diagonal(operator, { method: 'hutchinson', products: 6, signal }),
      ],
      ['frobeniusNorm', (signal) => eigenscape.frobeniusNorm(operator, { products: 6, signal })],
      ['estimate', (signal) => eigenscape.estimate(network, few, { signal })],
      [
        'attributeOutliers, a pair',
        (signal) => eigenscape.attributeOutliers(network, data, pair, { signal }),
      ],
      [
        'interpolate',
        (signal) => {
          const options = { data, coefficients: [0, 0.5, 1], signal };
          return eigenscape.interpolate(network, theta, otherTheta, options);
        },
      ],
      [
        'interpolate, networks',
        (signal) => {
          const options = { data, coefficients: [0, 0.5, 1], signal };
          return eigenscape.interpolate(network, network, other, options);
        },
      ],
      [
        'barrier',
        (signal) => eigenscape.barrier(network, theta, otherTheta, { data: few, signal }),
      ],
      ['plane', (signal) => eigenscape.plane(network, { data, coefficients: [0, 1], signal })],
      [
        'trackInterpolation',
        (signal) => {
          const options = { data, coefficients: [0, 1], signal };
          return eigenscape.trackInterpolation(network, [theta], [otherTheta], options);
        },
      ],
    ],
  };
}

/** What needs a matrix: of 4,270 parameters, or 5,000 rows. */
export function callsOnMatrices() {
  const data = eigenscape.gaussianClusters({
    samples: 1000,
    classes: 10,
    dimensions: 100,
    seed: 4,
  });
  const network = perceptron(4270);
  const operator = hessian(network, data);
  const small = perceptron(900);
  const order = 5000;
  const dense = once(() =>
    eigenscape.matrixOperator(
      Float64Array.from({ length: order ** 2 }, (_, i) => {
        const [a, b] = [Math.floor(i / order), i % order];
        return Math.sin(1 + Math.min(a, b) * 7919 + Math.max(a, b));
      }),
      order,
    ),
  );
  const points = Array.from({ length: 8 }, (_, seed) => createNetwork(small.spec, { seed }));
  return [
    ['toDense', (signal) => operator.toDense({ signal })],
    ['toDense by products', (signal) => operator.toDense({ via: 'products', signal })],
    ['eigenvalues', (signal) => eigenscape.eigenvalues(operator, { signal })],
    ['eigenvalues of 5,000²', (signal) => eigenscape.eigenvalues(dense(), { signal })],
    ['eigenpairs', (signal) => eigenscape.eigenpairs(operator, { signal })],
    ['negativeCount', (signal) => eigenscape.negativeCount(operator, { signal })],
    ['spectrum', (signal) => eigenscape.spectrum(network, data, { signal })],
    [
      'spectrum, density',
      (signal) =>
        eigenscape.spectrum(network, data, { terms: ['hessian'], method: 'density', signal }),
    ],
    ['spectra', (signal) => eigenscape.spectra(small, data, points, { signal })],
    ['attributeOutliers', (signal) => eigenscape.attributeOutliers(network, data, 10, { signal })],
  ];
}

/** Convolutions, of which one chunk of samples takes long. */
export function callsOnImages() {
  const count = 1000;
  const net = createNetwork(alexNet, { dtype: 'float32' });
  const photos = createDataset({
    inputs: Float32Array.from({ length: count * 3 * 32 * 32 }, (_, i) => Math.sin(i)),
    inputShape: [3, 32, 32],
    targets: Int32Array.from({ length: count }, (_, i) => i % 10),
  });
  const full = { optimizer: sgd({ learningRate: 0.001 }), batchSize: 'full', steps: 2 };
  const operator = hessian(net, photos);
  return [
    ['AlexNet: train', (signal) => train(net.clone(), photos, { ...full, signal })],
    ['AlexNet: apply', (signal) => operator.apply(net.parameters(), 1, { signal })],
  ];
}

/** An npy file of float32 [...shape]. */
function writeNpy(file, shape) {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const header = `${text.padEnd(117)}\n`;
  const start = Buffer.from(
    `\x93NUMPY\x01\x00${String.fromCharCode(header.length)}\x00${header}`,
    'latin1',
  );
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i % 251);
  fs.writeFileSync(file, Buffer.concat([start, Buffer.from(values.buffer)]));
}

/** An IDX file of bytes. */
function writeIdx(file, shape, byteOf) {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.writeUInt32BE(0x800 + shape.length);
  shape.forEach((extent, axis) => head.writeUInt32BE(extent, 4 + 4 * axis));
  const body = Buffer.from(
    Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => byteOf(i)),
  );
  fs.writeFileSync(file, Buffer.concat([head, body]));
}

/** Files of MNIST's and CIFAR-10's sizes, and others; data that stays in them. */
export async function callsOnFiles(folder) {
  const at = (name) => path.join(folder, name);
  for (const [part, count] of [
    ['train', 60_000],
    ['t10k', 10_000],
  ]) {
    writeIdx(at(`${part}-images-idx3-ubyte`), [count, 28, 28], (i) => i % 256);
    writeIdx(at(`${part}-labels-idx1-ubyte`), [count], (i) => i % 10);
  }
  const records = Uint8Array.from({ length: 10_000 * 3073 }, (_, i) =>
    i % 3073 === 0 ? i % 10 : i % 256,
  );
  for (let batch = 1; batch <= 5; batch += 1)
    fs.writeFileSync(at(`data_batch_${batch}.bin`), records);
  fs.writeFileSync(at('test_batch.bin'), records);
  writeNpy(at('x.npy'), [60_000, 784]);
  const line = `${Array.from({ length: 100 }, (_, i) => (i / 7).toFixed(3)).join(',')},`;
  fs.writeFileSync(
    at('x.csv'),
    Array.from({ length: 20_000 }, (_, i) => line + (i % 10)).join('\n'),
  );
  const streamed = createDataset({
    inputs: await eigenscape.loadNpy(at('x.npy'), { stream: true }),
    targets: Int32Array.from({ length: 60_000 }, (_, i) => i % 10),
  });
  const layers = [{ type: 'dense', units: 100 }, { type: 'tanh' }, { type: 'dense', units: 10 }];
  const network = createNetwork({ input: [784], layers, loss });
  const options = { optimizer: sgd({ learningRate: 1e-6 }), batchSize: 'full', steps: 3 };
  return [
    ['loadMnist', (signal) => eigenscape.loadMnist(folder, { signal })],
    ['loadMnist, streamed', (signal) => eigenscape.loadMnist(folder, { stream: true, signal })],
    ['loadCifar10', (signal) => eigenscape.loadCifar10(folder, { signal })],
    ['loadNpy', (signal) => eigenscape.loadNpy(at('x.npy'), { signal })],
    ['loadCsv', (signal) => eigenscape.loadCsv(at('x.csv'), { target: 100, signal })],
    ['load of streamed data', (signal) => streamed.load({ signal })],
    [
      'train on streamed data',
      (signal) => train(network.clone(), streamed, { ...options, signal }),
    ],
    ['loss on streamed data', (signal) => network.loss(streamed, { signal })],
  ];
}

/** Reports of 10,000 eigenvalues, about as many as a screen has use for. */
export function callsOnReports(folder) {
  const values = Float64Array.from({ length: 10_000 }, (_, i) => Math.sinh((i - 5_000) / 600));
  const chart = { kind: 'eigenvalues', title: 'All', series: [{ name: 'H', eigenvalues: values }] };
  const histogram = { ...chart, kind: 'histogram' };
  const report = { title: 'All', tables: [], charts: [chart, histogram], manifest: {} };
  const { renderChart, writeReport } = eigenscape;
  return [
    ['renderChart', () => renderChart(chart, { format: 'svg' })],
    ['renderChart, histogram', () => renderChart(histogram, { format: 'svg' })],
    ['renderChart, PNG', () => renderChart(chart, { format: 'png' })],
    ['writeReport', () => writeReport(report, path.join(folder, 'report.html'))],
    ['gemmSpeed', (signal) => eigenscape.gemmSpeed({ signal })],
  ];
}
