// A constant that holds one number per channel (or unit) of what it is broadcast to, whatever the order
// of axes in which the graph sees that.

import type { Tensor } from '../tensor.js';
import type { FeaturesValue } from '../values.js';

/** Whether the constant has one number for each channel of the value, [samples, …view] to the graph. */
export function isPerChannel(value: FeaturesValue, constant: Tensor): boolean {
  const { stage, view, order } = value;
  const { dims, numbers } = constant;
  const [channels = 1] = stage.shape;
  // Broadcasting aligns last axes.
  const before = 1 + view.length - dims.length;
  const full = [1, ...view];
  const fits =
    before >= 0 && dims.every((size, axis) => size === 1 || size === full[axis + before]);
  if (!fits || numbers.length !== channels) return false;
  const rest = stage.shape.slice(1).reduce((product, size) => product * size, 1);
  return broadcastPlaces(full, dims).every(
    (read, place) => read === Math.floor((order?.[place] ?? place) / rest),
  );
}

/** For each entry of an array of shape `full`, row-major, the entry of a tensor that is broadcast to it. */
function broadcastPlaces(full: readonly number[], dims: readonly number[]): readonly number[] {
  const before = full.length - dims.length;
  let places = [0];
  full.forEach((size, axis) => {
    const own = axis < before ? 1 : (dims[axis - before] ?? 1);
    const steps = Array.from({ length: size }, (_, index) => (own === 1 ? 0 : index));
    places = places.flatMap((place) => steps.map((step) => place * own + step));
  });
  return places;
}
