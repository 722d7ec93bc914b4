// Networks that several trials share, and how their sizes are counted.

/** Dense layers with ReLU between them, under softmax cross-entropy.
 *  @param {readonly number[]} widths inputs, hidden units …, classes */
export function denseSpec(widths) {
  const layers = widths.slice(1).flatMap((units) => [{ type: 'dense', units }, { type: 'relu' }]);
  return { input: [widths[0]], layers: layers.slice(0, -1), loss: 'softmaxCrossEntropy' };
}

const extent = (size, { kernelSize, stride = 1, padding = 0 }) =>
  Math.floor((size + 2 * padding - kernelSize) / stride) + 1;

/** Multiplications per sample of each layer with weights: square images and windows, no bias.
 *  @param {{ input: readonly number[], layers: readonly object[] }} spec */
export function multiplications({ input, layers }) {
  let [channels, size] = input.length === 1 ? [input[0], 1] : input;
  const counts = [];
  for (const layer of layers) {
    if (layer.type === 'dense') {
      counts.push(channels * size ** 2 * layer.units);
      [channels, size] = [layer.units, 1];
    } else if (layer.type === 'conv2d') {
      size = extent(size, layer);
      counts.push(channels * layer.kernelSize ** 2 * size ** 2 * layer.filters);
      channels = layer.filters;
    } else if (layer.type === 'maxPool2d') {
      size = extent(size, { kernelSize: layer.size, stride: layer.stride ?? layer.size });
    }
  }
  return counts;
}

/** Flops of products with the Hessian at a point that stays, for all layers' multiplications in all samples:
 *  tangent and tangent-adjoint pass of each vector; forward and adjoint, which a block shares. */
export function productFlops(layers) {
  const all = layers.reduce((sum, count) => sum + count, 0);
  const inner = all - layers[0];
  return { perVector: 2 * (2 * all + 4 * inner), shared: 2 * (all + inner) };
}

/** Flops of a step of training, likewise: forward, and the gradients of parameters and inner inputs. */
export function stepFlops(layers) {
  return 2 * (3 * layers.reduce((sum, count) => sum + count, 0) - layers[0]);
}

/** Parameters of each dense layer, biases included. */
export function denseSizes(widths) {
  return widths.slice(1).map((units, index) => units * (widths[index] + 1));
}

export const widths = [100, 30, 30, 10];
export const samples = 1000;

export const problem = { kind: 'network', spec: denseSpec(widths), samples, vectors: 16 };

export const layerSizes = denseSizes(widths);
export const parameterCount = layerSizes.reduce((sum, size) => sum + size, 0);
