// All experiments, by the names that the command knows.

import type { Experiment } from './experiment.js';
import { f1Spectrum } from './f1-spectrum.js';

export const EXPERIMENTS: readonly Experiment[] = [f1Spectrum];
