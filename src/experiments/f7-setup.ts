// Data and network of figures 7 and 8.

import type { Dataset } from '../data/dataset.js';
import { digits } from '../data/digits.js';
import type { TrainTest } from '../data/idx.js';
import { defineNetwork } from '../network/spec.js';
import type { LayerSpec, NetworkSpec } from '../network/spec.js';
import type { Scale } from './experiment.js';
import { cifarImages, shrunken } from './image-sets.js';

/** Filters of the five convolutions, units of the two dense layers; records of each part and their steps. */
export const SCALES = {
  demo: { filters: [16, 32, 32, 32, 32], units: 64, records: 50, every: 10, seeds: 5 },
  paper: { filters: [32, 96, 192, 128, 128], units: 512, records: 250, every: 100, seeds: 1 },
} as const;
export const DTYPES = { demo: 'float64', paper: 'float32' } as const;
/** Of either part of CIFAR-10, at most, at demo scale. */
const DEMO_SAMPLES = 2000;
/** Convolutions that a maximum follows. */
const POOLED = [0, 1, 4];

/** The embedded digits, or CIFAR-10 from a folder; at demo scale the first images of it, as small as the digits.
 *  @throws EigenscapeError (rejects) as {@link cifarImages} */
export async function trainAndTest(
  scale: Scale,
  { directory, seed }: { readonly directory: string | undefined; readonly seed: number },
): Promise<{ readonly data: TrainTest; readonly name: string }> {
  if (scale === 'demo' && directory === undefined) {
    const data = digits({ shape: 'image' }).standardize().split({ test: 797, seed });
    return { data, name: 'UCI digits, standardized' };
  }
  const all = await cifarImages('f7', directory, DTYPES[scale]);
  if (scale === 'paper') return { data: all, name: 'CIFAR-10' };
  const small = (part: Dataset): Dataset =>
    shrunken(part.take(Math.min(DEMO_SAMPLES, part.sampleCount)), 8);
  const over = small(all.train);
  return {
    data: { train: over.standardize(), test: small(all.test).standardize({ over }) },
    name: 'the first of CIFAR-10, averaged to 8 × 8, standardized',
  };
}

/** AlexNet's five convolutions and three dense layers, and nothing else. */
export function bareAlexNet(input: readonly number[], scale: Scale): NetworkSpec {
  const { filters, units } = SCALES[scale];
  const relu = { type: 'relu' } as const;
  const convolutions = filters.flatMap((count, i): LayerSpec[] => [
    { type: 'conv2d', filters: count, kernelSize: 3, padding: 1 },
    relu,
    ...(POOLED.includes(i) ? [{ type: 'maxPool2d', size: 2 } as const] : []),
  ]);
  return defineNetwork({
    input: [...input],
    layers: [
      ...convolutions,
      { type: 'flatten' },
      { type: 'dense', units },
      relu,
      { type: 'dense', units },
      relu,
      { type: 'dense', units: 10 },
    ],
    loss: 'softmaxCrossEntropy',
  });
}
