// Convolutional networks that several trials share.

const conv = (filters, kernelSize, padding = 0) => [
  { type: 'conv2d', filters, kernelSize, padding },
  { type: 'relu' },
];
const pool = (size, stride = size) => ({ type: 'maxPool2d', size, stride });
const dense = (units) => ({ type: 'dense', units });

/** M = 21,840. */
export const smallConvolutional = {
  input: [1, 28, 28],
  layers: [
    ...conv(10, 5),
    pool(2),
    ...conv(20, 5),
    pool(2),
    { type: 'flatten' },
    dense(50),
    { type: 'relu' },
    dense(10),
  ],
  loss: 'softmaxCrossEntropy',
};

/** LeNet with rectified units, as Caffe trains it: M = 431,080. */
export const leNet = {
  input: [1, 28, 28],
  layers: [
    ...conv(20, 5),
    pool(2),
    ...conv(50, 5),
    pool(2),
    { type: 'flatten' },
    dense(500),
    { type: 'relu' },
    dense(10),
  ],
  loss: 'softmaxCrossEntropy',
};

/** A bare AlexNet for images of 32 × 32: two convolutions with overlapping pools, three dense layers. */
export const alexNet = {
  input: [3, 32, 32],
  layers: [
    ...conv(64, 5, 2),
    pool(3, 2),
    ...conv(64, 5, 2),
    pool(3, 2),
    { type: 'flatten' },
    dense(384),
    { type: 'relu' },
    dense(192),
    { type: 'relu' },
    dense(10),
  ],
  loss: 'softmaxCrossEntropy',
};
