// Symmetric band matrix → tridiagonal matrix of the same eigenvalues, by bulge chasing.
//
// Sweep s zeroes column s below its subdiagonal with a reflector of length b, which spoils the next
// block of the band; that block's first column is zeroed by the next reflector, and so on to the
// end of the matrix. Step k of sweep s, with c = s + 1 + k·b, D the diagonal block at c, B the
// block below it:
//   D ← H D H                     w = τ D v − ½ τ² (vᵀDv) v,  D −= v wᵀ + w vᵀ
//   B ← H' B H                    y = B v,  v' from the first column of B − τ y vᵀ,
//                                 z = v'ᵀ (B − τ y vᵀ),  B −= (τ y) vᵀ + (τ' v') zᵀ
// It may run once sweep s − 1 has done step k + 1.
//
// A task is a group of sweeps, each one block behind the one before it, so that a block is changed
// by all of them while it is in the second-level cache; groups follow one another through the band,
// one on each thread. Every step computes the same numbers whoever runs it.
//
// Cost: about 7·n²·b flops (6 with half of D). (Bischof, Lang, Sun 2000; Haidar et al. 2011.)
#pragma once

#include <cstddef>
#include <span>

#include "core/aligned_buffer.hpp"
#include "core/control.hpp"
#include "eigensolver/bulge_reflectors.hpp"

namespace eigenscape {

/// Rows 0 … n − 1 with b entries left of the diagonal, room for the bulge (b more), and b to the
/// right, where the upper triangles of the diagonal blocks are kept.
template <typename T>
class BandMatrix {
 public:
  BandMatrix(std::size_t n, std::size_t width);

  [[nodiscard]] std::size_t order() const { return n_; }
  [[nodiscard]] std::size_t width() const { return b_; }
  /// From a row to the next in the same column: a multiple of the vectors' length.
  [[nodiscard]] std::size_t step() const { return step_; }
  T& at(std::size_t i, std::size_t j) { return entries_[i * step_ + j]; }

 private:
  std::size_t n_;
  std::size_t b_;
  std::size_t step_;
  AlignedBuffer<T> entries_;
};

/// Destroys the band; diagonal [n], subdiagonal [n − 1]. For eigenvectors the reflectors are kept
/// where `kept` is not null.
template <typename T>
void band_to_tridiagonal(BandMatrix<T>& band, std::span<T> diagonal, std::span<T> subdiagonal,
                         BulgeReflectors<T>* kept, const Control& control);

std::size_t band_to_tridiagonal_workspace(std::size_t n, std::size_t width,
                                          std::size_t entry_bytes);

}  // namespace eigenscape
