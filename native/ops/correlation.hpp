// Sums over the windows of images, without a matrix of patches: what a convolution's passes are.
//
//   gather    y[a, o, p] (+)= Σ_b Σ_(i, j) w[a, b, i, j] · x[b, row(o, i), column(p, j)]
//   products  w̄[a, b, i, j] += Σ_(r, c) Σ_n ȳ[a, r, c, n] · x[b, r s + i d, c s + j d, n]
//
// Images of n samples are [channels, rows, columns, n], n a multiple of a cache line: the samples
// are the lanes of the vectors, so that windows of any size, stride and dilation run at the speed
// of the multiply-add units. A tile of outputs, channels × vectors of samples of one place, stays
// in registers while the sum runs, over the taps alone that lie inside of the image; what it reads
// lies in the first two levels of cache.
//
// Products of many channels of small images are taken otherwise, see ops/outer_products.hpp.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace eigenscape::ops {

/// Tap `index` of a window reads the row or column `source`.
struct Tap {
  std::size_t index;
  std::size_t source;
};

/// The two index maps of a gather, and where it finds w[a, b, 0, 0].
struct GatherPlan {
  std::size_t outputs = 0;   // channels a
  std::size_t sources = 0;   // channels b
  std::size_t a_stride = 0;  // of the weights; (i, j) is the entry i · tap_columns + j
  std::size_t b_stride = 0;
  std::size_t tap_columns = 0;
  std::size_t source_rows = 0;
  std::size_t source_columns = 0;
  std::vector<std::vector<Tap>> rows;     // of every row of outputs, those inside of the source
  std::vector<std::vector<Tap>> columns;  // of every column

  [[nodiscard]] std::size_t out_plane() const { return rows.size() * columns.size(); }
  [[nodiscard]] std::size_t source_plane() const { return source_rows * source_columns; }
};

/// y [outputs, out rows, out columns, n] from x [sources, source rows, source columns, n]; to what
/// is there already if `accumulate`, else to start [outputs], or 0 without.
template <typename T>
void gather(const GatherPlan& plan, std::size_t n, const T* w, const T* x, const T* start,
            bool accumulate, T* y);

/// Where the products of a window find their factors.
struct ProductPlan {
  std::size_t outputs = 0;  // channels a of ȳ
  std::size_t rows = 0;     // of ȳ
  std::size_t columns = 0;
  std::size_t x_columns = 0;       // of x
  std::size_t row_stride = 0;      // rows of x from row to row of ȳ
  std::size_t column_stride = 0;   // columns of x from column to column of ȳ
  std::vector<std::size_t> depth;  // entry of x, for sample counts of 1, that (b, i, j) reads first
};

/// w_bar [outputs, depth] += products of ȳ [outputs, rows, columns, n] and x [·, ·, x columns, n].
template <typename T>
void add_products(const ProductPlan& plan, std::size_t n, const T* y_bar, const T* x, T* w_bar);

}  // namespace eigenscape::ops
