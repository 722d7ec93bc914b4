// Householder QR of a tall panel P [rows, width], row-major, rows `stride` entries apart:
// P = Q·[R; 0], Q = H_0 H_1 … = I − V T Vᵀ, H_c = I − τ_c v_c v_cᵀ, v_c = (0 … 0, 1, *, …, *).
//
// Column by column, as LAPACK's xGEQR2, but one pass over the panel per column: a row that column
// c's reflector has just changed is at once added to the products that column c + 1 needs,
//   g[k] = Σ_{i > c+1} P[i, c+1]·P[i, k]    for k ≥ c + 1, so that ‖x‖² = g[c+1] and vᵀP follows.
// No column is walked along.
//
// Cost: 2·rows·width² flops.
#pragma once

#include <cstddef>

namespace eigenscape {

/// Panel widths are multiples of this: a row is an even number of 64-byte vectors in both types.
inline constexpr std::size_t kPanelStep = 32;
inline constexpr std::size_t kWidestPanel = 128;

/// Replaces P by V with its ones and zeros written out; R [width, width] gets the triangle, zeros
/// below it; tau [width]. Rows below `rows` need not exist: min(rows − 1, width) reflectors are
/// made, and the columns of V after them are zero. What a column has below its diagonal entry
/// counts as zero where its norm is at most `negligible`.
template <typename T>
void factor_panel(std::size_t rows, std::size_t width, T* p, std::size_t stride, T negligible, T* r,
                  T* tau);

/// The upper triangle T [width, width] of Q = I − V T Vᵀ from the Gram matrix VᵀV and τ; zeros
/// below the diagonal.
template <typename T>
void block_reflector(std::size_t width, const T* gram, const T* tau, T* t);

}  // namespace eigenscape
