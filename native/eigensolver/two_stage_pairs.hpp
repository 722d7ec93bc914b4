// Eigenpairs of a dense symmetric matrix in two stages and back:
//   1. full → band            A = Q₁ B Q₁ᵀ     full_to_band.hpp           4/3·n³ flops
//   2. band → tridiagonal     B = Q₂ T Q₂ᵀ     band_to_tridiagonal.hpp    about 7·n²·b
//   3. tridiagonal            T = Z Λ Zᵀ       divide_and_conquer.hpp     at most 4/3·n³
//   4. Z → Q₂ Z                                bulge_transformation.hpp   2·n²·count
//   5. Q₂ Z → Q₁ Q₂ Z                          band_transformation.hpp    2·n²·count
// Q₁ is kept in the lower triangle of A, which the upper one restores at the end.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/control.hpp"

namespace eigenscape {

/// Pairs of 2^exponent·A, ascending.
template <typename T>
struct ScaledPairs {
  std::vector<T> values;
  std::vector<T> vectors;  // rows [values, n], orthonormal
  int exponent = 0;
};

/// Whether this way is the faster one here: wide vectors, and a large enough matrix.
template <typename T>
bool two_stage_pairs_pay(std::size_t n);

/// Eigenpairs with ascending ranks [first, last); `norm` is ‖A‖_F. a [n, n] becomes 2^exponent·A.
template <typename T>
ScaledPairs<T> two_stage_eigenpairs(std::size_t n, std::span<T> a, double norm, std::size_t first,
                                    std::size_t last, const Control& control);

/// Bytes beside the matrix, the vectors among them.
std::size_t two_stage_pairs_workspace(std::size_t n, std::size_t count, std::size_t entry_bytes);

}  // namespace eigenscape
