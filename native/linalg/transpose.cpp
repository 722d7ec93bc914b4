#include "linalg/transpose.hpp"

#include <algorithm>

namespace eigenscape {

/// By squares that fit into the first level of cache on both sides.
template <typename T>
void transpose(std::size_t rows, std::size_t columns, const T* from, std::size_t from_stride, T* to,
               std::size_t to_stride) {
  constexpr std::size_t kTile = 16;
  for (std::size_t i = 0; i < rows; i += kTile) {
    const std::size_t i_end = std::min(rows, i + kTile);
    for (std::size_t j = 0; j < columns; j += kTile) {
      const std::size_t j_end = std::min(columns, j + kTile);
      for (std::size_t column = j; column < j_end; ++column) {
        for (std::size_t row = i; row < i_end; ++row) {
          to[column * to_stride + row] = from[row * from_stride + column];
        }
      }
    }
  }
}

template void transpose<double>(std::size_t, std::size_t, const double*, std::size_t, double*,
                                std::size_t);
template void transpose<float>(std::size_t, std::size_t, const float*, std::size_t, float*,
                               std::size_t);

}  // namespace eigenscape
