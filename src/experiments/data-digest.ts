// What tells the data of a run apart from others of the same name.

import { createHash } from 'node:crypto';

import type { Dataset } from '../data/dataset.js';

/** SHA-256 of the inputs and targets that an experiment used, for its manifest; data that are made from a seed are made again for it. */
export function digestOf(...parts: readonly Dataset[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part.inputs()).update(part.targets());
  return hash.digest('hex');
}
