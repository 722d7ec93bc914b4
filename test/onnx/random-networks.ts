// Random networks on images with branches, of every type of layer, for laws of whole files.

import * as fc from 'fast-check';

import type { LayerSpec, LossSpec, NetworkSpec } from '../../src/index.js';
import { activationTypes } from '../../src/network/spec.js';

type Image = readonly [channels: number, height: number, width: number];

/** One layer or block at the end of those before it; nothing where it does not fit the image. */
type Move = (image: Image, first: number) => readonly [readonly LayerSpec[], Image] | undefined;

const smallInteger = (max: number, min = 1) => fc.integer({ min, max });
const pair = (max: number) => fc.tuple(smallInteger(max), smallInteger(max));
const sides = fc.tuple(
  smallInteger(1, 0),
  smallInteger(1, 0),
  smallInteger(1, 0),
  smallInteger(1, 0),
);

const activation: fc.Arbitrary<LayerSpec> = fc.oneof(
  fc.constantFrom(...activationTypes).map((type) => ({ type })),
  fc.record({
    type: fc.constantFrom('elu', 'leakyRelu'),
    alpha: fc.constantFrom(0.2, 0.123457, 1.5),
  }),
);

/** Rows and columns behind a window, undefined where it does not fit. */
function behind(
  [, height, width]: Image,
  channels: number,
  window: {
    readonly kernel: readonly [number, number];
    readonly stride: readonly [number, number];
    readonly padding: readonly [number, number, number, number];
    readonly dilation: readonly [number, number];
  },
): Image | undefined {
  const { kernel, stride, padding, dilation } = window;
  const [top, left, bottom, right] = padding;
  const size = [height + top + bottom, width + left + right] as const;
  const out = ([0, 1] as const).map(
    (axis) => Math.floor((size[axis] - (kernel[axis] - 1) * dilation[axis] - 1) / stride[axis]) + 1,
  );
  const [rows = 0, columns = 0] = out;
  return rows >= 1 && columns >= 1 ? [channels, rows, columns] : undefined;
}

const convolution: fc.Arbitrary<Move> = fc
  .record({
    filters: fc.constantFrom(2, 4),
    kernelSize: pair(3),
    stride: pair(2),
    padding: sides,
    dilation: pair(2),
    groups: smallInteger(2),
    bias: fc.boolean(),
  })
  .map((options) => (image) => {
    const { filters, kernelSize: kernel, groups } = options;
    const shape = behind(image, filters, { ...options, kernel });
    if (shape === undefined || image[0] % groups !== 0) return undefined;
    return [[{ type: 'conv2d', ...options }], shape];
  });

// ONNX Runtime wants padding below the size; behind two rows and columns a window of 2 sees the image.
const pool: fc.Arbitrary<Move> = fc
  .record({
    type: fc.constantFrom('maxPool2d', 'avgPool2d'),
    size: fc.tuple(smallInteger(3, 2), smallInteger(3, 2)),
    stride: pair(2),
    padding: sides,
    dilation: pair(2),
    countPadding: fc.boolean(),
  })
  .map(({ type, size, stride, padding, dilation: steps, countPadding }) => (image) => {
    const dilation = type === 'maxPool2d' ? steps : ([1, 1] as const);
    const shape = behind(image, image[0], { kernel: size, stride, padding, dilation });
    if (shape === undefined || image[1] < 3 || image[2] < 3) return undefined;
    const window = { size, stride, padding };
    const isPadded = padding.some((side) => side > 0);
    return type === 'maxPool2d'
      ? [[{ type, ...window, dilation }], shape]
      : [[{ type, ...window, ...(isPadded ? { countPadding } : {}) }], shape];
  });

// Entries of a sample that are nearly equal lose float32 digits by 1/√epsilon: about 3 here, 300 by default.
const layerNorm = { type: 'layerNorm', epsilon: 0.1 } as const satisfies LayerSpec;

const keepingShape: fc.Arbitrary<Move> = fc.oneof(
  activation.map((layer): Move => (image) => [[layer], image]),
  fc.constant<Move>((image) => [[layerNorm], image]),
  fc
    .double({ min: 0.5, max: 3, noNaN: true })
    .map((scale): Move => (image) => [[normalization(image[0], scale)], image]),
);

function normalization(channels: number, scale: number): LayerSpec {
  const mean = Array.from({ length: channels }, (_, c) => Math.sin(c + scale));
  return { type: 'batchNorm', mean, variance: mean.map((value) => scale + value * value) };
}

/** The layers before, and a branch beside them that comes back; `p` reads what was there. */
const block: fc.Arbitrary<Move> = fc
  .record({ inner: activation, join: fc.constantFrom('add', 'concat'), again: fc.boolean() })
  .map(({ inner, join, again }) => (image, first) => {
    const [before, branch] = [`p${first}`, `block.${first}`];
    const inputs = again ? [branch, before, branch] : [before, branch];
    const layers: LayerSpec[] = [
      { type: 'tanh', name: before },
      { ...inner, name: branch },
      { type: join, inputs },
    ];
    const channels = join === 'concat' ? image[0] * inputs.length : image[0];
    return [layers, [channels, image[1], image[2]]];
  });

const channelsFirst: Move = ([channels, height, width]) => [
  [{ type: 'channelsFirst' }],
  [width, channels, height],
];

const globalMean: Move = (image) => [[{ type: 'globalAvgPool2d' }], [image[0], 1, 1]];

const losses: fc.Arbitrary<LossSpec> = fc.constantFrom(
  'softmaxCrossEntropy' as const,
  'binaryCrossEntropy' as const,
  { type: 'meanSquaredError' } as const,
);

/** Networks [channels, height, width] → some outputs. */
export const imageNetworks: fc.Arbitrary<NetworkSpec> = fc
  .record({
    input: fc.tuple(smallInteger(2), smallInteger(7, 4), smallInteger(7, 4)),
    moves: fc.array(fc.oneof(convolution, pool, keepingShape, block, fc.constant(channelsFirst)), {
      minLength: 1,
      maxLength: 5,
    }),
    pooled: fc.boolean(),
    bias: fc.boolean(),
    after: fc.array(activation, { maxLength: 2 }),
    loss: losses,
  })
  .map(({ input, moves, pooled, bias, after, loss }) => {
    const layers: LayerSpec[] = [];
    let image: Image = input;
    for (const move of [...moves, ...(pooled ? [globalMean] : [])]) {
      const [more, shape] = move(image, layers.length) ?? [[], image];
      layers.push(...more);
      image = shape;
    }
    const head: LayerSpec[] = [
      { type: 'flatten' },
      { type: 'dense', units: 3, bias },
      ...after,
      layerNorm,
      { type: 'dense', units: 2 },
    ];
    return { input, layers: [...layers, ...head], loss };
  });
