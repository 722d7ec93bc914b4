// Random networks with data, for laws that must hold of all of them.

import * as fc from 'fast-check';

import { createRandom } from '../../src/data/random.js';
import { createDataset, createNetwork } from '../../src/index.js';
import type {
  ActivationType,
  Dataset,
  DType,
  LayerSpec,
  LossSpec,
  Network,
  NetworkSpec,
} from '../../src/index.js';
import { kinkedActivations, smoothActivations } from '../network/activations.js';

/** Plain data, so that a counterexample prints itself. */
export interface Problem {
  readonly spec: NetworkSpec;
  readonly samples: number;
  readonly rows: boolean;
  readonly weighted: boolean;
  readonly seed: number;
}

export interface Instance<D extends DType = DType> {
  readonly network: Network<D>;
  readonly data: Dataset;
  readonly inputs: number[][];
  readonly targets: number[] | number[][];
  readonly weights: number[] | undefined;
}

const ignored = -100;

function activations(max: number, types: readonly ActivationType[]): fc.Arbitrary<LayerSpec[]> {
  return fc.array(
    fc.constantFrom(...types).map((type) => ({ type })),
    { maxLength: max },
  );
}

const denseLayer = fc.record({
  type: fc.constant('dense' as const),
  units: fc.integer({ min: 1, max: 12 }),
  bias: fc.boolean(),
});

function layersOf(types: readonly ActivationType[]): fc.Arbitrary<LayerSpec[]> {
  const stage = fc.tuple(denseLayer, activations(2, types));
  return fc
    .tuple(activations(1, types), fc.array(stage, { minLength: 1, maxLength: 4 }))
    .map(([before, stages]) => [
      ...before,
      ...stages.flatMap(([dense, after]) => [dense, ...after]),
    ]);
}

const losses: fc.Arbitrary<(outputs: number) => LossSpec> = fc.oneof(
  fc.constant(() => 'meanSquaredError' as const),
  fc.constant(() => 'binaryCrossEntropy' as const),
  fc
    .record({
      labelSmoothing: fc.constantFrom(0, 0.1, 0.5),
      classWeighted: fc.boolean(),
      ignoring: fc.boolean(),
    })
    .map(({ labelSmoothing, classWeighted, ignoring }) => (outputs: number): LossSpec => ({
      type: 'softmaxCrossEntropy',
      labelSmoothing,
      classWeights: classWeighted
        ? Array.from({ length: outputs }, (_, c) => 0.5 + c / outputs)
        : undefined,
      ignoreIndex: ignoring ? ignored : undefined,
    })),
);

/** @param types the pointwise functions drawn from; by default all of them */
export function problems(
  types: readonly ActivationType[] = [...smoothActivations, ...kinkedActivations],
): fc.Arbitrary<Problem> {
  const shape = fc.oneof(
    fc.tuple(fc.integer({ min: 1, max: 6 })),
    fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  );
  return fc
    .record({
      input: shape,
      layers: layersOf(types),
      loss: losses,
      samples: fc.integer({ min: 1, max: 40 }),
      rows: fc.boolean(),
      weighted: fc.boolean(),
      seed: fc.nat(1e6),
    })
    .map(({ input, layers, loss, ...rest }) => {
      const outputs = layers.reduce((size, layer) => ('units' in layer ? layer.units : size), 1);
      const front: LayerSpec[] = input.length > 1 ? [{ type: 'flatten' }] : [];
      return { spec: { input, layers: [...front, ...layers], loss: loss(outputs) }, ...rest };
    });
}

export const smoothProblems = problems(smoothActivations);

/** The network and data that a problem describes. */
export function build<D extends DType>(problem: Problem, dtype: D): Instance<D> {
  const { spec, samples, rows, weighted, seed } = problem;
  const random = createRandom(seed);
  const empty = createNetwork(spec, { dtype, initializer: 'zeros' });
  const { parameterCount, outputCount } = empty;
  const parameters = Array.from({ length: parameterCount }, () => random.normal(0, 0.6));
  empty.setParameters(parameters);
  const size = spec.input.reduce((product, extent) => product * extent, 1);
  const inputs = Array.from({ length: samples }, () =>
    Array.from({ length: size }, () => random.normal()),
  );
  const softmax = typeof spec.loss === 'object' && spec.loss.type === 'softmaxCrossEntropy';
  const ignoring = softmax && 'ignoreIndex' in spec.loss && spec.loss.ignoreIndex !== undefined;
  const oneTarget = (sample: number): number =>
    ignoring && sample > 0 && random.uniform() < 0.25 ? ignored : random.integerBelow(outputCount);
  const oneRow = (): number[] => {
    const row = Array.from({ length: outputCount }, () => random.uniform());
    const sum = row.reduce((total, value) => total + value, 0);
    return softmax ? row.map((value) => value / sum) : row;
  };
  const classes = softmax && !(rows && outputCount > 1);
  const targets = classes
    ? Array.from({ length: samples }, (_, sample) => oneTarget(sample))
    : Array.from({ length: samples }, oneRow);
  const weights = weighted
    ? Array.from({ length: samples }, (_, sample) => (sample === 0 ? 1 : random.integerBelow(4)))
    : undefined;
  const data = createDataset({ inputs, inputShape: spec.input, targets, weights });
  return { network: empty, data, inputs, targets, weights };
}

/** The largest |value|. */
export function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (const value of Array.from(values)) most = Math.max(most, Math.abs(value));
  return most;
}

/** Whether two arrays hold the same bits; toEqual is slow for large ones. */
export function sameBits(
  a: Float64Array | Float32Array | undefined,
  b: Float64Array | Float32Array | undefined,
): boolean {
  if (a === undefined || b === undefined) return false;
  const bytes = (array: Float64Array | Float32Array): Uint8Array =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return Buffer.compare(bytes(a), bytes(b)) === 0;
}

/** max |a − b| */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let most = 0;
  for (let i = 0; i < a.length; i += 1) {
    const apart = Math.abs((a[i] ?? NaN) - (b[i] ?? NaN));
    if (!(apart <= most)) most = apart;
  }
  return most;
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] ?? NaN) * (b[i] ?? NaN);
  return sum;
}

/** Normal numbers. */
export function randomVector(length: number, seed: number): Float64Array {
  const random = createRandom(seed);
  return Float64Array.from({ length }, () => random.normal());
}
