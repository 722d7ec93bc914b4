#include "eigensolver/tiled_matrix.hpp"

#include <algorithm>

#include "core/thread_pool.hpp"

namespace eigenscape {
namespace {

/// Calls move(entry of the rows, entry of the strips, count) over a tile, rows `stride` apart.
template <typename T, typename Move>
void for_strips(std::size_t rows, std::size_t columns, T* matrix, std::size_t stride, T* tile,
                const Move& move) {
  for (std::size_t j = 0; j < columns; j += kLanes<T>) {
    const std::size_t count = std::min(kLanes<T>, columns - j);
    for (std::size_t r = 0; r < rows; ++r) {
      move(matrix + r * stride + j, tile + (j / kLanes<T> * rows + r) * kLanes<T>, count);
    }
  }
}

}  // namespace

template <typename T>
TiledMatrix<T>::TiledMatrix(std::size_t n, std::span<T> a, std::span<T> scratch)
    : n_(n),
      tiles_(tiles_along(n)),
      a_(a.data()),
      scratch_(scratch.data()),
      corner_(kTile * kTile) {
  corner_.zero();
}

template <typename T>
template <typename Tiles, typename Move>
void TiledMatrix<T>::rearrange(const Tiles& tiles, const Control& control, const Move& move) {
  for (std::size_t i = 0; i < tiles_; ++i) {
    T* const memory = a_ + i * kTile * n_;
    constexpr std::size_t kPiece = 8;
    parallel_for(control, (rows(i) + kPiece - 1) / kPiece, [&](std::size_t piece) {
      const std::size_t columns = std::min(n_, tiles(i) * kTile);
      for (std::size_t r = piece * kPiece; r < std::min(rows(i), (piece + 1) * kPiece); ++r) {
        std::copy_n(memory + r * n_, columns, scratch_ + r * n_);
      }
    });
    parallel_for(control, tiles(i), [&](std::size_t k) { move(i, k); });
  }
}

template <typename T>
void TiledMatrix<T>::to_tiles(T factor, bool keeps_upper, const Control& control) {
  const auto tiles = [&](std::size_t i) { return keeps_upper ? tiles_ : i + 1; };
  const auto scale = [factor](const T* row, T* strip, std::size_t count) {
    for (std::size_t l = 0; l < count; ++l) strip[l] = factor * row[l];
  };
  rearrange(tiles, control, [&](std::size_t i, std::size_t k) {
    T* const from = scratch_ + k * kTile;
    if (k <= i) return for_strips(rows(i), rows(k), from, n_, tile(i, k), scale);
    T* const to = a_ + i * kTile * n_ + k * kTile * rows(i);
    for (std::size_t r = 0; r < rows(i); ++r) std::copy_n(from + r * n_, rows(k), to + r * rows(k));
  });
}

template <typename T>
void TiledMatrix<T>::to_rows(const Control& control) {
  const auto all = [&](std::size_t /*i*/) { return tiles_; };
  rearrange(all, control, [&](std::size_t i, std::size_t k) {
    T* const to = a_ + i * kTile * n_ + k * kTile;
    if (k <= i) {
      const bool corner = i + 1 == tiles_ && k == i;
      T* const from = corner ? corner_.data() : scratch_ + k * kTile * rows(i);
      for_strips(rows(i), rows(k), to, n_, from,
                 [](T* row, const T* strip, std::size_t count) { std::copy_n(strip, count, row); });
      return;
    }
    const T* const from = scratch_ + k * kTile * rows(i);
    for (std::size_t r = 0; r < rows(i); ++r) std::copy_n(from + r * rows(k), rows(k), to + r * n_);
  });
}

template class TiledMatrix<double>;
template class TiledMatrix<float>;

}  // namespace eigenscape
