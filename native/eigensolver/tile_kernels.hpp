// The products that the reduction to a band consists of, on one tile of the matrix.
//
// A tile C [rows, columns] lies in strips of as many columns as a 64-byte vector has lanes:
// [strips][rows, lanes]. A product with C reads some rows of a strip, one with Cᵀ a line of it:
// consecutive memory both times, so that nothing is packed.
//
// Thin operands come in groups of two vectors' columns, [groups][height, 2 lanes], so that the rows
// of a group are consecutive. A micro-tile of the result, 8 rows by 2 vectors with AVX-512 and 6 by
// 2 of half the size with AVX2, stays in registers. Its sum is made apart and added at the end, of
// C V and Cᵀ V after every 64 terms: few roundings are of the size of the result.
#pragma once

#include <cstddef>

#include "core/vector.hpp"

namespace eigenscape {

inline constexpr std::size_t kTile = 128;  // rows and columns of a tile, at most

/// Products that are added up before they are added to a longer sum. Roundings add up where all
/// have one sign, as in a constant matrix: over a whole tile, to 32·ε of the sum, and reflectors
/// made from a sum over all rows are not orthogonal.
inline constexpr std::size_t kRun = 64;

/// Columns of a group.
template <typename T>
inline constexpr std::size_t kGroupColumns = 2 * kLanes<T>;

/// Whether this processor has vectors for which the kernels beat LAPACK: AVX-512, or AVX2 with FMA.
bool has_wide_vectors();

/// Rows [first_row, last_row) and columns [first_column, last_column) of a tile; the first column
/// begins a strip.
template <typename T>
struct TilePart {
  T* tile;
  std::size_t tile_rows;
  std::size_t first_row;
  std::size_t last_row;
  std::size_t first_column;
  std::size_t last_column;

  [[nodiscard]] std::size_t rows() const { return last_row - first_row; }
  [[nodiscard]] std::size_t columns() const { return last_column - first_column; }
  /// The part's first row in the strip of a column of the tile.
  [[nodiscard]] T* strip(std::size_t column) const {
    return tile + (column / kLanes<T> * tile_rows + first_row) * kLanes<T>;
  }
};

/// V [*, width] in groups, from the row on that the product begins with.
template <typename T>
struct ThinOperand {
  const T* groups;
  std::size_t group_step;  // entries from group to group
  std::size_t width;       // a multiple of a group
};

/// C += L·R with L [rows, inner], rows `stride` apart, and R [inner, columns] in groups. The last
/// group may reach beyond the part, where the tile must have room.
template <typename T>
void add_product(const TilePart<T>& c, const T* left, std::size_t stride, std::size_t inner,
                 const T* right);

/// Z [rows, width] += C·V
template <typename T>
void multiply(const TilePart<T>& c, const ThinOperand<T>& v, T* z);

/// Z [columns, width] += Cᵀ·V
template <typename T>
void multiply_transposed(const TilePart<T>& c, const ThinOperand<T>& v, T* z);

}  // namespace eigenscape
