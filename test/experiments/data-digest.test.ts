import { describe, expect, it } from 'vitest';

import { createDataset } from '../../src/data/create-dataset.js';
import { digestOf } from '../../src/experiments/data-digest.js';

describe('the digest of data', () => {
  it('is that of its numbers: another target or order gives another', () => {
    const data = (inputs: number[][], targets: number[]) => createDataset({ inputs, targets });
    const digest = digestOf(data([[1], [2]], [0, 1]));
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(digestOf(data([[1], [2]], [0, 1]))).toBe(digest);
    expect(digestOf(data([[2], [1]], [0, 1]))).not.toBe(digest);
    expect(digestOf(data([[1], [2]], [1, 1]))).not.toBe(digest);
  });
});
