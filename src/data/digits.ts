// The digits that come with the package, so that something real can be computed without a download.

import { gunzipSync } from 'node:zlib';

import { Dataset } from './dataset.js';
import { digitsBase64 } from './digits-bytes.js';
import { optionsOf, parseOptions, wordOption } from '../options.js';

/** Options of {@link digits}. */
export interface DigitsOptions {
  /** 'flat' (the default): inputShape [64], for dense layers; 'image': [1, 8, 8], for
   *  convolutions. The numbers are the same. */
  readonly shape?: 'flat' | 'image' | undefined;
}

const digitsOptions = optionsOf({ shape: wordOption(['flat', 'image']) });

const pixels = 64;

/** 1,797 handwritten digits of 8 × 8 pixels, in the order of the source; 10 classes. Pixels are
 *  the source's integers from 0 (empty) to 16 (ink): `digits().standardize()` centres and scales
 *  them.
 *
 *  E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
 *  Repository, https://doi.org/10.24432/C50P49, CC BY 4.0.
 *  @throws EigenscapeError ERR_SPEC for an unknown option */
export function digits(options: DigitsOptions = {}): Dataset<'float64'> {
  const { shape } = parseOptions('digits', digitsOptions, options);
  const rows = gunzipSync(Buffer.from(digitsBase64, 'base64'));
  const samples = rows.length / (pixels + 1);
  const inputs = new Float64Array(samples * pixels);
  const targets = new Float64Array(samples);
  for (let sample = 0; sample < samples; sample++) {
    const start = sample * (pixels + 1);
    inputs.set(rows.subarray(start, start + pixels), sample * pixels);
    targets[sample] = rows[start + pixels] ?? 0;
  }
  return Dataset.from({
    dtype: 'float64',
    inputs,
    targets,
    targetWidth: 1,
    integerTargets: true,
    weights: undefined,
    inputShape: shape === 'flat' ? [pixels] : [1, 8, 8],
    classCount: 10,
  });
}
