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

  void to_tiles(const Control& control);
  void to_rows(const Control& control);

  [[nodiscard]] std::size_t rows(std::size_t i) const {
    return i + 1 < tiles_ ? kTile : n_ - i * kTile;
  }
  /// A tile at or below the diagonal, in strips (tile_kernels.hpp). The last diagonal one has room
  /// for whole groups of columns.
  [[nodiscard]] T* tile(std::size_t i, std::size_t k) {
    return i + 1 == tiles_ && k == i ? corner_.data() : a_ + (i * n_ + k * rows(i)) * kTile;
  }

 private:
  template <typename Move>
  void rearrange(const Control& control, const Move& move);

  std::size_t n_;
  std::size_t tiles_;
  T* a_;
  T* scratch_;
  AlignedBuffer<T> corner_;
};

}  // namespace eigenscape
