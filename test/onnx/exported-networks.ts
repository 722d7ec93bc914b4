// Networks to be exported: of every type of layer at least one.

import type { LayerSpec, NetworkSpec } from '../../src/index.js';

export const onImages = (...layers: readonly LayerSpec[]): NetworkSpec => ({
  input: [2, 6, 5],
  layers: [...layers, { type: 'flatten' }, { type: 'dense', units: 3 }],
  loss: 'softmaxCrossEntropy',
});
export const onVectors = (...layers: readonly LayerSpec[]): NetworkSpec => ({
  input: [6],
  layers: [{ type: 'dense', units: 4, name: 'body.0' }, ...layers, { type: 'dense', units: 2 }],
  loss: { type: 'softmaxCrossEntropy', labelSmoothing: 0.1 },
});

/** At least one network for every type of layer; a type without one does not compile. */
export const networks: Readonly<Record<LayerSpec['type'], readonly NetworkSpec[]>> = {
  dense: [onVectors(), onVectors({ type: 'dense', units: 3, bias: false, name: 'fc.1' })],
  conv2d: [
    onImages({ type: 'conv2d', filters: 3, kernelSize: 3, bias: false }),
    onImages(
      { type: 'conv2d', filters: 4, kernelSize: [3, 2], padding: [1, 0, 2, 1], groups: 2 },
      { type: 'conv2d', filters: 2, kernelSize: 2, stride: [1, 2], dilation: [2, 1] },
    ),
  ],
  maxPool2d: [
    onImages({ type: 'maxPool2d', size: 2 }),
    onImages({
      type: 'maxPool2d',
      size: [3, 2],
      stride: 1,
      padding: [1, 0, 2, 1],
      dilation: [1, 2],
    }),
  ],
  avgPool2d: [
    onImages({ type: 'avgPool2d', size: [3, 2] }),
    onImages({ type: 'avgPool2d', size: 3, stride: 2, padding: 1 }),
    onImages({ type: 'avgPool2d', size: 3, stride: 2, padding: [1, 2, 0, 1], countPadding: false }),
  ],
  globalAvgPool2d: [onImages({ type: 'relu' }, { type: 'globalAvgPool2d' })],
  flatten: [onImages(), onVectors({ type: 'flatten' })],
  channelsFirst: [
    onImages({ type: 'channelsFirst' }),
    onImages(
      { type: 'channelsFirst', name: 'moved' },
      { type: 'tanh', name: 'r' },
      { type: 'add', inputs: ['r', 'moved'] },
      { type: 'channelsFirst', name: 'again' },
    ),
  ],
  batchNorm: [
    onImages({ type: 'batchNorm', mean: [0.1, -0.3], variance: [0.5, 2], epsilon: 1e-3 }),
    onVectors({ type: 'batchNorm' }),
    onImages({ type: 'batchNorm', scale: false }),
    onVectors({ type: 'batchNorm', bias: false }),
  ],
  layerNorm: [
    onImages({ type: 'layerNorm' }),
    onVectors({ type: 'layerNorm', epsilon: 1e-2 }),
    onImages({ type: 'layerNorm', scale: false, bias: false }),
    onVectors({ type: 'layerNorm', scale: false }),
    onVectors({ type: 'layerNorm', bias: false }),
  ],
  add: [
    onImages({ type: 'tanh', name: 'r' }, { type: 'add', inputs: ['r', 'input'], name: 'sum' }),
    onImages({ type: 'tanh', name: 'r' }, { type: 'add', inputs: ['r', 'input', 'r'] }),
  ],
  concat: [
    onImages({ type: 'tanh', name: 'r' }, { type: 'concat', inputs: ['r', 'input', 'r'] }),
    onVectors({ type: 'relu', name: 'r' }, { type: 'concat', inputs: ['body.0', 'r'] }),
  ],
  relu: [onVectors({ type: 'relu', name: 'my relu/1' })],
  tanh: [onVectors({ type: 'tanh' })],
  sigmoid: [onVectors({ type: 'sigmoid' })],
  softplus: [onVectors({ type: 'softplus' })],
  softsign: [onVectors({ type: 'softsign' })],
  gelu: [onVectors({ type: 'gelu' }, { type: 'dense', units: 3 }, { type: 'gelu' })],
  silu: [onVectors({ type: 'silu' })],
  mish: [onVectors({ type: 'mish' })],
  elu: [onVectors({ type: 'elu' }), onVectors({ type: 'elu', alpha: 0.123457 })],
  leakyRelu: [onVectors({ type: 'leakyRelu' }), onVectors({ type: 'leakyRelu', alpha: 0.2 })],
};
export const rows = Object.entries(networks).flatMap(([type, specs]) =>
  specs.map((spec, index) => [`${type} ${index}`, spec] as const),
);
