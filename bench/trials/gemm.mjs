// What the floors rest on: the speed of a matrix product, by each library that has one.

export const gemm = {
  name: 'gemm',
  title: 'product of two 2,000 × 2,000 matrices, float64',
  problem: { kind: 'none', size: 2000 },
  task: 'gemm',
  unit: 'product',
  contenders: ['eigenscape', 'pytorch'],
  floor: { flops: 2 * 2000 ** 3, counting: '2·n³' },
};
