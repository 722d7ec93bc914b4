// Files for the command: a model that PyTorch exported, its data as npy, PyTorch's own spectra.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ModelFiles {
  readonly onnx: string;
  readonly inputs: string;
  readonly targets: string;
  readonly loss: number;
  /** Ascending. */
  readonly hessian: readonly number[];
}

interface Fixture {
  readonly inputs: readonly (readonly number[])[];
  readonly targets: readonly number[];
  readonly loss: number;
  readonly eigenvalues: { readonly hessian: readonly number[] };
}

const FIXTURES = fileURLToPath(new URL('../fixtures/onnx/', import.meta.url));

export async function modelFiles(folder: string): Promise<ModelFiles> {
  const name = 'dy-relu-default';
  const fixture = JSON.parse(await readFile(`${FIXTURES}${name}.json`, 'utf8')) as Fixture;
  const { inputs, targets, loss, eigenvalues } = fixture;
  const files = {
    onnx: `${FIXTURES}${name}.onnx`,
    inputs: join(folder, 'x.npy'),
    targets: join(folder, 'y.npy'),
  };
  const shape = [inputs.length, inputs[0]?.length ?? 0];
  await writeFile(files.inputs, npy('<f8', shape, Float64Array.from(inputs.flat())));
  await writeFile(files.targets, npy('<i4', [targets.length], Int32Array.from(targets)));
  return { ...files, loss, hessian: eigenvalues.hessian };
}

/** An npy file of version 1.0: the header padded to a multiple of 64 bytes. */
function npy(descr: string, shape: readonly number[], data: Float64Array | Int32Array): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const header = text.padEnd(64 * Math.ceil((text.length + 11) / 64) - 11) + '\n';
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0]);
  return Buffer.concat([start, Buffer.from(header, 'latin1'), Buffer.from(data.buffer)]);
}
