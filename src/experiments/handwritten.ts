// The handwritten digits of an experiment: those in the package, or MNIST's from a folder of one's own.

import { readdir } from 'node:fs/promises';

import type { Dataset } from '../data/dataset.js';
import { digits } from '../data/digits.js';
import { loadMnist } from '../data/idx.js';
import { EigenscapeError } from '../errors.js';
import type { Running } from './experiment.js';

export interface Handwritten {
  readonly data: Dataset<'float64'>;
  /** For the manifest. */
  readonly name: string;
}

/** The first so many samples: at demo scale of the embedded digits, standardized; at the paper's of MNIST, of its
 *  test images if the folder holds no others. (Fashion-MNIST has files of the same names, and may stand in.)
 *  @throws EigenscapeError (rejects) ERR_DATA at the paper's scale without a folder */
export async function handwritten(
  experiment: string,
  samples: number,
  { scale, dataDirectory }: Pick<Running, 'scale' | 'dataDirectory'>,
): Promise<Handwritten> {
  if (scale === 'demo') {
    return { data: digits().standardize().take(samples), name: 'UCI digits, standardized' };
  }
  if (dataDirectory === undefined) {
    throw new EigenscapeError(
      'ERR_DATA',
      `${experiment} at the paper’s scale needs MNIST; give the folder of its IDX files by --data-dir`,
      { details: { experiment } },
    );
  }
  const files = await readdir(dataDirectory).catch(() => []);
  const tested = files.length > 0 && !files.some((name) => name.startsWith('train-images'));
  const images = tested
    ? await loadMnist(dataDirectory, { split: 'test' })
    : await loadMnist(dataDirectory, { split: 'train' });
  return {
    data: images.take(samples),
    name: `MNIST (files in --data-dir), ${tested ? 'test' : 'training'} images`,
  };
}
