// All eigenvalues of the Hessian at many points of a small network: the system of S3 to S6.
//
// Floor, per point: the matrix as in dense-hessian, the reduction to tridiagonal form, 4/3·M³ flops.

import { denseSizes, denseSpec } from './network.mjs';

const samples = 100;

function spectraOf(units, points, order) {
  const widths = [2, units, units, 2];
  const layers = denseSizes(widths);
  const size = layers.reduce((sum, layer) => sum + layer, 0);
  const assembly = layers.reduce(
    (sum, layer, l) =>
      layers
        .slice(l + 1)
        .reduce(
          (blocks, later) => blocks + 2 * samples * layer * later,
          sum + (samples * layer ** 2) / 2,
        ),
    0,
  );
  return {
    name: `many-spectra-${size}`,
    title: `exact spectra at ${points.toLocaleString('en')} points, ${widths.join('-')} ReLU, M = ${size}, N = 100, float64; time per spectrum`,
    problem: { kind: 'points', spec: denseSpec(widths), samples, points, scale: 0.5 },
    task: 'spectra',
    sizes: order,
    unit: 'spectrum',
    contenders: ['eigenscape', 'pytorch'],
    floor: {
      flops: assembly + (4 / 3) * size ** 3,
      counting: 'the matrix, all symmetry used, and 4/3·M³ for the reduction to tridiagonal form',
    },
  };
}

/** `sizes` are the points that vmap takes at once. */
export const manySpectra74 = spectraOf(6, 1000, [50, 250, 1000]);
export const manySpectra434 = spectraOf(18, 60, [5, 20, 60]);
