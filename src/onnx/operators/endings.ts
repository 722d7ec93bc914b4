// Softmax and LogSoftmax: only at the end, where the softmax of the loss takes their place.

import { asFeatures, refusal, withLayer, type Handler } from '../values.js';

export const Softmax: Handler = (node, [x]) => {
  const input = asFeatures(node, x, 'its input');
  const rank = 1 + input.view.length;
  // Before opset 13 the default was 1, and all axes from it on were one; with two axes that is the same.
  const axis = node.attributes.integer('axis', node.opset < 13 ? 1 : -1);
  if (rank !== 2 || (axis !== 1 && axis !== -1)) {
    throw refusal(
      node,
      `normalises axis ${axis} of [${['samples', ...input.view].join(', ')}]; only the classes of ` +
        '[samples, classes] are supported',
    );
  }
  return withLayer(node, input, { type: 'softmax' });
};

export const LogSoftmax = Softmax;
