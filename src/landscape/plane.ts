// The loss on a plane through parameter space.

import * as v from 'valibot';

import type { Dataset } from '../data/dataset.js';
import type { ArrayOf, DType } from '../data/dtype.js';
import { EigenscapeError } from '../errors.js';
import { runJob } from '../long-call.js';
import { addon } from '../native.js';
import { requireEngineLoss, requireNetwork } from '../network/network.js';
import type { Network } from '../network/network.js';
import { copyPoint, readPoint } from '../network/points.js';
import type { ParameterPoint } from '../network/points.js';
import { longCallEntries, optionsOf, parseOptions, seedOption } from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { randomDirections, requireMoving } from './directions.js';
import { evenly, readCoefficients, requireData, surfaceAt } from './surface.js';
import type { SurfaceValues } from './surface.js';

/** Two directions [parameterCount] each, or which random numbers they are. */
export type PlaneDirections =
  readonly [ArrayLike<number>, ArrayLike<number>] | { readonly seed?: number | undefined };

/** Options of {@link plane}. */
export interface PlaneOptions extends LongCallOptions {
  readonly data: Dataset;
  /** Losses and accuracies over it are taken too. */
  readonly testData?: Dataset | undefined;
  /** Where x = y = 0; default: the network's own parameters. */
  readonly origin?: ParameterPoint | undefined;
  /** a and b; default: { seed: 0 }. */
  readonly directions?: PlaneDirections | undefined;
  /** 'filter' gives each filter (or row of a dense layer) of a direction the norm of the origin's, and lets
   *  biases and other tensors with one axis stand still (Li et al. 2018). Default: 'filter' for random
   *  directions, 'none' for given ones. */
  readonly normalize?: 'none' | 'filter' | undefined;
  /** Of both axes, or of each; default: 25 from −1 to 1. */
  readonly coefficients?:
    | ArrayLike<number>
    | { readonly x: ArrayLike<number>; readonly y: ArrayLike<number> }
    | undefined;
}

/** Values at origin + x·a + y·b, one row for each y: [y.length, x.length]. */
export interface PlaneProfile<D extends DType = DType> extends SurfaceValues {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** a and b as they were used, after normalization [parameterCount]. */
  readonly directions: readonly [ArrayOf[D], ArrayOf[D]];
}

const schema = optionsOf({
  ...longCallEntries,
  data: v.unknown(),
  testData: v.optional(v.unknown()),
  origin: v.optional(v.unknown()),
  directions: v.optional(v.unknown()),
  normalize: v.optional(v.picklist(['none', 'filter'], "'none' or 'filter'")),
  coefficients: v.optional(v.unknown()),
});
const seedSchema = optionsOf({ seed: seedOption });

function isList(given: unknown): given is readonly unknown[] {
  return Array.isArray(given);
}

async function directionsOf<D extends DType>(
  network: Network<D>,
  given: unknown,
  signal: AbortSignal | undefined,
): Promise<readonly [ArrayOf[D], ArrayOf[D]]> {
  if (!isList(given)) {
    const { seed } = parseOptions('plane: directions', seedSchema, given);
    return randomDirections(network, seed, signal);
  }
  if (given.length !== 2) {
    throw new EigenscapeError(
      'ERR_SPEC',
      `plane: directions holds ${String(given.length)} of them; expected two, or { seed }`,
      { details: { call: 'plane', option: 'directions', given: given.length, expected: 2 } },
    );
  }
  const read = (index: number): ArrayOf[D] =>
    copyPoint('plane', `direction ${String(index)}`, network, given[index]);
  return [read(0), read(1)];
}

function axesOf(given: PlaneOptions['coefficients']): { x: Float64Array; y: Float64Array } {
  if (typeof given === 'object' && 'x' in given && 'y' in given) {
    return {
      x: readCoefficients('plane', 'coefficients.x', given.x),
      y: readCoefficients('plane', 'coefficients.y', given.y),
    };
  }
  const both = readCoefficients('plane', 'coefficients', given ?? evenly(-1, 1, 25));
  return { x: both, y: both.slice() };
}

/** Losses and accuracies on the plane origin + x·a + y·b, exact over the whole data.
 *
 *  Where outputs of the network overflow, the loss is Infinity and the accuracy NaN. The network stays as
 *  it is.
 *  @throws EigenscapeError ERR_SPEC for options, ERR_SHAPE or ERR_DATA for points and data that do not fit
 *  @example const { losses } = await plane(network, { data, directions: { seed: 1 } }) */
export async function plane<D extends DType>(
  network: Network<D>,
  options: PlaneOptions,
): Promise<PlaneProfile<D>> {
  const parsed = parseOptions('plane', schema, options);
  const { data, testData } = options;
  requireNetwork('plane', network);
  requireEngineLoss('plane', network);
  requireData(network, { data, testData });
  const { x, y } = axesOf(options.coefficients);
  using origin = readPoint('plane', 'origin', network, parsed.origin ?? network);
  const given = parsed.directions ?? {};
  const directions = await directionsOf(network, given, options.signal);
  const normalize = parsed.normalize ?? (isList(given) ? 'none' : 'filter');
  for (const [index, direction] of directions.entries()) {
    if (normalize === 'filter') {
      await runJob({ signal: options.signal }, (job) =>
        addon().normalizeFilters(network.layout, origin.handle, direction, job),
      );
    }
    requireMoving(direction, `direction ${String(index)}`);
  }
  const coefficients = Float64Array.from(
    Array.from(y).flatMap((down) => Array.from(x).flatMap((across) => [1, across, down])),
  );
  const points = {
    count: x.length * y.length,
    coefficients,
    basis: [origin.handle, ...directions],
  };
  const found = await surfaceAt(network, { data, testData }, points, parsed);
  const { losses, accuracies, testLosses, testAccuracies } = found;
  return { x, y, directions, losses, accuracies, testLosses, testAccuracies };
}
