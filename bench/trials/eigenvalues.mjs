// All eigenvalues of a random symmetric matrix, no vectors.
//
// Floor: the reduction to tridiagonal form, 4/3·n³ flops; the rest grows with n².

/** @param {number} n order
 *  @param {{ others?: string[], long?: boolean }} options */
function eigenvaluesOf(n, { others = [], long = false } = {}) {
  return {
    name: `eigenvalues-${n}`,
    title: `all eigenvalues of a symmetric matrix, n = ${n.toLocaleString('en')}, float64`,
    problem: { kind: 'matrix', size: n },
    task: 'eigenvalues',
    unit: 'matrix',
    contenders: ['eigenscape', 'pytorch', 'lapack', ...others],
    long,
    floor: { flops: (4 / 3) * n ** 3, counting: '4/3·n³, the reduction to tridiagonal form' },
  };
}

export const eigenvalueTrials = [
  eigenvaluesOf(100, { others: ['ml-matrix'] }),
  eigenvaluesOf(300, { others: ['ml-matrix'] }),
  ...[900, 1000, 1500, 2000, 4000].map((n) => eigenvaluesOf(n)),
  eigenvaluesOf(10_000, { long: true }),
];
