// Dense symmetric A → band matrix of the same eigenvalues, in place, nearly all of it in BLAS-3.
//
// For each panel of b columns, with A₂₁ [m, b] what lies below the diagonal block:
//   A₂₁ = Q [R; 0],  Q = I − V T Vᵀ                    (panel_qr.hpp)
//   Z = A₂₂ V,  S = Vᵀ Z,  W = Z T − ½ V (Tᵀ S T)
//   A₂₂ ← Qᵀ A₂₂ Q = A₂₂ − V Wᵀ − W Vᵀ = A₂₂ − [V W] [W V]ᵀ      one product of inner size 2b
// (Bischof, Lang, Sun 2000; Haidar, Ltaief, Dongarra 2011.)
//
// The matrix lies in tiles (tiled_matrix.hpp) while it is reduced, and each tile is read once for a
// panel: updated, and at once multiplied by the next panel's V, while it is in the cache. The next
// panel's columns are updated first, so that it is factored meanwhile.
//
// Every product is cut into pieces by the matrix's order alone, sums over pieces are added in their
// order: the bits do not depend on the number of threads.
//
// Cost: 4/3·n³ flops. Memory beside the matrix: full_to_band_workspace bytes.
#pragma once

#include <cstddef>
#include <span>

#include "core/control.hpp"
#include "eigensolver/band_to_tridiagonal.hpp"

namespace eigenscape {

/// The band, of a width that is a multiple of kPanelStep, that factor·A becomes; a [n, n] (the
/// lower triangle, row-major, and the diagonal tiles are read) is destroyed. The factor, a power of
/// two, makes the norm about 1 (of subnormal matrices less). norm is ‖factor·A‖_F, finite: a
/// column's part below the band is dropped where it is at most 4·ε·norm/√n, all of them together at
/// most 4·ε·norm. Matrices of low rank leave columns of roundings, and reflectors made from those
/// err by more.
template <typename T>
void full_to_band(std::span<T> a, T factor, double norm, BandMatrix<T>& band,
                  const Control& control);

/// The same of A itself, of that norm, for eigenvectors: A = Q B Qᵀ with Q = H_0 H_1 …, H_j = I −
/// τ_j v_j v_jᵀ. v_j is zero above row j + width, 1 there, and below it stands in column j of a;
/// tau [n] is zero where there is no reflector. What is above the diagonal and outside the blocks
/// of kReductionTile on it stays as it was.
template <typename T>
void full_to_band(std::span<T> a, double norm, BandMatrix<T>& band, std::span<T> tau,
                  const Control& control);

/// Edge of the diagonal blocks of which both triangles are destroyed; a multiple of every width.
inline constexpr std::size_t kReductionTile = 128;

std::size_t full_to_band_workspace(std::size_t n, std::size_t width, std::size_t entry_bytes);

}  // namespace eigenscape
