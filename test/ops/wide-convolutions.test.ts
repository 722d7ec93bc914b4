// Convolutions of more channels, samples and rows than one tile holds, against loops.

import { describe, expect, it } from 'vitest';

import { createDataset, createNetwork } from '../../src/index.js';
import type { Conv2dSpec, NetworkSpec } from '../../src/index.js';
import { createRandom } from '../../src/data/random.js';

interface Geometry {
  readonly filters: number;
  readonly channels: number;
  readonly extent: number;
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

const samples = 70;
const outputExtent = ({ extent, kernel, stride, padding }: Geometry): number =>
  Math.floor((extent + 2 * padding - kernel) / stride) + 1;

/** Calls body(weight, input, output) for every product of one sample, as indices. */
function forEachProduct(
  geometry: Geometry,
  body: (weight: number, input: number, output: number) => void,
): void {
  const { filters, channels, extent, kernel, stride, padding } = geometry;
  const out = outputExtent(geometry);
  for (let a = 0; a < filters; a += 1) {
    for (let b = 0; b < channels; b += 1) {
      for (let i = 0; i < kernel; i += 1) {
        for (let j = 0; j < kernel; j += 1) {
          for (let r = 0; r < out; r += 1) {
            for (let c = 0; c < out; c += 1) {
              const row = r * stride + i - padding;
              const column = c * stride + j - padding;
              if (row < 0 || row >= extent || column < 0 || column >= extent) continue;
              body(
                ((a * channels + b) * kernel + i) * kernel + j,
                (b * extent + row) * extent + column,
                (a * out + r) * out + c,
              );
            }
          }
        }
      }
    }
  }
}

const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const difference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  largest(Array.from(a, (value, index) => value - (b[index] ?? NaN)));

/** One layer under mean squared error with targets 0: L = Σ f² / (N C), so f̄ = 2 f / (N C). */
async function check(geometry: Geometry, dtype: 'float32' | 'float64'): Promise<void> {
  const { filters, channels, extent, kernel, stride, padding } = geometry;
  const layer: Conv2dSpec = { type: 'conv2d', filters, kernelSize: kernel, stride, padding };
  const spec: NetworkSpec = {
    input: [channels, extent, extent],
    layers: [{ ...layer, bias: false }, { type: 'flatten' }],
    loss: 'meanSquaredError',
  };
  const network = createNetwork(spec, { seed: 3, dtype });
  const random = createRandom(4);
  const size = channels * extent * extent;
  const inputs = new Float32Array(samples * size).map(() => random.normal());
  const outputs = network.outputCount;
  const targets = Array.from({ length: samples }, () => new Array<number>(outputs).fill(0));
  const data = createDataset({ inputs, targets, inputShape: spec.input });

  const w = network.parameters();
  const f = new Float64Array(samples * outputs);
  const bar = new Float64Array(w.length);
  for (let n = 0; n < samples; n += 1) {
    const x = inputs.subarray(n * size, (n + 1) * size);
    const y = f.subarray(n * outputs, (n + 1) * outputs);
    forEachProduct(geometry, (weight, input, output) => {
      y[output] = (y[output] ?? NaN) + (w[weight] ?? NaN) * (x[input] ?? NaN);
    });
    forEachProduct(geometry, (weight, input, output) => {
      const share = ((y[output] ?? NaN) * (x[input] ?? NaN) * 2) / (samples * outputs);
      bar[weight] = (bar[weight] ?? NaN) + share;
    });
  }
  const epsilon = dtype === 'float32' ? 2 ** -24 : 2 ** -53;
  const terms = channels * kernel * kernel;
  expect(difference(await network.predict(data), f)).toBeLessThan(epsilon * terms * largest(f));
  const gradient = await network.gradient(data, { threads: 1 });
  expect(difference(gradient, bar)).toBeLessThan(4 * epsilon * terms * largest(bar));
  expect(await network.gradient(data, { threads: 3 })).toEqual(gradient);
}

describe('outputs and weight gradients are those of loops', () => {
  const geometries: readonly Geometry[] = [
    { filters: 70, channels: 13, extent: 2, kernel: 3, stride: 1, padding: 1 },
    { filters: 33, channels: 7, extent: 8, kernel: 3, stride: 1, padding: 1 },
    { filters: 64, channels: 3, extent: 12, kernel: 5, stride: 4, padding: 2 },
    { filters: 17, channels: 40, extent: 5, kernel: 4, stride: 2, padding: 0 },
  ];
  for (const geometry of geometries) {
    const { filters, channels, extent, kernel } = geometry;
    const name = `${filters} × ${channels} channels, ${kernel} × ${kernel} on ${extent} × ${extent}`;
    it(`in float32: ${name}`, () => check(geometry, 'float32'));
    it(`in float64: ${name}`, () => check(geometry, 'float64'));
  }
});
