// The handwritten digits of an experiment: those in the package, or MNIST's from a folder of one's own.

import type { Dataset } from '../data/dataset.js';
import { digits } from '../data/digits.js';
import type { Running } from './experiment.js';
import { mnistImages } from './image-sets.js';

export interface Handwritten {
  readonly data: Dataset<'float64'>;
  /** For the manifest. */
  readonly name: string;
}

/** The first so many samples: at demo scale of the embedded digits, standardized; at the paper's of MNIST, as {@link mnistImages}
 *  finds them, rows of pixels.
 *  @throws EigenscapeError (rejects) ERR_DATA at the paper's scale without a folder */
export async function handwritten(
  experiment: string,
  samples: number,
  { scale, dataDirectory }: Pick<Running, 'scale' | 'dataDirectory'>,
): Promise<Handwritten> {
  if (scale === 'demo') {
    return { data: digits().standardize().take(samples), name: 'UCI digits, standardized' };
  }
  const { data, name } = await mnistImages(experiment, dataDirectory, 'float64', 'flat');
  return { data: data.take(samples), name };
}
