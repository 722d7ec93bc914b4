// Eigenvectors of the tridiagonal matrix → those of the band matrix, u = Q z, with the reflectors
// of bulge chasing (bulge_reflectors.hpp).
//
// Reflectors of one step k and neighbouring sweeps act on rows that are shifted by one: a
// parallelogram, four of which are one block I − V T Vᵀ, V [b + 3, 4]. Blocks of one step and 32
// sweeps change the same rows and follow one another there; steps follow in ascending order, groups
// of sweeps in descending order. What overlaps thereby keeps its order:
//   Q = Π_{groups, ascending} Π_{k, descending} H_{s,k} H_{s+1,k} … H_{s+31,k}
// (Haidar, Solcà, Gates, Tomov, Schulthess, Dongarra 2014, figure 5; ELPA's kernels, Auckenthaler
// et al. 2011, also take the reflectors by fours.)
//
// Vectors are the lanes: a panel [n, 4 vectors of the processor] stays in the second-level cache
// where a block is applied, its products with V in registers. A task is a slab of panels.
//
// Cost: 2·n²·count flops, (b + 3)/b of it done.
#pragma once

#include <cstddef>
#include <span>

#include "core/control.hpp"
#include "eigensolver/bulge_reflectors.hpp"

namespace eigenscape {

/// to [rows.size(), n] = Q z for the rows of from [*, n] that are named by `rows`. The two may be
/// one where `rows` is 0, 1, 2 …
template <typename T>
void apply_bulge_reflectors(const BulgeReflectors<T>& reflectors, std::span<const std::size_t> rows,
                            const T* from, T* to, const Control& control);

std::size_t bulge_transformation_workspace(std::size_t n, std::size_t count,
                                           std::size_t entry_bytes);

}  // namespace eigenscape
