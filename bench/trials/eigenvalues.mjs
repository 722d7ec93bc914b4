// All eigenvalues of a random symmetric matrix, no vectors.
//
// Floor: the reduction to tridiagonal form, 4/3·n³ flops; the rest grows with n².

function eigenvaluesOf(n, contenders) {
  return {
    name: `eigenvalues-${n}`,
    title: `all eigenvalues of a symmetric matrix, n = ${n.toLocaleString('en')}, float64`,
    problem: { kind: 'matrix', size: n },
    task: 'eigenvalues',
    unit: 'matrix',
    contenders,
    floor: { flops: (4 / 3) * n ** 3, counting: '4/3·n³, the reduction to tridiagonal form' },
  };
}

export const eigenvalues300 = eigenvaluesOf(300, ['eigenscape', 'pytorch', 'ml-matrix']);
export const eigenvalues1000 = eigenvaluesOf(1000, ['eigenscape', 'pytorch']);
export const eigenvalues4000 = eigenvaluesOf(4000, ['eigenscape', 'pytorch']);
