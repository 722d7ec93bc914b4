// Sums over the windows of images, without a matrix of patches: what a convolution's passes are.
//
//   gather    y[a, o, p] (+)= Σ_b Σ_(i, j) w[a, b, i, j] · x[b, row(o, i), column(p, j)]
//   products  w̄[a, b, i, j] += Σ_(r, c) Σ_n ȳ[a, r, c, n] · x[b, r s + i d, c s + j d, n]
//
// Images of n samples are [channels, rows, columns, n], n a multiple of a cache line: the samples
// are the lanes of the vectors, so that windows of any size, stride and dilation run at the speed
// of the multiply-add units. A tile of outputs, channels × places, stays in registers while the
// sum runs; what it reads lies in the first two levels of cache.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace eigenscape::ops {

/// Tap `index` of a window reads the row or column `source`; for columns, that of place 0.
struct Tap {
  std::size_t index;
  std::size_t source;
};

/// Places of a row of outputs whose windows hold the same taps.
struct Places {
  std::size_t first;  // column of place 0
  std::size_t step;   // columns from place to place
  std::size_t count;
  std::size_t source_step;  // columns of the source from place to place
  std::vector<Tap> taps;    // ascending in `index`
};

/// The two index maps of a gather. Columns outside of the source are read as what pads it.
struct GatherPlan {
  std::size_t outputs = 0;  // channels a
  std::size_t sources = 0;  // channels b
  std::size_t tap_rows = 0;
  std::size_t tap_columns = 0;
  std::size_t source_rows = 0;
  std::size_t source_columns = 0;  // with those that pad
  std::size_t inside_first = 0;    // the columns [first, last) that do not pad
  std::size_t inside_last = 0;
  std::size_t out_columns = 0;
  std::vector<std::vector<Tap>> rows;  // of every row of outputs
  std::vector<Places> places;

  [[nodiscard]] std::size_t taps() const { return tap_rows * tap_columns; }
  [[nodiscard]] std::size_t weights() const { return outputs * sources * taps(); }
  [[nodiscard]] std::size_t out_plane() const { return rows.size() * out_columns; }
  [[nodiscard]] std::size_t source_plane() const { return source_rows * source_columns; }
};

/// The weights w[a, b, tap], `a_stride` and `b_stride` entries apart, in the order in which a
/// gather reads them [outputs · sources · taps].
template <typename T>
void pack_weights(const GatherPlan& plan, const T* w, std::size_t a_stride, std::size_t b_stride,
                  T* packed);

/// y [outputs, out rows, out columns, n] from x [sources, source rows, source columns, n]; to what
/// is there already if `accumulate`, else to start [outputs], or 0 without.
template <typename T>
void gather(const GatherPlan& plan, std::size_t n, const T* packed, const T* x, const T* start,
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
