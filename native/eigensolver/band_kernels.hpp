// The two steps that bulge chasing consists of, on one block of the band each. The formulas are in
// band_to_tridiagonal.hpp.
#pragma once

#include <cstddef>

#include "eigensolver/reflector.hpp"

namespace eigenscape {

/// Rows `step` entries apart, each a window of `vectors` whole 64-byte vectors, 3, 5 or 9; the
/// block's columns are [before, before + columns) of it. What else lies in a window is not changed.
template <typename T>
struct BandBlock {
  T* window;
  std::size_t step;
  std::size_t rows;
  std::size_t before;
  std::size_t columns;
};

/// D ← H D H with H = I − τ v vᵀ; v is a window, zero outside the block.
template <typename T>
void reflect_block(std::size_t vectors, const BandBlock<T>& d, T tau, const T* v);

/// B ← H' B H, where H' zeroes the first column below its first entry. v becomes the window of v',
/// which begins at `next_before` in it. Gives τ' and that first entry.
template <typename T>
Reflection<T> chase_block(std::size_t vectors, const BandBlock<T>& b, T tau, T* v,
                          std::size_t next_before);

}  // namespace eigenscape
