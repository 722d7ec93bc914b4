// The innermost loops of outer products, for one instruction set.
#pragma once

#include <array>
#include <cstddef>

namespace eigenscape::ops {

/// V vectors of channels of ȳ × B channels of x, for one tap.
template <typename T>
struct OuterTile {
  std::size_t n;
  std::size_t rows;  // of ȳ, that read no padding
  std::size_t columns;
  const T* y;  // of the first of them, [·, ·, n, V vectors]
  std::size_t y_row;
  const T* x;  // what it reads, [B, ·, ·, n]
  std::size_t x_channel;
  std::size_t x_row;
  std::size_t x_column;
  T* sums;  // [B, ·, V vectors]
  std::size_t sums_channel;
};

/// The transpose of from [rows, columns].
template <typename T>
struct Turn {
  std::size_t rows;
  std::size_t columns;
  const T* from;
  std::size_t from_stride;
  T* to;
  std::size_t to_stride;
};

template <typename T>
struct OuterLoops {
  std::size_t lanes;
  std::size_t vectors;                           // of the largest tile
  void (*const* products)(const OuterTile<T>&);  // [vectors][kMostOuterSources]
  void (*turn)(const Turn<T>&);        // to = fromᵀ, whole vectors: columns are, rows may not
  void (*add_turned)(const Turn<T>&);  // to += fromᵀ, `rows` and `columns` may be any
};

/// Those of the best instruction set of this processor.
template <typename T>
const OuterLoops<T>& outer_loops();

}  // namespace eigenscape::ops
