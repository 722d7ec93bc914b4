// Points of parameter space: the parameters of a network, or numbers in their order.

import type { Dataset } from '../data/dataset.js';
import { allocate } from '../data/dtype.js';
import type { ArrayOf, DType } from '../data/dtype.js';
import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';
import { copyNumbers, copyVector } from '../copies.js';
import { callEngine } from '../long-call.js';
import { addon } from '../native.js';
import type { PointHandle, VectorHandle } from '../native.js';
import { requireArray } from '../options.js';
import { isNetwork } from './network.js';
import type { Network } from './network.js';

/** All parameters of a network, flat in the order of its layout [parameterCount], or a network of the same
 *  layout that holds them. */
export type ParameterPoint = Network | ArrayLike<number>;

/** Points as the rows of a matrix [count, parameterCount], flat and row-major, or one by one. */
export type ParameterPoints = Float64Array | Float32Array | readonly ParameterPoint[];

function shapesOf({ layout }: Network): string {
  return layout.map(({ shape }) => `[${shape.join(', ')}]`).join(' ');
}

/** A point in the engine's memory, until it is disposed of.
 *  @internal */
export interface HeldPoint extends Disposable {
  readonly handle: VectorHandle;
}

function held(handle: VectorHandle): HeldPoint {
  return {
    handle,
    [Symbol.dispose]: () => {
      addon().release(handle);
    },
  };
}

/** Refuses what is no point of the network's parameters.
 *  @param name what the point is to the caller, for the message */
function requirePoint(
  call: string,
  name: string,
  network: Network,
  point: unknown,
): asserts point is Network | ArrayLike<unknown> {
  if (isNetwork(point)) {
    const given = shapesOf(point);
    if (given === shapesOf(network)) return;
    throw new EigenscapeError(
      'ERR_SHAPE',
      `${call}: ${name} is a network with tensors ${given}; expected those of the network itself, ${shapesOf(network)}`,
      { details: { call, name, given, expected: shapesOf(network) } },
    );
  }
  requireArray(call, name, point);
  if (point.length === network.parameterCount) return;
  throw new EigenscapeError(
    'ERR_SHAPE',
    `${call}: ${name} has ${String(point.length)} entries; expected ${String(network.parameterCount)}, the network's parameterCount`,
    { details: { given: point.length, expected: network.parameterCount } },
  );
}

/** Writes a point into a row of a matrix, checked. */
function writePoint(
  call: string,
  name: string,
  network: Network,
  point: unknown,
  target: Float64Array | Float32Array,
): void {
  requirePoint(call, name, network, point);
  if (isNetwork(point) && point.dtype === network.dtype) {
    addon().networkParameters(point.handle, target);
    return;
  }
  const values = isNetwork(point) ? point.parameters() : point;
  const index = copyNumbers(values, target);
  if (index < target.length) throw notFinite(call, name, network, index, values[index]);
}

/** One point as it is now, checked, in the network's type and the engine's memory: a copy, unless it is a network
 *  of that type.
 *  @throws EigenscapeError ERR_SPEC, ERR_SHAPE or ERR_DATA
 *  @internal */
export function readPoint(call: string, name: string, network: Network, point: unknown): HeldPoint {
  requirePoint(call, name, network, point);
  if (isNetwork(point) && point.dtype === network.dtype) {
    return held(addon().shareVector(point.handle));
  }
  const values = isNetwork(point) ? point.parameters() : point;
  const copy = copyVector(values, network.dtype);
  if (typeof copy !== 'number') return held(copy);
  throw notFinite(call, name, network, copy, values[copy]);
}

/** A checked copy of one point as an array, in the network's type.
 *  @throws EigenscapeError ERR_SPEC, ERR_SHAPE or ERR_DATA
 *  @internal */
export function copyPoint<D extends DType>(
  call: string,
  name: string,
  network: Network<D>,
  point: unknown,
): ArrayOf[D] {
  const values = allocate(network.dtype, network.parameterCount);
  writePoint(call, name, network, point, values);
  return values;
}

/** A checked copy of points as a matrix [count, parameterCount], in the network's type.
 *  @param name what the points are to the caller, for the message
 *  @throws EigenscapeError ERR_SPEC, ERR_SHAPE or ERR_DATA; the message names the row
 *  @internal */
export function readPoints<D extends DType>(
  call: string,
  network: Network<D>,
  points: unknown,
  name = 'points',
): { readonly count: number; readonly values: ArrayOf[D] } {
  requireArray(call, name, points);
  const size = network.parameterCount;
  if (size === 0) {
    throw new EigenscapeError(
      'ERR_SPEC',
      `${call}: the network has no parameters to vary; expected a layer that has some, such as dense`,
      { details: { call } },
    );
  }
  const flat = points instanceof Float64Array || points instanceof Float32Array;
  const count = flat ? points.length / size : points.length;
  if (!Number.isInteger(count) || count === 0) {
    throw new EigenscapeError(
      'ERR_SHAPE',
      `${call}: ${name} holds ${String(points.length)} entries; expected rows of ${String(size)}, the network's parameterCount, and at least one`,
      { details: { given: points.length, parameterCount: size } },
    );
  }
  const values = allocate(network.dtype, count * size);
  if (flat) {
    const index = copyNumbers(points, values);
    if (index === values.length) return { count, values };
    const row = `row ${String(Math.floor(index / size))} of ${name}`;
    throw notFinite(call, row, network, index % size, points[index]);
  }
  for (let row = 0; row < count; row += 1) {
    const target = values.subarray(row * size, (row + 1) * size);
    writePoint(call, `row ${String(row)} of ${name}`, network, points[row], target);
  }
  return { count, values };
}

function notFinite(
  call: string,
  name: string,
  network: Network,
  index: number,
  value: unknown,
): EigenscapeError {
  return new EigenscapeError(
    'ERR_DATA',
    `${call}: entry ${String(index)} of ${name} is ${describeValue(value)}; expected a finite number of ${network.dtype}`,
    { details: { index, value } },
  );
}

/** A network's graph with data, as the engine holds them, for calls that bring points of their own.
 *  @throws EigenscapeError ERR_SHAPE or ERR_DATA when the data does not fit
 *  @internal */
export function placeOf(
  network: Network,
  data: Dataset,
): Disposable & { readonly handle: PointHandle } {
  const samples = network.samplesOf(data);
  const handle = callEngine(() => addon().createPoint(network.handle, samples));
  return {
    handle,
    [Symbol.dispose]: () => {
      addon().release(handle);
    },
  };
}
