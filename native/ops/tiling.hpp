// How a row of things is cut into tiles of nearly the same size.
#pragma once

#include <cstddef>

namespace eigenscape::ops {

/// `count` things in as few tiles of at most `largest` as it takes, as equal as can be.
struct Tiling {
  std::size_t count;
  std::size_t tiles;
  Tiling(std::size_t of, std::size_t largest) : count(of), tiles((of + largest - 1) / largest) {}
  [[nodiscard]] std::size_t first(std::size_t tile) const { return tile * count / tiles; }
  [[nodiscard]] std::size_t size(std::size_t tile) const { return first(tile + 1) - first(tile); }
};

}  // namespace eigenscape::ops
