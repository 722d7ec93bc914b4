// The innermost loops of gather and products: a tile of sums in registers, for one instruction set.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "ops/correlation.hpp"

namespace eigenscape::ops {

/// F channels × P places of a row of outputs.
template <typename T>
struct GatherTile {
  const GatherPlan& plan;
  std::size_t n;
  std::span<const Tap> rows;
  std::span<const Tap> taps;
  const T* packed;  // [sources, tap rows, tap columns, F]
  const T* x;       // of place 0 and tap column 0
  std::size_t x_step;
  const T* start;  // [F], or none
  bool accumulate;
  T* y;  // of channel 0 and place 0
  std::size_t y_channel;
  std::size_t y_step;
};

/// F channels of ȳ × Q entries (b, i, j).
template <typename T>
struct ProductTile {
  const ProductPlan& plan;
  std::size_t n;
  const T* y_bar;  // of channel 0
  const T* x;
  const std::size_t* offsets;  // [Q], in entries of x
  T* w_bar;                    // [F, depth] from entry 0
};

/// The loops for tiles of up to channels × places; the table is [channels][places].
template <typename T>
struct TileLoops {
  std::size_t gather_channels;
  std::size_t gather_places;
  void (*const* gather)(const GatherTile<T>&);
  std::size_t product_channels;
  std::size_t product_entries;
  void (*const* products)(const ProductTile<T>&);
};

/// Those of the best instruction set of this processor.
template <typename T>
const TileLoops<T>& tile_loops();

}  // namespace eigenscape::ops
