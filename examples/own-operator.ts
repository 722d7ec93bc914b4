// An operator of one's own: a matrix that is nowhere stored. Here the Laplacian of a ring of n points, A = 2I − shift − shiftᵀ, whose
// eigenvalues are known: 2 − 2cos(2πj/n).
//
//     node own-operator.ts        from Node 22.18 on, which strips the types by itself

import { extremalEigenpairs, spectralDensity, trace, type SymmetricOperator } from 'eigenscape';

const n = 20_000;

const ring: SymmetricOperator = {
  size: n,
  // `vectors` holds `count` rows of n entries, and so must the result.
  apply(vectors, count) {
    const products = new Float64Array(count * n);
    for (let row = 0; row < count * n; row += n) {
      for (let i = 0; i < n; i += 1) {
        const left = vectors[row + ((i + n - 1) % n)] ?? NaN;
        const right = vectors[row + ((i + 1) % n)] ?? NaN;
        products[row + i] = 2 * (vectors[row + i] ?? NaN) - left - right;
      }
    }
    return products;
  },
};

const { value, standardError } = await trace(ring, { method: 'hutchinson', products: 30 });
console.log(`trace ${value.toFixed(0)} ± ${standardError.toFixed(0)}, exactly ${2 * n}`);

const { nodes, weights } = await spectralDensity(ring, { steps: 30, probes: 4 });
const mean = nodes.reduce((sum, node, i) => sum + node * (weights[i] ?? NaN), 0);
console.log(`mean eigenvalue ${mean.toFixed(2)}, exactly 2`);

// The ends are crowded, as of most large matrices: what was reached is said with the value.
const { largest } = await extremalEigenpairs(ring, { largest: 1, tolerance: 1e-3 });
const [top = NaN] = largest.values;
const [residualNorm = NaN] = largest.residualNorms;
console.log(`largest ${top.toFixed(4)} ± ${residualNorm.toExponential(0)}, exactly 4`);
