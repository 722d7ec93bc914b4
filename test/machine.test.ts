import { describe, expect, it } from 'vitest';
import { gemmSpeed } from '../src/index.js';

describe('the speed of a matrix product', () => {
  it.each(['float64', 'float32'] as const)(
    'in %s is a positive number of GFLOP/s',
    async (dtype) => {
      const speed = await gemmSpeed({ size: 64, dtype, threads: 2 });
      expect(speed).toBeGreaterThan(0);
      expect(speed).toBeLessThan(1e6);
    },
  );

  it('is refused for matrices that do not fit the memory', async () => {
    await expect(gemmSpeed({ size: 2_000_000 })).rejects.toMatchObject({
      code: 'ERR_MEMORY',
      message: expect.stringContaining('a product of matrices of order 2000000') as string,
    });
  });

  it('is refused for sizes that are none', async () => {
    await expect(gemmSpeed({ size: 0 })).rejects.toMatchObject({
      code: 'ERR_SPEC',
      message: "gemmSpeed: option 'size' is 0; expected an integer of at least 1",
    });
  });
});
