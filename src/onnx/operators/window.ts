// The window that slides over images in Conv, MaxPool and AveragePool: strides, pads, dilations.

import { invalid } from '../failures.js';
import type { GraphNode } from '../graph.js';
import type { Extent2d } from '../../network/spec.js';
import { asFeatures, refusal, sampleShape, type FeaturesValue, type Value } from '../values.js';

export type Pair = readonly [number, number];

/** [rows, columns] each. */
export interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** [top, left, bottom, right]; below and to the right with what a window reaches behind them. */
  readonly padding: readonly [number, number, number, number];
  /** Whether there is such a window, which ceil_mode = 1 brings; what it reaches counts in no mean. */
  readonly reachesBehind: boolean;
  /** Whether the node itself has padding. */
  readonly isPadded: boolean;
  /** Height and width of what comes out. */
  readonly size: Pair;
  /** Whether some output sees nothing but padding. */
  readonly leavesImage: boolean;
}

export interface Image extends FeaturesValue {
  readonly channels: number;
  readonly size: Pair;
}

// No image is larger; beyond it, sizes in a file are damage.
const largest = 2 ** 20;

/** @throws Refusal unless the value is computed and has shape [samples, channels, height, width] */
export function asImage(
  node: GraphNode,
  value: Value | undefined,
  note: (text: string) => void,
): Image {
  const input = asInputImage(asFeatures(node, value, 'its input'), note);
  const { view, stage } = input;
  const [channels, height, width] = view;
  if (channels === undefined || height === undefined || width === undefined || view.length !== 3) {
    throw refusal(
      node,
      `reads a tensor of shape ${sampleShape(view)}; only images [samples, channels, height, ` +
        'width] are supported',
    );
  }
  if (view.some((size, axis) => size !== stage.shape[axis])) {
    throw refusal(
      node,
      `reads ${sampleShape(stage.shape)} reshaped to ${sampleShape(view)}, for which the library ` +
        'has no layer; export a model whose input is an image',
    );
  }
  return { ...input, channels, size: [height, width] };
}

/** Where the graph makes an image of its own input, the network's input is that image: the numbers of a
 *  sample stay in their order. */
export function asInputImage(input: FeaturesValue, note: (text: string) => void): FeaturesValue {
  const { stage, view } = input;
  if (stage.layer.type !== 'input' || view.length !== 3 || view.join() === stage.shape.join()) {
    return input;
  }
  note(
    `The network's input is an image [${view.join(', ')}] where the file has [${stage.shape.join(', ')}].`,
  );
  return { ...input, stage: { ...stage, shape: view } };
}

/** @param rounding of the number of windows along an axis: `up` with a last one that reaches behind image
 *  and padding, as long as it begins in front of the padding behind the image
 *  @throws Refusal when the node slides over other than two axes; EigenscapeError ERR_ONNX_INVALID
 *  when the window does not fit into the image */
export function windowOf(
  node: GraphNode,
  kernel: readonly number[],
  { image, rounding }: { readonly image: Pair; readonly rounding: 'down' | 'up' },
): Window {
  if (kernel.length !== 2) {
    throw refusal(
      node,
      `has a kernel of ${kernel.length} axes; only images, with 2, are supported`,
    );
  }
  const sizes = pair(node, 'kernel_shape', checked(node, 'kernel_shape', kernel, 1));
  const stride = pair(node, 'strides', integers(node, 'strides', [1, 1], 1));
  const dilation = pair(node, 'dilations', integers(node, 'dilations', [1, 1], 1));
  const axes = ([0, 1] as const).map((axis) =>
    axisOf(node, {
      kernel: sizes[axis],
      stride: stride[axis],
      dilation: dilation[axis],
      image: image[axis],
      axis,
      rounding,
    }),
  );
  const [rows, columns] = axes;
  if (rows === undefined || columns === undefined) throw invalid('A window has two axes.');
  return {
    kernel: sizes,
    stride,
    dilation,
    padding: [
      rows.before,
      columns.before,
      rows.after + rows.behind,
      columns.after + columns.behind,
    ],
    reachesBehind: rows.behind > 0 || columns.behind > 0,
    isPadded: rows.isPadded || columns.isPadded,
    size: [rows.out, columns.out],
    leavesImage: rows.leavesImage || columns.leavesImage,
  };
}

interface Axis {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly image: number;
  readonly axis: 0 | 1;
  readonly rounding: 'down' | 'up';
}

function axisOf(node: GraphNode, { kernel, stride, dilation, image, axis, rounding }: Axis) {
  const reach = (kernel - 1) * dilation + 1;
  const { before, after } = paddingOf(node, { axis, image, stride, dilation, reach });
  const left = image + before + after - reach;
  if (left < 0) {
    throw invalid(
      `${node.operator} '${node.name}': the window reaches over ${reach} entries of an axis that ` +
        `has ${image + before + after}, padding included.`,
    );
  }
  const fitting = Math.floor(left / stride) + 1;
  const hasAnother = rounding === 'up' && left % stride > 0 && fitting * stride < image + before;
  const out = hasAnother ? fitting + 1 : fitting;
  const behind = Math.max((out - 1) * stride - left, 0);
  // The first tap at or behind the image's begin, of the windows that begin before it.
  const sees = (start: number): boolean => {
    const tap = start < 0 ? Math.ceil(-start / dilation) : 0;
    return tap < kernel && start + tap * dilation < image;
  };
  const early = Math.min(out, Math.ceil(before / stride));
  const starts = Array.from({ length: early }, (_, index) => index * stride - before);
  const leavesImage = ![...starts, (out - 1) * stride - before].every(sees);
  return { before, after, behind, isPadded: before + after > 0, out, leavesImage };
}

function paddingOf(
  node: GraphNode,
  at: Pick<Axis, 'axis' | 'image' | 'stride' | 'dilation'> & { readonly reach: number },
) {
  const { axis, image, stride, dilation, reach } = at;
  const mode = node.attributes.text('auto_pad', 'NOTSET');
  if (mode.startsWith('SAME') && dilation !== 1) {
    throw refusal(node, `auto_pad = ${mode} with dilations, which ONNX Runtime does not support`);
  }
  const total = Math.max((Math.ceil(image / stride) - 1) * stride + reach - image, 0);
  const [less, more] = [Math.floor(total / 2), Math.ceil(total / 2)];
  switch (mode) {
    case 'NOTSET': {
      const pads = integers(node, 'pads', [0, 0, 0, 0], 0);
      return { before: pads[axis] ?? 0, after: pads[axis + 2] ?? 0 };
    }
    case 'VALID':
      return { before: 0, after: 0 };
    case 'SAME_UPPER':
      return { before: less, after: more };
    case 'SAME_LOWER':
      return { before: more, after: less };
    default:
      throw invalid(`${node.operator} '${node.name}' has the unknown auto_pad '${mode}'.`);
  }
}

function integers(
  node: GraphNode,
  name: string,
  fallback: readonly number[],
  least: number,
): readonly number[] {
  const given = node.attributes.integers(name) ?? fallback;
  if (given.length === fallback.length) return checked(node, name, given, least);
  throw invalid(
    `${node.operator} '${node.name}' has ${given.length} numbers as ${name}; ${fallback.length} ` +
      'are expected for images.',
  );
}

function checked(node: GraphNode, name: string, values: readonly number[], least: number) {
  if (values.every((value) => value >= least && value <= largest)) return values;
  const list = values.join(', ');
  throw refusal(node, `${name} = [${list}]; numbers from ${least} to ${largest} are supported`);
}

function pair(node: GraphNode, name: string, values: readonly number[]): Pair {
  const [rows, columns] = values;
  if (rows !== undefined && columns !== undefined) return [rows, columns];
  throw invalid(`${node.operator} '${node.name}' has too few ${name}.`);
}

/** As a spec says it: one number where rows and columns agree. */
export function extent([rows, columns]: Pair): Extent2d {
  return rows === columns ? rows : [rows, columns];
}

/** The padding as a spec says it, nothing where there is none. */
export function paddingOption({ padding }: Pick<Window, 'padding'>) {
  const [top, left, bottom, right] = padding;
  if (padding.every((size) => size === 0)) return {};
  return { padding: top === bottom && left === right ? extent([top, left]) : padding };
}

/** `dilation` where it is not 1. */
export function dilationOption({ dilation }: Window) {
  return dilation.every((step) => step === 1) ? {} : { dilation: extent(dilation) };
}
