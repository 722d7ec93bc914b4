// A symmetric matrix rearranged in its own memory, so that a tile of kTile rows and columns is
// consecutive: prefetched and translated as one piece, and never at odds with the cache's sets,
// whatever the order.
#pragma once

#include <cstddef>
#include <span>

#include "core/aligned_buffer.hpp"
#include "core/control.hpp"
#include "eigensolver/reduction_tasks.hpp"

namespace eigenscape {

template <typename T>
class TiledMatrix {
 public:
  /// a [n, n], row-major; scratch [at least kTile · n], used by the rearrangements only.
  TiledMatrix(std::size_t n, std::span<T> a, std::span<T> scratch);

  /// What is above the diagonal tiles is lost unless `keeps_upper`, and need not be there.
  void to_tiles(T factor, bool keeps_upper, const Control& control);
  void to_rows(const Control& control);

  [[nodiscard]] std::size_t rows(std::size_t i) const {
    return i + 1 < tiles_ ? kTile : n_ - i * kTile;
  }
  /// A tile at or below the diagonal, in strips (tile_kernels.hpp). The last diagonal one has room
  /// for whole groups of columns.
  [[nodiscard]] T* tile(std::size_t i, std::size_t k) {
    return i + 1 == tiles_ && k == i ? corner_.data() : a_ + (i * n_ + k * rows(i)) * kTile;
  }
  /// Entry (i, j), j ≤ i.
  [[nodiscard]] T at(std::size_t i, std::size_t j) {
    const std::size_t column = j % kTile;
    const std::size_t line = column / kLanes<T> * rows(i / kTile) + i % kTile;
    return tile(i / kTile, j / kTile)[line * kLanes<T> + column % kLanes<T>];
  }

 private:
  /// Copies the columns of `tiles(i)` tiles of every row of tiles, and calls move(i, k) for each.
  template <typename Tiles, typename Move>
  void rearrange(const Tiles& tiles, const Control& control, const Move& move);

  std::size_t n_;
  std::size_t tiles_;
  T* a_;
  T* scratch_;
  AlignedBuffer<T> corner_;
};

}  // namespace eigenscape
