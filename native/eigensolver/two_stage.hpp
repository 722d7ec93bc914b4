// All eigenvalues of a dense symmetric matrix in two stages and a last one:
//   1. full → band            full_to_band.hpp           4/3·n³ flops, BLAS-3
//   2. band → tridiagonal     band_to_tridiagonal.hpp    about 7·n²·b flops, in cache
//   3. tridiagonal → values   tridiagonal_values.hpp     O(n²)
// The matrix is scaled by a power of two beforehand where its norm is far from 1, so that squares
// neither overflow nor vanish; exact, as far as entries do not underflow.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/control.hpp"

namespace eigenscape {

struct TwoStageTuning {
  std::size_t width;       // of the band
  std::size_t from;        // order from which on this is faster than one stage …
  std::size_t pairs_from;  // … with eigenvectors (two_stage_pairs.hpp)
};

/// The measurement is in docs/decisions/0003-two-stage-crossover.md.
template <typename T>
TwoStageTuning two_stage_tuning();

/// Whether this way is the faster one here: wide vectors, and a large enough matrix.
template <typename T>
bool two_stage_pays(std::size_t n);

/// Multiplies a matrix whose norm ‖A‖_F is far from 1 by a power of two, the exponent of which it
/// returns.
template <typename T>
int scale_to_one(std::size_t n, std::span<T> a, double norm, const Control& control);

/// The norm of a matrix that is scaled so: finite, at most the true one where that is out of range.
double scaled_norm(double norm, int exponent);

/// Ascending; `norm` is ‖A‖_F. Destroys a [n, n], both triangles of which are read.
template <typename T>
std::vector<double> two_stage_eigenvalues(std::size_t n, std::span<T> a, double norm,
                                          const Control& control);

std::size_t two_stage_workspace(std::size_t n, std::size_t entry_bytes);

}  // namespace eigenscape
