// All experiments, by the names that the command knows.

import type { Experiment } from './experiment.js';
import { f1Spectrum } from './f1-spectrum.js';
import { f3Widths } from './f3-widths.js';
import { f4BatchSizes } from './f4-batch-sizes.js';
import { f7Phases } from './f7-phases.js';
import { f9MarchenkoPastur } from './f9-marchenko-pastur.js';
import { o1Attribution } from './o1-attribution.js';
import { o2EdgeOfStability } from './o2-edge-of-stability.js';
import { o3Terms } from './o3-terms.js';
import { s1Spectra } from './s1-spectra.js';
import { s3Widths } from './s3-widths.js';
import { s6Starts } from './s6-starts.js';
import { s7Spread } from './s7-spread.js';
import { s8Lines } from './s8-lines.js';
import { t1Outliers } from './t1-outliers.js';

export const EXPERIMENTS: readonly Experiment[] = [
  f1Spectrum,
  f3Widths,
  f4BatchSizes,
  f7Phases,
  f9MarchenkoPastur,
  s1Spectra,
  s3Widths,
  s6Starts,
  s7Spread,
  s8Lines,
  t1Outliers,
  o1Attribution,
  o2EdgeOfStability,
  o3Terms,
];
