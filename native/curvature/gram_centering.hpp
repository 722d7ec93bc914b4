// The Gram matrix of a covariance from that of rows about 0.
//
//   t_n = w_n g_n,  s_n = w_n (g_n − ḡ),  ḡ = Σ w_n² g_n / Σ w_n²
//
// With u = w/‖w‖, s_n = t_n − u_n Σ_m u_m t_m: K' = (I − u uᵀ) K (I − u uᵀ). Let H be the
// reflection that takes u to −e, e the last unit vector. H K' H, which has the eigenvalues of K',
// is H K H with zeros in its last row and column. Nothing but a reflection rounds, so the error is
// that of K.
#pragma once

#include <cstddef>
#include <span>

#include "core/control.hpp"

namespace eigenscape {

/// The lower triangle of `gram` [n, n], symmetric, becomes that of H K' H. w [n] is not negative,
/// nor all zero.
template <typename T>
void center_gram(std::span<const double> w, std::span<T> gram, const Control& control);

/// Roundings of center_gram() in the sense of AssemblyScale::operations, of K's norm: with unit
/// roundoff u, K v and vᵀK v take 3n u‖K‖ into z/2, hence 6n u into z, twice into the update.
constexpr std::size_t centering_operations(std::size_t n) { return 6 * n + 16; }

}  // namespace eigenscape
