// Pad: zeros around an image, which become padding of the Conv or AveragePool behind it, as Keras's
// ZeroPadding2D needs, and PyTorch's average pooling before opset 10.

import { invalid } from '../failures.js';
import type { GraphNode } from '../graph.js';
import { inAnyOrder, newStage, refusal, type Handler, type Stage, type Value } from '../values.js';
import { asNumbers } from './sizes.js';
import { channelsFirst, channelsLast, withChannelsFirst } from './transpose.js';
import { asImage, type Window } from './window.js';

export const Pad: Handler = (node, [x, padsInput, valueInput, axesInput], { note }) => {
  const input = inAnyOrder(node, x, 'its input');
  const pads = padsOf(node, { padsInput, axesInput, rank: 1 + input.view.length });
  if (pads.every((size) => size === 0)) return input;
  const mode = node.attributes.text('mode', 'constant');
  const given = valueInput?.kind === 'constant' ? valueInput.tensor.numbers.at(0) : 0;
  const value = node.attributes.float('value') ?? given;
  if (mode !== 'constant' || value !== 0) {
    throw refusal(node, `pads with other than zeros (mode '${mode}')`);
  }
  const last = channelsFirst(pads[1] === 0 ? input : (withChannelsFirst(node, input) ?? input));
  const image = asImage(node, last?.features ?? x, note);
  const [before = 0, channels = 0, top = 0, left = 0, after = 0, more = 0, bottom = 0, right = 0] =
    last === undefined ? pads : inOrder(pads, last.axes);
  const outside = [before, channels, after, more].some((size) => size !== 0);
  if (outside || pads.some((size) => size < 0)) {
    throw refusal(node, `pads = [${pads.join(', ')}]; only zeros around images are supported`);
  }
  const [height, width] = image.size;
  const padded = newStage(node, [image.stage], {
    layer: { type: 'zeroPad', padding: [top, left, bottom, right] },
    shape: [image.channels, top + height + bottom, left + width + right],
  });
  return last === undefined ? padded : channelsLast(padded);
};

/** The pads of the library's axes, of which `axes` has one for each of the graph's. */
function inOrder(pads: readonly number[], axes: readonly number[]): readonly number[] {
  const rank = axes.length;
  const ordered = Array<number>(2 * rank).fill(0);
  axes.forEach((axis, index) => {
    ordered[axis] = pads[index] ?? 0;
    ordered[axis + rank] = pads[index + rank] ?? 0;
  });
  return ordered;
}

/** A number for each axis: all begins, then all ends. */
function padsOf(
  node: GraphNode,
  {
    padsInput,
    axesInput,
    rank,
  }: {
    readonly padsInput: Value | undefined;
    readonly axesInput: Value | undefined;
    readonly rank: number;
  },
): readonly number[] {
  const given = node.attributes.integers('pads') ?? asNumbers(node, padsInput, 'its pads');
  const axes =
    axesInput === undefined
      ? Array.from({ length: rank }, (_, axis) => axis)
      : asNumbers(node, axesInput, 'its axes').map((axis) => (axis < 0 ? axis + rank : axis));
  if (given.length !== 2 * axes.length || axes.some((axis) => axis < 0 || axis >= rank)) {
    throw invalid(
      `Pad '${node.name}' has ${given.length} pads for axes ${axes.join(', ')} of ${rank}.`,
    );
  }
  const pads = Array<number>(2 * rank).fill(0);
  axes.forEach((axis, index) => {
    pads[axis] = given[index] ?? 0;
    pads[axis + rank] = given[index + axes.length] ?? 0;
  });
  return pads;
}

/** What a window reads in front of zeros put around it, and the padding that stands for both. */
export function withZeros(
  stage: Stage,
  { padding }: Window,
): { readonly source: Stage; readonly padding: Window['padding']; readonly hasZeros: boolean } {
  const [source] = stage.inputs;
  if (stage.layer.type !== 'zeroPad' || source === undefined) {
    return { source: stage, padding, hasZeros: false };
  }
  const [top, left, bottom, right] = stage.layer.padding;
  const sum = [
    padding[0] + top,
    padding[1] + left,
    padding[2] + bottom,
    padding[3] + right,
  ] as const;
  return { source, padding: sum, hasZeros: true };
}
