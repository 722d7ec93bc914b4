// Layer normalisation as exporters spell it out before opset 17:
//
//   mean = ReduceMean(x); c = x − mean; variance = ReduceMean(c²); y = c/√(variance + epsilon)
//
// Each step is a Form of x; the last one becomes the layer, its scale and bias follow as Mul and Add.

import type { GraphNode } from '../graph.js';
import { asFeatures, refusal, sampleShape } from '../values.js';
import type { Handler, FeaturesValue, Form, MomentStep, PendingValue, Value } from '../values.js';
import { scalarOf, settled } from './forms.js';
import { layerNormalized } from './normalization.js';
import { globalAverage } from './pooling.js';
import { asImage } from './window.js';
import { asNumbers } from './sizes.js';
import { viewed } from './reshaping.js';
import { channelsFirst } from './transpose.js';

type Moment = PendingValue & { readonly form: Extract<Form, { readonly kind: 'moment' }> };

/** The mean over height and width, which is global average pooling, or a step of layer normalisation. */
export const ReduceMean: Handler = (node, [x, axesInput], { note }) => {
  const keepsAxes = node.attributes.integer('keepdims', 1) !== 0;
  const moment = isMoment(x, 'square') ? x : undefined;
  const given = x?.kind === 'features' ? x : undefined;
  const image = given === undefined ? undefined : channelsFirst(given);
  const input = moment ?? image?.features ?? asFeatures(node, x, 'its input');
  const axes = axesOf(node, axesInput, given?.view ?? input.view).map(
    (axis) => image?.axes[axis] ?? axis,
  );
  const { view } = input;
  const isWhole = axes.length === view.length;
  if (isWhole && keepsAxes && image === undefined) {
    const step = moment === undefined ? 'mean' : 'variance';
    const pending = { ...input, kind: 'pending', nodes: moment?.nodes ?? [] } as const;
    const form = { kind: 'moment', step, epsilon: 0 } as const;
    return settled(node, { ...pending, form, view: view.map(() => 1) }, form);
  }
  if (input.kind === 'features' && view.length === 3 && axes.join() === '2,3') {
    const mean = globalAverage(node, asImage(node, input, note));
    const [channels = 0] = mean.view;
    if (!keepsAxes) return viewed(node, mean, [channels]);
    return image === undefined ? mean : { ...mean, view: [1, 1, channels] };
  }
  throw refusal(
    node,
    `takes the mean over axes ${axes.join(', ')} of ${sampleShape(view)}; only that over the height and ` +
      'width of an image is supported, and layer normalisation of whole samples',
  );
};

/** The axes, 1 being the first behind the samples, ascending. */
function axesOf(
  node: GraphNode,
  input: Value | undefined,
  view: readonly number[],
): readonly number[] {
  const rank = 1 + view.length;
  const given =
    node.attributes.integers('axes') ??
    (input === undefined ? [] : asNumbers(node, input, 'its axes'));
  if (given.length === 0)
    throw refusal(node, 'takes the mean over all axes, that of the samples included');
  const axes = given.map((axis) => (axis < 0 ? axis + rank : axis));
  if (axes.every((axis) => axis > 0 && axis < rank))
    return [...new Set(axes)].sort((a, b) => a - b);
  throw refusal(node, `takes the mean over axes ${given.join(', ')} of ${sampleShape(view)}`);
}

export function isMoment(value: Value | undefined, step: MomentStep): value is Moment {
  return value?.kind === 'pending' && value.form.kind === 'moment' && value.form.step === step;
}

/** x − mean(x) */
export function centred(node: GraphNode, x: Value | undefined, mean: Value | undefined) {
  if (x?.kind !== 'features' || !isMoment(mean, 'mean') || x.stage !== mean.stage) return undefined;
  return settled(node, { ...mean, view: x.view }, { ...mean.form, step: 'centred' });
}

export function squared(node: GraphNode, moment: Moment) {
  return settled(node, moment, { ...moment.form, step: 'square' });
}

/** The layer, from x − mean and what it is divided by or multiplied with. */
export function normalized(
  node: GraphNode,
  a: Value | undefined,
  b: Value | undefined,
  step: 'deviation' | 'inverse',
): FeaturesValue | undefined {
  if (!isMoment(a, 'centred') || !isMoment(b, step) || a.stage !== b.stage) return undefined;
  const { stage, view } = a;
  return layerNormalized(node, { kind: 'features', stage, view }, b.form.epsilon);
}

/** (x − mean)², or √(variance + epsilon) as a power. */
export const Pow: Handler = (node, [x, exponent]) => {
  const power = scalarOf(exponent, x?.kind === 'pending' ? 1 + x.view.length : 0);
  if (isMoment(x, 'centred') && power === 2) return squared(node, x);
  if (isMoment(x, 'variance') && power === 0.5) return root(node, x);
  throw refusal(node, 'is a power where no layer of this library has one');
};

export const Sqrt: Handler = (node, [x]) => {
  if (isMoment(x, 'variance')) return root(node, x);
  throw refusal(node, 'is a root where no layer of this library has one');
};

export const Reciprocal: Handler = (node, [x]) => {
  if (isMoment(x, 'deviation')) return settled(node, x, { ...x.form, step: 'inverse' });
  throw refusal(node, 'divides where no layer of this library does');
};

function root(node: GraphNode, moment: Moment) {
  return settled(node, moment, { ...moment.form, step: 'deviation' });
}
