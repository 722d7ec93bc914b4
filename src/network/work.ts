// What computing costs, as far as shapes tell: the letters are those of docs/cost-model.md.
//
//   N samples, M parameters, C outputs, k vectors
//   w_l  multiplications by the weights of layer l, for one sample
//   o_l  entries of its output, for one sample
//   s    flops per second of a product of matrices, as machineSpeed measures it

import type { MachineSpeed } from '../machine.js';
import type { NativeLayout } from '../native.js';
import type { LayerSpec, NetworkSpec } from './spec.js';

/** One layer, by what its work is counted from. */
export interface LayerWork {
  readonly name: string;
  readonly type: LayerSpec['type'];
  /** w: multiplications by weights, per sample; 0 where there are none. */
  readonly multiplications: number;
  /** o: entries of the output, per sample. */
  readonly outputs: number;
  /** Whether its input depends on parameters, so that it has a tangent and an adjoint. */
  readonly inner: boolean;
}

/** Every weight multiplies at each place of an output: w = entries of W · o / rows of W, which is d·h of a
 *  dense layer, and filters × channels × window × places of a convolution. */
export function layerWorkOf(
  spec: NetworkSpec,
  names: readonly string[],
  layout: NativeLayout,
): readonly LayerWork[] {
  return spec.layers.map(({ type }, index) => {
    const { outputs = 0, inner = false } = layout.layers[index] ?? {};
    const weight = layout.tensors.find(
      ({ layer, tensor }) => layer === index && tensor === 'weight',
    );
    const [rows = 1] = weight?.shape ?? [];
    const entries = weight?.shape.reduce((product, extent) => product * extent, 1) ?? 0;
    return {
      name: names[index] ?? '',
      type,
      multiplications: (entries * outputs) / rows,
      outputs,
      inner,
    };
  });
}

/** Sums over the layers of a network, for one sample. */
export interface PassWork {
  /** W = Σ w_l */
  readonly all: number;
  /** W' = Σ w_l over the layers whose input depends on parameters */
  readonly inner: number;
  /** O = Σ o_l */
  readonly outputs: number;
}

export function passWork(layers: readonly LayerWork[]): PassWork {
  const sum = (of: (layer: LayerWork) => number): number =>
    layers.reduce((total, layer) => total + of(layer), 0);
  return {
    all: sum(({ multiplications }) => multiplications),
    inner: sum(({ multiplications, inner }) => (inner ? multiplications : 0)),
    outputs: sum(({ outputs }) => outputs),
  };
}

/** One stage of a call, planned. */
export interface StageWork {
  readonly stage: string;
  /** What the formulas count. */
  readonly flops: number;
  /** Flops of a product of matrices that would take as long: `flops` over their efficiency, and what is done
   *  entry by entry. */
  readonly equivalent: number;
  /** Threads at work on it. */
  readonly threads: keyof MachineSpeed;
  /** What no product measures: memory touched for the first time, and the way into the engine. */
  readonly seconds: number;
}

/** Flops of a product that take as long as one entry of what is computed entry by entry: read from the cache,
 *  multiplied, written. (0.7 ns in float64 at 48 GFLOP/s, 0.35 ns in float32 at 97.) */
export const entryFlops = 33;

/** Seconds for a byte of memory that the system has to give first, and of large arrays that are written
 *  across: 18.2 million entries of a matrix of 100 samples took 0.095 s in float64, and 0.05 s in float32. */
export const secondsPerByte = 0.65e-9;

/** Seconds of a call into the engine and back, its threads woken. */
export const secondsPerCall = 2e-4;

export function flopsOf(stages: readonly StageWork[]): number {
  return stages.reduce((sum, { flops }) => sum + flops, 0);
}

/** Seconds expected for some stages, one after the other. */
export function secondsOf(stages: readonly StageWork[], speed: MachineSpeed): number {
  return stages.reduce(
    (sum, { equivalent, threads, seconds }) => sum + equivalent / speed[threads] + seconds,
    0,
  );
}
