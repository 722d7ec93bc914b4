// Conv: y = W * x + b on images, W [filters, channels / group, height, width] as the library has it.

import { invalid } from '../failures.js';
import { newStage, refusal, type Handler } from '../values.js';
import { withZeros } from './padding.js';
import { asParameter, isMadeOf, numbersPer, parameterOf } from './parameters.js';
import { asImage, dilationOption, extent, paddingOption, windowOf } from './window.js';

export const Conv: Handler = (node, [x, w, b], { note }) => {
  const image = asImage(node, x, note);
  const constant = asParameter(node, w, 'its weight W');
  const { dims } = constant.tensor;
  const [filters = 0, channels = 0, ...kernel] = dims;
  const shape = `'${constant.name}' of shape [${dims.join(', ')}]`;
  if (dims.length !== 4) {
    throw refusal(node, `its weight ${shape} has ${dims.length} axes; 4 are expected for images`);
  }
  const given = node.attributes.integers('kernel_shape') ?? kernel;
  if (given.join() !== kernel.join()) {
    throw invalid(`Conv '${node.name}' has kernel_shape [${given.join(', ')}], but ${shape}.`);
  }
  const groups = node.attributes.integer('group', 1);
  if (channels * groups !== image.channels || filters % groups !== 0) {
    throw invalid(
      `Conv '${node.name}' reads ${image.channels} channels in ${groups} groups, but its weight is ` +
        `${shape}: [filters, channels / group, height, width] is expected.`,
    );
  }
  const window = windowOf(node, kernel, { image: image.size, rounding: 'down' });
  const { source, padding } = withZeros(image.stage, window);
  const role = { role: 'its bias B', count: filters, what: 'filters' };
  const layer = {
    type: 'conv2d',
    weight: parameterOf(constant),
    // PyTorch's dynamo exporter makes zeros for a convolution that has none.
    bias: b === undefined || isMadeOf(b, 0) ? undefined : numbersPer(node, b, role),
    options: {
      type: 'conv2d',
      filters,
      kernelSize: extent(window.kernel),
      ...(window.stride.every((step) => step === 1) ? {} : { stride: extent(window.stride) }),
      ...paddingOption({ padding }),
      ...dilationOption(window),
      ...(groups === 1 ? {} : { groups }),
    },
  } as const;
  return newStage(node, [source], { layer, shape: [filters, ...window.size] });
};
