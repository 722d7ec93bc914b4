// What the floors rest on: the speed of a matrix product, by each library that has one.

/** In the precision of a trial.
 *  @param {'float64' | 'float32'} dtype */
export function gemm(dtype) {
  return {
    name: 'gemm',
    title: `product of two 2,000 × 2,000 matrices, ${dtype}`,
    problem: { kind: 'none', size: 2000, dtype },
    task: 'gemm',
    unit: 'product',
    contenders: ['eigenscape', 'pytorch'],
    floor: { flops: 2 * 2000 ** 3, counting: '2·n³' },
  };
}
