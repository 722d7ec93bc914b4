// A tile of columns of a few rows W [count, width] with the same tile of many rows V [others,
// width]: inner products and updates, the two halves of Gram-Schmidt. Both go through V once, four
// rows at a time, which stay in the first-level cache for all of W while the next four are on their
// way: BLAS would pack V, at the cost of the product itself when W has a handful of rows.
#pragma once

#include <cstddef>

namespace eigenscape {

/// Rows of a matrix, `stride` entries apart.
template <typename T>
struct RowTile {
  T* data;
  std::size_t stride;
  std::size_t count;
  [[nodiscard]] T* row(std::size_t i) const { return data + i * stride; }
};

/// sums [W.count, V.count] += W · Vᵀ
template <typename T>
void add_row_products(std::size_t width, const RowTile<const T>& w, const RowTile<const T>& v,
                      double* sums);

/// W −= C · V, C [W.count, V.count]
template <typename T>
void subtract_rows(std::size_t width, const T* c, const RowTile<const T>& v, const RowTile<T>& w);

/// W = L⁻¹ · W in place, L [W.count, W.count] lower triangular
template <typename T>
void solve_lower(std::size_t width, const T* l, const RowTile<T>& w);

}  // namespace eigenscape
