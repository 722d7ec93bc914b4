// The reference networks, from JSON and from ONNX: one Hessian, which is PyTorch's.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  createDataset,
  createNetwork,
  eigenvalues,
  exportOnnx,
  hessian,
  importOnnx,
  type NetworkSpec,
} from '../../src/index.js';

interface Reference {
  readonly name: string;
  readonly spec: NetworkSpec;
  readonly parameters: readonly number[];
  readonly inputs: readonly number[] | readonly (readonly number[])[];
  readonly targets: readonly number[] | readonly (readonly number[])[];
  readonly loss: number;
  readonly eigenvalues: { readonly hessian: readonly number[] };
}

const folder = new URL('../fixtures/reference/', import.meta.url);
const references = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Reference);

describe('a reference network that went through ONNX', () => {
  it.each(references)('$name has the Hessian of its JSON', async (reference) => {
    const { spec, inputs, targets } = reference;
    const network = createNetwork(spec, { parameters: Float64Array.from(reference.parameters) });
    const quiet = { onNote: () => undefined };
    const again = await importOnnx(await exportOnnx(network), { loss: spec.loss, ...quiet });
    expect(again.parameters()).toEqual(network.parameters());
    const data = createDataset({ inputs: inputs.flat(), targets, inputShape: [...spec.input] });
    expect(Math.abs((await again.loss(data)) - reference.loss)).toBeLessThan(1e-9);
    const expected = await hessian(network, data).toDense();
    const found = await hessian(again, data).toDense();
    const scale = expected.reduce((most, entry) => Math.max(most, Math.abs(entry)), 0);
    found.forEach((entry, index) => {
      expect(Math.abs(entry - (expected[index] ?? NaN))).toBeLessThan(1e-9 * scale);
    });
    const spectrum = await eigenvalues(hessian(again, data));
    spectrum.forEach((value, index) => {
      const { hessian: values } = reference.eigenvalues;
      expect(Math.abs(value - (values[index] ?? NaN))).toBeLessThan(1e-9 * scale);
    });
  });
});
