// All eigenpairs of a symmetric tridiagonal matrix by divide and conquer (Cuppen 1981; Gu and
// Eisenstat 1995), on all cores. LAPACK's xSTEDC has the products of its last merge, three quarters
// of the work, wait for one core.
//
//   T = diag(T₁, T₂) + ρ u uᵀ;  T_i = Q_i D_i Q_iᵀ;  T = Q (D + ρ z zᵀ) Qᵀ
//   λ_j: the roots of 1 + ρ Σ z_i²/(d_i − λ) = 0       xLAED4, each on its own
//   ẑ_i² = Π_j (λ_j − d_i) / Π_{j≠i} (d_j − d_i)       so that vectors are orthogonal to rounding
//   v_j = (ẑ_i / (d_i − λ_j))_i, normalised;  Q ← Q V   two products
//
// Small merges go side by side, large ones in pieces of equal size, whoever does them: the bits do
// not depend on the number of threads.
//
// Cost: at most 4/3·n³ flops, less by what is deflated.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/control.hpp"

namespace eigenscape {

/// d [n] and e [n − 1], about 1 in size at most, are destroyed. d becomes the eigenvalues and
/// vectors [n, n] the eigenvectors as rows, in an order of their own: the returned rows have
/// ascending values. scratch [n, n].
template <typename T>
std::vector<std::size_t> divide_and_conquer(std::span<T> d, std::span<T> e, std::span<T> vectors,
                                            std::span<T> scratch, const Control& control);

std::size_t divide_and_conquer_workspace(std::size_t n, std::size_t entry_bytes);

}  // namespace eigenscape
