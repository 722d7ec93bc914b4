// Eigenvectors of the band matrix → those of the full one, x = Q u, with the reflectors that
// full_to_band left below the band.
//
// 128 reflectors at a time, from the last, with V [*, 128] where they are in the matrix, for
// vectors as rows:
//   X ← X − ((X V) Tᵀ) Vᵀ
// two products of inner size or width 128. A task is a slab of rows of X.
//
// Cost: 2·n²·count flops.
#pragma once

#include <cstddef>
#include <span>

#include "core/control.hpp"

namespace eigenscape {

/// vectors [count, n] ← Q vectors, in place. a and tau are what full_to_band left; the band in a is
/// destroyed, and what is above the diagonal blocks of kReductionTile stays.
template <typename T>
void apply_band_reflectors(std::size_t n, std::size_t width, std::span<T> a, std::span<const T> tau,
                           std::span<T> vectors, const Control& control);

std::size_t band_transformation_workspace(std::size_t n, std::size_t count,
                                          std::size_t entry_bytes);

}  // namespace eigenscape
