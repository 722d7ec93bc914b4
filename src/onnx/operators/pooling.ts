// MaxPool, AveragePool and the means of whole images.

import { invalid } from '../failures.js';
import type { GraphNode } from '../graph.js';
import { newStage, refusal, type FeaturesValue, type Handler } from '../values.js';
import { withZeros } from './padding.js';
import {
  asImage,
  dilationOption,
  extent,
  paddingOption,
  windowOf,
  type Image,
  type Window,
} from './window.js';

/** The largest entry of each window; padding is −∞. (storage_order is that of the indices, the second
 *  output.) */
export const MaxPool: Handler = (node, [x], { note }) => {
  const order = node.attributes.integer('storage_order', 0);
  if (order !== 0 && order !== 1) {
    throw invalid(`MaxPool '${node.name}' has storage_order ${order}; 0 or 1 is expected.`);
  }
  const { image, window, shape } = pooled(node, asImage(node, x, note));
  requireImageInWindows(node, window, shape);
  const layer = { type: 'maxPool2d', ...poolOptions(window), ...dilationOption(window) } as const;
  return newStage(node, [image.stage], { layer, shape });
};

/** The mean of each window; padding counts only with count_include_pad = 1. */
export const AveragePool: Handler = (node, [x], { note }) => {
  const { image, window, shape } = pooled(node, asImage(node, x, note));
  if (window.dilation.some((step) => step !== 1)) {
    throw refusal(node, 'dilations other than 1 are not supported', shape);
  }
  const { isPadded, reachesBehind } = window;
  const counts = isPadded && node.attributes.integer('count_include_pad', 0) !== 0;
  if (counts && reachesBehind) {
    throw refusal(
      node,
      'count_include_pad = 1 counts its pads, but not what the last window of ceil_mode = 1 reaches behind ' +
        'them; supported are either without the other',
      shape,
    );
  }
  const { source, padding, hasZeros } = withZeros(image.stage, window);
  const leavesOut = (isPadded || reachesBehind) && !counts;
  if (hasZeros && leavesOut) {
    throw refusal(node, 'counts the zeros of a Pad in front of it, but not its own padding', shape);
  }
  requireImageInWindows(node, { ...window, padding }, shape);
  const countPadding = leavesOut ? { countPadding: false } : {};
  const layer = {
    type: 'avgPool2d',
    ...poolOptions({ ...window, padding }),
    ...countPadding,
  } as const;
  return newStage(node, [source], { layer, shape });
};

export const GlobalAveragePool: Handler = (node, [x], { note }) =>
  globalAverage(node, asImage(node, x, note));

/** [channels, height, width] → [channels, 1, 1] */
export function globalAverage(node: GraphNode, { stage, channels }: Image): FeaturesValue {
  return newStage(node, [stage], { layer: { type: 'globalAvgPool2d' }, shape: [channels, 1, 1] });
}

function pooled(node: GraphNode, image: Image) {
  const kernel = node.attributes.integers('kernel_shape');
  if (kernel === undefined) throw invalid(`${node.operator} '${node.name}' has no kernel_shape.`);
  const rounding = node.attributes.integer('ceil_mode', 0) === 0 ? 'down' : 'up';
  const window = windowOf(node, kernel, { image: image.size, rounding });
  const shape = [image.channels, ...window.size];
  if (window.leavesImage) {
    throw refusal(node, `a window of it lies in the padding, pads = ${padsOf(window)}`, shape);
  }
  return { image, window, shape };
}

function padsOf({ padding }: Window): string {
  return `[${padding.join(', ')}]`;
}

/** What is all padding has no largest entry and no mean.
 *  @throws Refusal */
function requireImageInWindows(
  node: GraphNode,
  { kernel, dilation, padding }: Pick<Window, 'kernel' | 'dilation' | 'padding'>,
  shape: readonly number[],
): void {
  const reach = ([0, 1] as const).map((axis) => (kernel[axis] - 1) * dilation[axis] + 1);
  if (padding.every((size, side) => size < (reach[side % 2] ?? 0))) return;
  throw refusal(
    node,
    `has padding [${padding.join(', ')}], with that of a Pad in front of it, for windows that reach over ` +
      `[${reach.join(', ')}]; it must be smaller than they are`,
    shape,
  );
}

/** The standard's stride is 1 by default, the library's the size. */
function poolOptions(window: Window) {
  const { kernel, stride } = window;
  const isTiling = kernel.join() === stride.join();
  return {
    size: extent(kernel),
    ...(isTiling ? {} : { stride: extent(stride) }),
    ...paddingOption(window),
  };
}
