// Images of an experiment: from a folder of data sets that the package does not hold, and made as small as the
// digits that it does.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { loadCifar10 } from '../data/cifar.js';
import { Dataset } from '../data/dataset.js';
import { allocate } from '../data/dtype.js';
import type { DType } from '../data/dtype.js';
import { loadMnist } from '../data/idx.js';
import type { TrainTest } from '../data/idx.js';
import { EigenscapeError } from '../errors.js';

/** What is looked for, and where it lies under the folder that is given. */
interface Collection {
  readonly name: string;
  readonly folders: readonly string[];
  /** One of its files has this name. */
  readonly file: RegExp;
}

const MNIST: Collection = {
  name: 'MNIST (IDX files)',
  folders: ['', 'mnist', join('MNIST', 'raw')],
  file: /^(train|t10k)-images[-.]idx3-ubyte(\.gz)?$/,
};
const CIFAR: Collection = {
  name: 'CIFAR-10 (binary version)',
  folders: ['', 'cifar10', 'cifar-10-batches-bin'],
  file: /^data_batch_1\.bin(\.gz)?$/,
};

/** The images of MNIST in a folder: of its training part, or of its test part where the folder holds no other.
 *  Fashion-MNIST has files of the same names, and may stand in: the digest tells them apart.
 *  @param directory the folder itself, or one with `mnist` or `MNIST/raw` in it
 *  @throws EigenscapeError (rejects) ERR_DATA when there are none, and as {@link loadMnist} */
export async function mnistImages<D extends DType>(
  experiment: string,
  directory: string | undefined,
  dtype: D,
  shape: 'flat' | 'image' = 'image',
): Promise<{ readonly data: Dataset<D>; readonly name: string }> {
  const { folder, files } = await find(experiment, MNIST, directory);
  const split = files.some((name) => name.startsWith('train-images')) ? 'train' : 'test';
  const data = await loadMnist(folder, { shape, dtype, split });
  return { data, name: `MNIST, ${split === 'train' ? 'training' : 'test'} images` };
}

/** CIFAR-10, or as much of it as a folder holds.
 *  @param directory the folder itself, or one with `cifar10` or `cifar-10-batches-bin` in it
 *  @throws EigenscapeError (rejects) ERR_DATA when there is none, and as {@link loadCifar10} */
export async function cifarImages<D extends DType>(
  experiment: string,
  directory: string | undefined,
  dtype: D,
): Promise<TrainTest<D>> {
  const { folder } = await find(experiment, CIFAR, directory);
  return loadCifar10(folder, { shape: 'image', dtype });
}

async function find(
  experiment: string,
  { name, folders, file }: Collection,
  directory: string | undefined,
): Promise<{ readonly folder: string; readonly files: readonly string[] }> {
  if (directory === undefined) {
    throw new EigenscapeError(
      'ERR_DATA',
      `${experiment} at the paper’s scale needs ${name}; give its folder by --data-dir`,
      { details: { experiment, data: name } },
    );
  }
  for (const inside of folders) {
    const folder = join(directory, inside);
    const files = await readdir(folder).catch(() => []);
    if (files.some((each) => file.test(each))) return { folder, files };
  }
  const looked = folders.map((inside) => join(directory, inside)).join(', ');
  throw new EigenscapeError(
    'ERR_DATA',
    `${experiment}: no ${name} in ${looked}; give another folder by --data-dir`,
    { details: { directory } },
  );
}

/** Images [channels, rows, columns] averaged over squares, so that neither side is twice `side` or more; what is
 *  left over at the right and below is dropped. */
export function shrunken<D extends DType>(data: Dataset<D>, side: number): Dataset<D> {
  const [channels = 1, rows = 1, columns = 1] = data.inputShape;
  const square = Math.floor(Math.min(rows, columns) / side);
  if (square < 2) return data;
  const [high, wide] = [Math.floor(rows / square), Math.floor(columns / square)];
  const from = data.inputs();
  const planes = data.sampleCount * channels;
  const inputs = allocate(data.dtype, planes * high * wide);
  for (let at = 0; at < inputs.length; at++) {
    const [plane, place] = [Math.floor(at / (high * wide)), at % (high * wide)];
    const top = plane * rows + square * Math.floor(place / wide);
    let sum = 0;
    for (let i = 0; i < square * square; i++) {
      const row = top + Math.floor(i / square);
      sum += from[row * columns + square * (place % wide) + (i % square)] ?? 0;
    }
    inputs[at] = sum / square ** 2;
  }
  return Dataset.from({
    ...data.values,
    dtype: data.dtype,
    inputs,
    inputShape: [channels, high, wide],
    classCount: data.classCount,
  });
}
