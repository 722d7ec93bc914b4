// The loss along the straight line through two points.

import * as v from 'valibot';

import type { Dataset } from '../data/dataset.js';
import { requireEngineLoss, requireNetwork } from '../network/network.js';
import type { Network } from '../network/network.js';
import type { ParameterPoint } from '../network/points.js';
import { longCallEntries, optionsOf, parseOptions } from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { lineThrough, pointsOn } from './line.js';
import { evenly, readCoefficients, requireData, surfaceAt } from './surface.js';
import type { SurfaceValues } from './surface.js';

/** Options of {@link interpolate}. */
export interface InterpolateOptions extends LongCallOptions {
  readonly data: Dataset;
  /** Losses and accuracies over it are taken too. */
  readonly testData?: Dataset | undefined;
  /** α of the points w(α) = (1 − α)·from + α·to: 0 is `from`, 1 is `to`; default: 61 from −1 to 2. */
  readonly coefficients?: ArrayLike<number> | undefined;
  /** Whether to take derivatives too, at about six times the cost of losses alone; default true. */
  readonly derivatives?: boolean | undefined;
}

/** Values at each coefficient, in their order. */
export interface LineProfile extends SurfaceValues {
  readonly coefficients: Float64Array;
  /** d/dα L(w(α)) = ∇L(w)ᵀd with d = to − from; undefined if not asked for. */
  readonly firstDerivatives: Float64Array | undefined;
  /** d²/dα² L(w(α)) = dᵀH(w)d; divided by distance², the curvature along the line. */
  readonly secondDerivatives: Float64Array | undefined;
  /** ‖to − from‖₂ */
  readonly distance: number;
}

const schema = optionsOf({
  ...longCallEntries,
  data: v.unknown(),
  testData: v.optional(v.unknown()),
  coefficients: v.optional(v.unknown()),
  derivatives: v.optional(v.boolean('true or false'), true),
});

/** Loss and accuracy on the line w(α) = (1 − α)·from + α·to, exact over the whole data, with the first and
 *  second derivative along it.
 *
 *  At 0 and 1 the losses have the bits of `network.loss` at the ends. Far out, where outputs of the network
 *  overflow, the loss is Infinity and the rest NaN.
 *  @param network gives the layers and the loss; its own parameters do not matter, and stay
 *  @throws EigenscapeError ERR_SPEC for options, ERR_SHAPE or ERR_DATA for points and data that do not fit
 *  @example const { losses } = await interpolate(network, small, large, { data, coefficients: [0, 0.5, 1] }) */
export async function interpolate(
  network: Network,
  from: ParameterPoint,
  to: ParameterPoint,
  options: InterpolateOptions,
): Promise<LineProfile> {
  const parsed = parseOptions('interpolate', schema, options);
  const { data, testData } = options;
  requireNetwork('interpolate', network);
  requireEngineLoss('interpolate', network);
  requireData(network, { data, testData });
  const given = parsed.coefficients ?? evenly(-1, 2, 61);
  const coefficients = readCoefficients('interpolate', 'coefficients', given);
  using line = lineThrough('interpolate', network, from, to);
  const points = pointsOn(line.ends, coefficients, parsed);
  const { along, ...values } = await surfaceAt(network, { data, testData }, points, parsed);
  return {
    coefficients,
    ...values,
    firstDerivatives: along.firstDerivatives,
    secondDerivatives: along.secondDerivatives,
    distance: along.distance ?? NaN,
  };
}
