// Datasets drawn from a seed. Classes are balanced as scikit-learn's makers do it: every class has
// ⌊N/k⌋ samples, the first N mod k one more; then the order is shuffled.

import * as v from 'valibot';

import { requireMemory } from '../memory.js';
import { Dataset } from './dataset.js';
import {
  nonnegativeNumber,
  optionsOf,
  parseOptions,
  positiveInteger,
  positiveNumber,
  seedOption,
} from '../options.js';
import { createRandom } from './random.js';
import type { Random } from './random.js';

/** Options of {@link gaussianClusters}. */
export interface GaussianClustersOptions {
  readonly classes: number;
  readonly dimensions: number;
  /** In all, not for each class. */
  readonly samples: number;
  /** The paper's covariance multiplier: the standard deviation in every direction, as in the
   *  authors' code. Default 1. */
  readonly covariance?: number | undefined;
  /** Centres are uniform in [−range, range] in every direction. Default 10. */
  readonly range?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/** Options of {@link twoBlobs}. */
export interface TwoBlobsOptions {
  readonly samples: number;
  /** Default 1. */
  readonly standardDeviation?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/** Options of {@link circles}. */
export interface CirclesOptions {
  readonly samples: number;
  /** Radius of the inner circle, the outer one having 1. Default 0.7. */
  readonly factor?: number | undefined;
  /** Standard deviation of what is added to each coordinate. Default 0.1. */
  readonly noise?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/** Options of {@link moons}. */
export interface MoonsOptions {
  readonly samples: number;
  /** Standard deviation of what is added to each coordinate. Default 0.1. */
  readonly noise?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

/** Options of {@link randomInputs}. */
export interface RandomInputsOptions {
  readonly samples: number;
  readonly inputShape: readonly number[];
  readonly classes: number;
  /** Default 0. */
  readonly seed?: number | undefined;
}

const gaussianClustersOptions = optionsOf({
  classes: positiveInteger,
  dimensions: positiveInteger,
  samples: positiveInteger,
  covariance: v.optional(nonnegativeNumber, 1),
  range: v.optional(nonnegativeNumber, 10),
  seed: seedOption,
});

const twoBlobsOptions = optionsOf({
  samples: positiveInteger,
  standardDeviation: v.optional(nonnegativeNumber, 1),
  seed: seedOption,
});

const circlesOptions = optionsOf({
  samples: positiveInteger,
  factor: v.optional(positiveNumber, 0.7),
  noise: v.optional(nonnegativeNumber, 0.1),
  seed: seedOption,
});

const moonsOptions = optionsOf({
  samples: positiveInteger,
  noise: v.optional(nonnegativeNumber, 0.1),
  seed: seedOption,
});

const randomInputsOptions = optionsOf({
  samples: positiveInteger,
  inputShape: v.pipe(
    v.array(positiveInteger, 'an array of integers of at least 1'),
    v.minLength(1, 'an array of integers of at least 1'),
  ),
  classes: positiveInteger,
  seed: seedOption,
});

/** `classes` isotropic Gaussian clusters in R^dimensions, the class being the cluster: the data of
 *  the paper's figure 2 and table 1. Inputs [samples, dimensions], one integer target a sample.
 *  @throws EigenscapeError ERR_SPEC, as all makers here, for an option out of range; ERR_MEMORY for more samples
 *  than fit */
export function gaussianClusters(options: GaussianClustersOptions): Dataset<'float64'> {
  const { classes, dimensions, samples, covariance, range, seed } = parseOptions(
    'gaussianClusters',
    gaussianClustersOptions,
    options,
  );
  requireRoom(samples + classes, dimensions);
  const random = createRandom(seed);
  const centres = Array.from({ length: classes }, () =>
    Array.from({ length: dimensions }, () => random.uniform(-range, range)),
  );
  return around(centres, samples, covariance, random);
}

/** Two isotropic Gaussian blobs in the plane: class 0 around (1, 1), class 1 around (−1, −1).
 *  @throws EigenscapeError ERR_SPEC */
export function twoBlobs(options: TwoBlobsOptions): Dataset<'float64'> {
  const { samples, standardDeviation, seed } = parseOptions('twoBlobs', twoBlobsOptions, options);
  const centres = [
    [1, 1],
    [-1, -1],
  ];
  return around(centres, samples, standardDeviation, createRandom(seed));
}

/** Two circles around 0, with noise: class 0 of radius 1, class 1 of radius `factor`, the points
 *  of each evenly spaced.
 *  @throws EigenscapeError ERR_SPEC */
export function circles(options: CirclesOptions): Dataset<'float64'> {
  const { samples, factor, noise, seed } = parseOptions('circles', circlesOptions, options);
  const onCircle = (radius: number) => (index: number, count: number) => {
    const angle = (2 * Math.PI * index) / count;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  };
  return alongCurves([onCircle(1), onCircle(factor)], samples, noise, createRandom(seed));
}

/** Two interleaved half circles of radius 1, with noise: class 0 the upper half around (0, 0),
 *  class 1 the lower half around (1, 0.5), the points of each evenly spaced.
 *  @throws EigenscapeError ERR_SPEC */
export function moons(options: MoonsOptions): Dataset<'float64'> {
  const { samples, noise, seed } = parseOptions('moons', moonsOptions, options);
  const onHalf = (index: number, count: number) => {
    const angle = (Math.PI * index) / Math.max(1, count - 1);
    return { x: Math.cos(angle), y: Math.sin(angle) };
  };
  const upper: Curve = (index, count) => {
    const { x, y } = onHalf(index, count);
    return [x, y];
  };
  const lower: Curve = (index, count) => {
    const { x, y } = onHalf(index, count);
    return [1 - x, 0.5 - y];
  };
  return alongCurves([upper, lower], samples, noise, createRandom(seed));
}

/** Inputs from N(0, 1), classes uniform and independent of them: nothing to learn but by heart.
 *  @throws EigenscapeError ERR_SPEC */
export function randomInputs(options: RandomInputsOptions): Dataset<'float64'> {
  const parsed = parseOptions('randomInputs', randomInputsOptions, options);
  const { samples, inputShape, classes, seed } = parsed;
  const random = createRandom(seed);
  const inputSize = inputShape.reduce((product, extent) => product * extent, 1);
  requireRoom(samples, inputSize);
  const inputs = new Float64Array(samples * inputSize).map(() => random.normal());
  const targets = new Float64Array(samples).map(() => random.integerBelow(classes));
  return labelled(inputs, targets, inputShape, classes);
}

/** Inputs, and beside each sample its target and its place in the order. */
function requireRoom(samples: number, inputSize: number): void {
  const what = `${String(samples)} samples of ${String(inputSize)} numbers`;
  requireMemory(8 * samples * (inputSize + 2), what, 'make fewer samples');
}

/** Point `index` of `count` points on a curve. */
type Curve = (index: number, count: number) => readonly number[];

function around(
  centres: readonly (readonly number[])[],
  samples: number,
  standardDeviation: number,
  random: Random,
): Dataset<'float64'> {
  const curves = centres.map(
    (centre): Curve =>
      () =>
        centre,
  );
  return alongCurves(curves, samples, standardDeviation, random);
}

/** Evenly spaced points of class c on curve c, with Gaussian noise, in random order. */
function alongCurves(
  curves: readonly Curve[],
  samples: number,
  noise: number,
  random: Random,
): Dataset<'float64'> {
  const dimensions = curves[0]?.(0, 1).length ?? 0;
  requireRoom(samples, dimensions);
  const inputs = new Float64Array(samples * dimensions);
  const targets = new Float64Array(samples);
  const places = random.permutation(samples).values();
  for (const [label, curve] of curves.entries()) {
    const count = Math.floor(samples / curves.length) + (label < samples % curves.length ? 1 : 0);
    for (let index = 0; index < count; index++) {
      const place = places.next().value ?? 0;
      const point = curve(index, count).map((coordinate) => random.normal(coordinate, noise));
      inputs.set(point, place * dimensions);
      targets[place] = label;
    }
  }
  return labelled(inputs, targets, [dimensions], curves.length);
}

function labelled(
  inputs: Float64Array,
  targets: Float64Array,
  inputShape: readonly number[],
  classCount: number,
): Dataset<'float64'> {
  return Dataset.from({
    dtype: 'float64',
    inputs,
    targets,
    targetWidth: 1,
    integerTargets: true,
    weights: undefined,
    inputShape,
    classCount,
  });
}
