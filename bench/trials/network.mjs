// The network that several trials share: 100-30-30-10, ReLU, softmax cross-entropy, 1,000 samples.

export const widths = [100, 30, 30, 10];
export const samples = 1000;

export const problem = { kind: 'network', widths, samples, vectors: 16 };

/** Parameters of each layer, biases included. */
export const layerSizes = widths.slice(1).map((units, index) => units * (widths[index] + 1));
export const parameterCount = layerSizes.reduce((sum, size) => sum + size, 0);
/** Of the layers whose inputs move with the parameters. */
export const innerCount = parameterCount - layerSizes[0];
