// The innermost loops of gather and products: a tile of sums in registers, for one instruction set.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "ops/correlation.hpp"

namespace eigenscape::ops {

/// Vectors of samples, and channels, of the largest tiles of a gather.
constexpr std::size_t kMostVectors = 4;
constexpr std::size_t kMostChannels = 12;

/// Where a tap of a place reads, in entries from source 0 on.
struct TapAt {
  std::size_t w;
  std::size_t x;
};

/// F channels × P vectors of samples of one place.
template <typename T>
struct GatherTile {
  const GatherPlan& plan;
  std::size_t n;
  std::size_t sources;
  std::span<const TapAt> taps;
  const T* w;      // of channel 0 and source 0
  const T* x;      // of source 0 and the first sample
  const T* start;  // [F], or none
  bool accumulate;
  T* y;  // of channel 0, the place and the first sample
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

/// The loops for tiles up to a size. gather is [vectors][kMostChannels], with those that the
/// registers hold; products is [channels][entries].
template <typename T>
struct TileLoops {
  std::size_t lanes;  // of a vector
  std::array<std::size_t, kMostVectors> gather_channels;
  void (*const* gather)(const GatherTile<T>&);
  std::size_t product_channels;
  std::size_t product_entries;
  void (*const* products)(const ProductTile<T>&);
};

/// Those of the best instruction set of this processor.
template <typename T>
const TileLoops<T>& tile_loops();

}  // namespace eigenscape::ops
