// C = Σ A·B + C where every B comes in panels of a few columns, packed once and used for many A:
// products of thin matrices with the same factor, for which BLAS would pack both factors every
// time.
//
// A panel is [inner, kPanel]; A is read where it is, by any two strides, so that it may be a
// transpose. A tile of C, some rows by a strip of a panel's columns, stays in registers while the
// sums over `inner` of all terms run, or over as much of it as the first level of cache has room
// for; it is added to C at the end.
#pragma once

#include <cstddef>
#include <span>

namespace eigenscape {

/// Columns of a panel: two vectors with AVX-512.
template <typename T>
inline constexpr std::size_t kPanel = 2 * 64 / sizeof(T);

/// [inner, kPanel] in strips of as many columns as a tile has, side by side where the matrix is,
/// one after another when packed: rows are `stride` apart, strips `strip`. Columns beyond those of
/// a product may hold anything.
template <typename T>
struct Panel {
  const T* data;
  std::size_t stride;
  std::size_t strip;
};

/// B [inner, columns], at most kPanel columns, rows `stride` apart, for a number of products: where
/// it is if it can be read there, or packed into `room` [inner, kPanel]; a single row stays one.
template <typename T>
Panel<T> panel_of(std::size_t inner, std::size_t columns, const T* b, std::size_t stride, T* room,
                  std::size_t products = 1);

/// The same for B = Wᵀ, W [columns, inner] with rows `stride` apart; always packed.
template <typename T>
Panel<T> transposed_panel_of(std::size_t inner, std::size_t columns, const T* w, std::size_t stride,
                             T* room);

/// A [rows, inner]: entry (i, p) at data[i · row_step + p · inner_step].
template <typename T>
struct Factor {
  const T* data;
  std::size_t row_step;
  std::size_t inner_step;
};

/// A · panel
template <typename T>
struct Term {
  std::size_t inner;
  Factor<T> a;
  Panel<T> panel;
};

/// What a sum of products is added to: nothing, one row [kPanel] (for every row of C), one column
/// [rows] (for every column), or C.
template <typename T>
struct Onto {
  const T* row = nullptr;
  const T* column = nullptr;
  bool sum = false;
};

/// C [rows, columns] = Σ A · panel + what it is added to; rows of C are `stride` apart.
template <typename T>
void panel_product(std::size_t rows, std::size_t columns, std::span<const Term<T>> terms,
                   Onto<T> onto, T* c, std::size_t stride);

}  // namespace eigenscape
