// The exported perceptrons in test/fixtures/onnx, with the reference values beside each.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { NetworkSpec } from '../../src/network/spec.js';

export const folder = fileURLToPath(new URL('../fixtures/onnx/', import.meta.url));

export interface Fixture {
  readonly name: string;
  readonly file: string;
  /** What the exported module ends in, besides the layers of the spec. */
  readonly ending: string | null;
  readonly dtype: 'float32' | 'float64';
  readonly spec: NetworkSpec;
  readonly parameters: readonly number[];
  readonly inputs: readonly (readonly number[])[];
  readonly targets: readonly number[] | readonly (readonly number[])[];
  readonly outputs: readonly (readonly number[])[];
  readonly loss: number;
  /** Ascending, at the file's weights in float64. */
  readonly eigenvalues: Readonly<Record<'hessian' | 'gaussNewton', readonly number[]>>;
}

export const fixtures: readonly Fixture[] = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => {
    const values = JSON.parse(readFileSync(folder + file, 'utf8')) as Omit<Fixture, 'file'>;
    return { ...values, file: `${folder}${values.name}.onnx` };
  });
