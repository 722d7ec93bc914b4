import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { countOutliers } from '../../src/index.js';
import type { OutlierOptions } from '../../src/index.js';
import { asJavaScript, strangers } from '../curvature/small-network.js';
import { refusal } from '../data/refusal.js';

const everyMethod: readonly OutlierOptions[] = [
  { method: 'gap' },
  { method: 'gap', among: 3 },
  { method: 'gap', floor: 0.5 },
  { method: 'ratio' },
  { method: 'ratio', among: 2 },
  { method: 'threshold', threshold: 1 },
  { method: 'marchenkoPastur', sampleCount: 10 },
  { method: 'marchenkoPastur', sampleCount: 10, variance: 0.1 },
];

describe('laws', () => {
  it('the count is the number of eigenvalues above the threshold', () => {
    const values = fc.array(fc.double({ noNaN: true, min: -1e300, max: 1e300 }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.constantFrom(...everyMethod), (eigenvalues, options) => {
        const { count, threshold } = countOutliers(eigenvalues, options);
        expect(eigenvalues.filter((value) => value > threshold)).toHaveLength(count);
      }),
      { seed: 5, numRuns: 1000 },
    );
  });

  it('neither order nor scale matters to the count', () => {
    const values = fc.array(fc.integer({ min: -5, max: 1000 }), { minLength: 1, maxLength: 40 });
    const free = everyMethod.filter(
      (options) => !('floor' in options || 'threshold' in options || 'variance' in options),
    );
    fc.assert(
      fc.property(values, fc.constantFrom(...free), (eigenvalues, options) => {
        const { count } = countOutliers(eigenvalues, options);
        expect(countOutliers([...eigenvalues].reverse(), options).count).toBe(count);
        expect(
          countOutliers(
            eigenvalues.map((value) => value * 4),
            options,
          ).count,
        ).toBe(count);
      }),
      { seed: 6, numRuns: 500 },
    );
  });

  it('leaves its input as it was', () => {
    const eigenvalues = new Float64Array([3, 1, 2]);
    countOutliers(eigenvalues, { method: 'gap' });
    expect(eigenvalues).toEqual(new Float64Array([3, 1, 2]));
  });
});

describe('values by hand', () => {
  it.each([
    [[0, 0, 0.1, 0.2, 5, 6, 7], { method: 'gap' }, 3, 2.6],
    [[10, 9, 0, 0, 0], { method: 'gap' }, 2, 4.5], // the gap between what stands out and the zeros
    [[10, 9, -20], { method: 'gap' }, 2, 4.5], // what is below zero is bulk like zero itself
    [[5], { method: 'gap' }, 1, 2.5],
    [[5, 5, 5], { method: 'gap' }, 3, 2.5],
    [[0, 0], { method: 'gap' }, 0, 0],
    [[-1, -2], { method: 'gap' }, 0, 0],
    [[100, 99, 50, 0], { method: 'gap', among: 1 }, 1, 99.5],
    [[100, 90, 1, 0.9, 0], { method: 'ratio' }, 2, 45.5],
    [[5], { method: 'ratio' }, 0, 5],
    [[5, 5], { method: 'ratio' }, 0, 5],
    [[0, 0], { method: 'ratio' }, 0, 0],
    [[1000, 10, 1e-3], { method: 'ratio', floor: 1 }, 1, 505],
    [[3, 2, 1], { method: 'threshold', threshold: 2 }, 1, 2],
    [[3, 2, 1], { method: 'threshold', threshold: -1 }, 3, -1],
    [[9, 1, 1, 1], { method: 'marchenkoPastur', sampleCount: 4, variance: 1 }, 1, 4],
    [[-1, -2, -3], { method: 'marchenkoPastur', sampleCount: 3 }, 0, 0],
  ] as const)('of %j by %j there are %i above %d', (eigenvalues, options, count, threshold) => {
    const found = countOutliers(eigenvalues, options);
    expect(found.count).toBe(count);
    expect(found.threshold).toBeCloseTo(threshold, 12);
  });

  it('Marchenko-Pastur finds its own variance: of 3 spikes over noise, 3', () => {
    // Quantiles of the law for σ² = 1 and α = 1/4 lie in [1/4, 9/4]; equal spacing serves as well.
    const noise = Array.from({ length: 97 }, (_, i) => 0.25 + (2 * i) / 96);
    const { count, threshold } = countOutliers([...noise, 20, 30, 40], {
      method: 'marchenkoPastur',
      sampleCount: 400,
    });
    expect(count).toBe(3);
    expect(threshold).toBeCloseTo(1.25 * 2.25, 10);
  });
});

describe('refusals', () => {
  it.each([
    ['ERR_SHAPE', /given 0 eigenvalues; expected at least one/, [], { method: 'gap' }],
    [
      'ERR_SPEC',
      /the list of eigenvalues is null; expected an array of numbers/,
      null,
      { method: 'gap' },
    ],
    ['ERR_DATA', /eigenvalue 1 is NaN; expected a finite number/, [1, NaN], { method: 'gap' }],
    ['ERR_DATA', /eigenvalue 0 is "1"; expected a finite number/, ['1'], { method: 'gap' }],
    [
      'ERR_SPEC',
      /'method' is "elbow"; expected one of gap, ratio, threshold, marchenkoPastur/,
      [1],
      { method: 'elbow' },
    ],
    ['ERR_SPEC', /given null; expected \{ method, … \}/, [1], null],
    ['ERR_SPEC', /'threshold' is missing/, [1], { method: 'threshold' }],
    [
      'ERR_SPEC',
      /'threshold' is NaN; expected a finite number/,
      [1],
      { method: 'threshold', threshold: NaN },
    ],
    [
      'ERR_SPEC',
      /'among' is 0; expected an integer of at least 1/,
      [1],
      { method: 'gap', among: 0 },
    ],
    ['ERR_SPEC', /'sampleCount' is missing/, [1], { method: 'marchenkoPastur' }],
    [
      'ERR_SPEC',
      /'variance' is 0; expected a finite number above 0/,
      [1],
      { method: 'marchenkoPastur', sampleCount: 1, variance: 0 },
    ],
    ['ERR_SPEC', /'threshold' is unknown/, [1], { method: 'gap', threshold: 1 }],
  ] as const)('%s: %s', async (code, message, eigenvalues, options) => {
    const counted = asJavaScript(countOutliers, eigenvalues, options);
    await expect(counted).rejects.toEqual(refusal(code, message));
  });

  it('takes no stranger for a list, an eigenvalue or options', async () => {
    for (const [name, value] of strangers) {
      const anError = expect.objectContaining({ name: 'EigenscapeError' }) as unknown;
      await expect(asJavaScript(countOutliers, value, { method: 'gap' })).rejects.toEqual(anError);
      await expect(asJavaScript(countOutliers, [1], value)).rejects.toEqual(anError);
      if (name === 'a number') continue;
      await expect(asJavaScript(countOutliers, [value], { method: 'gap' })).rejects.toEqual(
        anError,
      );
    }
  });
});
