// What leaves a dense matrix exactly, before it is assembled.

import * as v from 'valibot';

import type { CurvatureOperator, DenseOptions } from '../curvature/operator.js';
import { denseEntries } from '../curvature/operator.js';
import { addon } from '../native.js';
import type { NativeReducedMap, NativeReduction } from '../native.js';
import { optionsOf } from '../options.js';
import type { LongCallOptions } from '../progress.js';

/** Options of {@link denseSpectrum} and {@link eigenvalues}. */
export interface DenseSpectrumOptions extends Omit<DenseOptions, 'via'> {
  /** As for `toDense`, or 'gram': of G, the Fisher matrices and the covariance of the gradients, the eigenvalues of the
   *  Gram matrix of the samples' rows (of G: C, or C − 1 under softmax, for each; of a Monte Carlo Fisher a row for each
   *  label drawn; of the others one), which are those of the matrix, zeros apart. 'auto' (default) takes it where these
   *  are fewer than the rows of the matrix. Not for G of a custom loss, whose ∇²ℓ may be indefinite. */
  readonly via?: DenseOptions['via'] | 'gram';
  /** 'exact' (default): directions that no entry of the matrix depends on are taken out by an orthogonal change
   *  of basis before it is assembled, and their eigenvalues are 0 exactly; and Gram matrices are taken in the place
   *  of larger ones. `false` assembles the whole matrix. */
  readonly reduce?: 'exact' | false | undefined;
}

/** Directions of one layer's parameters, and how many are left. */
export interface ReducedDirections {
  /** Name of the layer. */
  readonly layer: string;
  /** How many there were for each unit (inputs) or for each input (outputs). */
  readonly width: number;
  /** How many are left. */
  readonly rank: number;
}

/** The inputs of a layer that no parameter of the matrix changes (those of the first layer; the patches of a
 *  convolution; of a later layer a constant unit, or what comes from the network's input past the others), the 1 of
 *  the bias among them, span only `rank` dimensions: weights in the others change nothing. Of a convolution in
 *  groups, one for each. */
export interface ReducedInputs extends ReducedDirections {
  /** Singular values of the matrix of inputs above this count: max(samples × places, width)·2⁻⁵²·σ₁, whatever the
   *  dtype. */
  readonly tolerance: number;
  readonly smallestKept: number;
  readonly largestDropped: number;
  /** Largest distance of a sample's inputs from what stands for them, as a part of their length: what was
   *  dropped, and rounding. */
  readonly distance: number;
}

/** What was taken out; of the matrix's eigenvalues, as many as its size is above `size` are 0 for it. */
export interface SpectrumReduction {
  /** Order of the matrix that was assembled. */
  readonly size: number;
  readonly inputs: readonly ReducedInputs[];
  /** Layers with units or filters that are dead: on no sample does a change of them reach an output. */
  readonly units: readonly ReducedDirections[];
  /** Under softmax, one vector added to every row of the last layer changes no loss: of C units, C − 1 are left. */
  readonly outputs?: ReducedDirections;
  /** Its share of the eigenvalues' errorBound. */
  readonly errorBound: number;
}

/** @internal */
export const reduceOption = v.optional(
  v.union([v.literal('exact'), v.literal(false)], "'exact' or false"),
  'exact' as const,
);

/** @internal */
export const denseSpectrumEntries = {
  ...denseEntries,
  via: v.optional(
    v.picklist(
      ['auto', 'closedForm', 'products', 'gram'],
      "'auto', 'closedForm', 'products' or 'gram'",
    ),
    'auto',
  ),
  reduce: reduceOption,
};

/** @internal */
export const denseSpectrumSchema = optionsOf(denseSpectrumEntries);

/** @internal */
export function describeReduction(
  operator: CurvatureOperator,
  found: NativeReduction | undefined,
  errorBound: number,
): SpectrumReduction | undefined {
  if (found === undefined) return undefined;
  const layerOf = ({ row }: NativeReducedMap): string =>
    operator.parameters.findLast(({ start }) => start <= row)?.layer ?? '';
  const { size, maps } = found;
  const softmax = maps.find(({ contracted }) => contracted);
  return {
    size,
    inputs: maps.flatMap((map) => (map.basis ? [{ layer: layerOf(map), ...map.basis }] : [])),
    units: maps
      .filter(({ units, liveUnits }) => liveUnits < units)
      .map((map) => ({ layer: layerOf(map), width: map.units, rank: map.liveUnits })),
    ...(softmax && {
      outputs: { layer: layerOf(softmax), width: softmax.units, rank: softmax.units - 1 },
    }),
    errorBound,
  };
}

/** What a dense spectrum takes out of its matrix before it assembles it.
 *  @internal */
export async function findReduction(
  operator: CurvatureOperator,
  way: Pick<DenseSpectrumOptions, 'via' | 'reduce'>,
  options: LongCallOptions,
): Promise<NativeReduction | undefined> {
  if (way.reduce === false || way.via === 'gram') return undefined;
  return operator.run(options, (handle, job) => addon().operatorReduction(handle, job));
}
