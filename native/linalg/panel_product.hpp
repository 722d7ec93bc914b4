// C = A·B + C where B comes in panels of a few columns, packed once and used for many A: products
// of thin matrices with the same factor, for which BLAS would pack both factors every time.
//
// A panel is [inner, kPanel]; A is read where it is, by any two strides, so that it may be a
// transpose. A tile of C, some rows by a panel's columns, stays in registers while the sum over
// `inner` runs; that sum is added to C at the end.
#pragma once

#include <cstddef>

namespace eigenscape {

/// Columns of a panel: two vectors with AVX-512.
template <typename T>
inline constexpr std::size_t kPanel = 2 * 64 / sizeof(T);

/// panel [inner, kPanel] = B [inner, columns], at most kPanel columns, the others 0; rows of B are
/// `stride` apart.
template <typename T>
void pack_panel(std::size_t inner, std::size_t columns, const T* b, std::size_t stride, T* panel);

/// The same for B = Wᵀ, W [columns, inner] with rows `stride` apart.
template <typename T>
void pack_transposed_panel(std::size_t inner, std::size_t columns, const T* w, std::size_t stride,
                           T* panel);

/// A [rows, inner]: entry (i, p) at data[i · row_step + p · inner_step].
template <typename T>
struct Factor {
  const T* data;
  std::size_t row_step;
  std::size_t inner_step;
};

/// What a product is added to: nothing, the row behind the panel (for every row of C), or C.
enum class Onto { nothing, row, sum };

/// C [rows, columns] = A · panel + what it is added to; rows of C are `stride` apart.
template <typename T>
void panel_product(std::size_t rows, std::size_t columns, std::size_t inner, const Factor<T>& a,
                   const T* panel, Onto onto, T* c, std::size_t stride);

}  // namespace eigenscape
