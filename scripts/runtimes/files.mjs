// What leans on the runtime's own modules: files, signals, ONNX, a report, disposal.
/* global AbortSignal */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createNetwork,
  digits,
  exportOnnx,
  hessian,
  importOnnx,
  isEigenscapeError,
  loadCheckpoint,
  loadCsv,
  renderChart,
  saveCheckpoint,
  sgd,
  train,
} from 'eigenscape';

const folder = mkdtempSync(join(tmpdir(), 'eigenscape-runtime-'));
const ensure = (holds, what) => {
  if (!holds) throw new Error(what);
};
try {
  const layers = [{ type: 'dense', units: 4 }, { type: 'tanh' }, { type: 'dense', units: 10 }];
  const network = createNetwork({ input: [64], layers, loss: 'softmaxCrossEntropy' }, { seed: 1 });
  const data = digits().standardize().take(100);
  const { state } = await train(network, data, {
    optimizer: sgd({ learningRate: 0.5 }),
    batchSize: 'full',
    steps: 20,
  });
  await saveCheckpoint(join(folder, 'network.safetensors'), { network, state });
  const loaded = await loadCheckpoint(join(folder, 'network.safetensors'));
  ensure((await loaded.network.loss(data)) === (await network.loss(data)), 'checkpoint differs');

  const again = await importOnnx(await exportOnnx(network), { loss: 'softmaxCrossEntropy' });
  ensure(Math.abs((await again.loss(data)) - (await network.loss(data))) < 1e-12, 'ONNX differs');

  writeFileSync(join(folder, 'table.csv'), 'a,b,label\n1,2,0\n3,4,1\n');
  const table = await loadCsv(join(folder, 'table.csv'), { target: 'label' });
  ensure(table.sampleCount === 2, 'CSV differs');

  const series = [{ name: 'H', eigenvalues: Float64Array.of(-1, 0, 2) }];
  const svg = await renderChart({ kind: 'eigenvalues', title: 'λ', series }, { format: 'svg' });
  ensure(svg.includes('<svg'), 'no chart');

  const stopped = await train(network, data, {
    optimizer: sgd({ learningRate: 0.1 }),
    batchSize: 'full',
    steps: 1e9,
    signal: AbortSignal.timeout(100),
  }).catch((error) => error);
  ensure(isEigenscapeError(stopped) && stopped.code === 'ERR_ABORTED', `not aborted: ${stopped}`);

  const operator = hessian(network, data);
  operator[Symbol.dispose]?.();
  ensure(readFileSync(join(folder, 'network.safetensors')).length > 0, 'no file');
  console.log('ok');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
