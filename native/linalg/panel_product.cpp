#include "linalg/panel_product.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "core/instruction_sets.hpp"
#include "core/vector.hpp"
#include "linalg/transpose.hpp"

namespace eigenscape {
namespace {

/// A quarter of a panel's columns, in bytes.
constexpr std::size_t kQuarter = 32;
constexpr std::size_t kSetsApart = 512;
/// Bytes whose pages the first level of translations knows.
constexpr std::size_t kTlbReach = std::size_t{1} << 18U;

template <typename T>
struct Tile {
  std::span<const Term<T>> terms;
  std::size_t first;   // row of A and C
  std::size_t strip;   // of the panel
  std::size_t column;  // of C, with which the strip begins
  std::size_t columns;
  Onto<T> onto;
  T* c;
  std::size_t stride;
};

/// The sums of a tile in registers, kRows × kVectors vectors of kWidth bytes.
template <typename T, std::size_t kWidth, std::size_t kRows, std::size_t kVectors>
struct Sums {
  using V = typename VectorOf<T, kWidth>::type;
  V sum[kRows][kVectors];
};

/// sum += a bᵀ for one row b of a strip and one column of A.
template <typename T, std::size_t kWidth, std::size_t kRows, std::size_t kVectors>
[[gnu::always_inline]] inline void add_products(const T* a, std::size_t row_step, const T* b,
                                                Sums<T, kWidth, kRows, kVectors>& sums) {
  using V = typename VectorOf<T, kWidth>::type;
  V columns[kVectors];
#pragma GCC unroll 8
  for (std::size_t q = 0; q < kVectors; ++q)
    columns[q] = *reinterpret_cast<const V*>(b + q * sizeof(V) / sizeof(T));
#pragma GCC unroll 12
  for (std::size_t i = 0; i < kRows; ++i) {
    const T factor = a[i * row_step];
#pragma GCC unroll 8
    for (std::size_t q = 0; q < kVectors; ++q) sums.sum[i][q] += factor * columns[q];
  }
}

/// What the sums of a tile begin with.
template <typename T, std::size_t kWidth, std::size_t kRows, std::size_t kVectors>
[[gnu::always_inline]] inline void begin(const Tile<T>& tile,
                                         Sums<T, kWidth, kRows, kVectors>& sums) {
  using V = typename VectorOf<T, kWidth>::type;
  constexpr std::size_t lanes = kWidth / sizeof(T);
  const T* const row = tile.onto.row;
  const T* const column = tile.onto.column;
  if (row == nullptr && column == nullptr) return;
#pragma GCC unroll 12
  for (std::size_t i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
    for (std::size_t q = 0; q < kVectors; ++q) {
      if (row != nullptr) {
        sums.sum[i][q] = *reinterpret_cast<const V*>(row + tile.column + q * lanes);
      } else {
        sums.sum[i][q] += column[tile.first + i];
      }
    }
  }
}

/// Columns beyond the matrix are not stored.
template <typename T, std::size_t kWidth, std::size_t kRows, std::size_t kVectors>
[[gnu::always_inline]] inline void store(const Sums<T, kWidth, kRows, kVectors>& sums,
                                         const Tile<T>& tile, T* c) {
  using V = typename VectorOf<T, kWidth>::type;
  constexpr std::size_t lanes = kWidth / sizeof(T);
  const std::size_t left = tile.columns - tile.column;
#pragma GCC unroll 12
  for (std::size_t i = 0; i < kRows; ++i) {
    T* const row = c + i * tile.stride;
#pragma GCC unroll 8
    for (std::size_t q = 0; q < kVectors; ++q) {
      if ((q + 1) * lanes <= left) {
        V& to = *reinterpret_cast<V*>(row + q * lanes);
        to = tile.onto.sum ? to + sums.sum[i][q] : sums.sum[i][q];
        continue;
      }
      alignas(64) std::array<T, lanes> entries;
      *reinterpret_cast<V*>(entries.data()) = sums.sum[i][q];
      for (std::size_t j = q * lanes; j < left; ++j) {
        row[j] = tile.onto.sum ? row[j] + entries[j - q * lanes] : entries[j - q * lanes];
      }
    }
  }
}

template <typename T, std::size_t kBytes, std::size_t kRows, std::size_t kQuarters>
[[gnu::always_inline]] inline void tile_loop(const Tile<T>& given) {
  constexpr std::size_t kWidth = std::min(kBytes, kQuarters * kQuarter);
  constexpr std::size_t kVectors = kQuarters * kQuarter / kWidth;
  const Tile<T> tile = given;  // which no store can change
  T* const c = tile.c + tile.first * tile.stride + tile.column;
  if (tile.onto.sum) {
    // It comes from memory while the sums are made.
    for (std::size_t i = 0; i < kRows; ++i) {
      __builtin_prefetch(c + i * tile.stride, 1);
      __builtin_prefetch(c + i * tile.stride + kQuarters * kQuarter / sizeof(T) - 1, 1);
    }
  }
  Sums<T, kWidth, kRows, kVectors> sums{};
  begin(tile, sums);
  for (const auto& [inner, a, panel] : tile.terms) {
    const std::size_t row_step = a.row_step;
    const std::size_t inner_step = a.inner_step;
    const std::size_t stride = panel.stride;
    const T* at = a.data + tile.first * row_step;
    const T* b = panel.data + tile.strip * panel.strip;
    if constexpr (kBytes == 64) {
      for (std::size_t p = 0; p < inner; ++p, at += inner_step, b += stride)
        add_products(at, row_step, b, sums);
      continue;
    }
    // A core that shares its first stages with another has few instructions to spare for counting.
#pragma GCC unroll 4
    for (std::size_t p = 0; p < inner; ++p, at += inner_step, b += stride)
      add_products(at, row_step, b, sums);
  }
  store(sums, tile, c);
}

template <typename T>
using Loop = void (*)(const Tile<T>& tile);

/// What a tile is with a set of instructions.
struct TileShape {
  std::size_t rows;      // at most
  std::size_t quarters;  // of a panel: a strip; at most
  /// Rows of a panel that stay in the first level of cache while all tiles read them. The larger a
  /// tile, the less it matters: one of AVX-512 reads 64 bytes for as many flops as take 12 cycles.
  std::size_t inner;
};

// Sums and the columns that they read, in registers: 32 of 64 bytes with AVX-512, 16 of 32 bytes
// with AVX2, 16 of 16 bytes with SSE2. A strip is whole lines of the cache: rows of half a panel
// that are a panel apart would fall on half of its sets.
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
constexpr TileShape kShapeV4 = {12, 4, SIZE_MAX};
constexpr TileShape kShapeV3 = {6, 2, 256};
#endif
constexpr TileShape kShapeBaseline = {3, 2, 256};

/// Loops for tiles of 1 … `shape.rows` rows, with a quarter of a panel, then with twice as much and
/// so on.
template <typename T>
struct TileLoops {
  TileShape shape;
  const Loop<T>* loops;
};

template <typename T, std::size_t kRows, std::size_t kQuarters>
void tile_baseline(const Tile<T>& tile) {
  tile_loop<T, 16, kRows, kQuarters>(tile);
}
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
template <typename T, std::size_t kRows, std::size_t kQuarters>
[[gnu::target("arch=x86-64-v4")]] void tile_v4(const Tile<T>& tile) {
  tile_loop<T, 64, kRows, kQuarters>(tile);
}
template <typename T, std::size_t kRows, std::size_t kQuarters>
[[gnu::target("arch=x86-64-v3")]] void tile_v3(const Tile<T>& tile) {
  tile_loop<T, 32, kRows, kQuarters>(tile);
}
#endif

template <typename T, TileShape kShape, typename Make, std::size_t... kIndex>
constexpr std::array<Loop<T>, sizeof...(kIndex)> table(const Make& make,
                                                       std::index_sequence<kIndex...> /*indices*/) {
  return {make.template
          operator()<kIndex % kShape.rows + 1, std::size_t{1} << kIndex / kShape.rows>()...};
}
template <typename T, TileShape kShape, typename Make>
constexpr auto table(const Make& make) {
  constexpr std::size_t kWidths = std::bit_width(kShape.quarters);
  return table<T, kShape>(make, std::make_index_sequence<kWidths * kShape.rows>{});
}

template <typename T>
constexpr auto kBaseline = table<T, kShapeBaseline>([]<std::size_t R, std::size_t Q> {
  return &tile_baseline<T, R, Q>;
});
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
template <typename T>
constexpr auto kV3 = table<T, kShapeV3>([]<std::size_t R, std::size_t Q> {
  return &tile_v3<T, R, Q>;
});
template <typename T>
constexpr auto kV4 = table<T, kShapeV4>([]<std::size_t R, std::size_t Q> {
  return &tile_v4<T, R, Q>;
});
#endif

template <typename T>
TileLoops<T> tile_loops() {
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
  const InstructionSet set = instruction_set();
  if (set == InstructionSet::v4) return {kShapeV4, kV4<T>.data()};
  if (set == InstructionSet::v3) return {kShapeV3, kV3<T>.data()};
#endif
  return {kShapeBaseline, kBaseline<T>.data()};
}

template <typename T>
std::size_t strip_columns(const TileShape& shape) {
  return shape.quarters * kQuarter / sizeof(T);
}

/// All rows and columns of C.
template <typename T>
void product(const TileLoops<T>& tiles, std::size_t rows, std::size_t columns,
             std::span<const Term<T>> terms, Onto<T> onto, T* c, std::size_t stride) {
  constexpr std::size_t kColumns = kQuarter / sizeof(T);
  const std::size_t width = strip_columns<T>(tiles.shape);
  const std::size_t count = (rows + tiles.shape.rows - 1) / tiles.shape.rows;
  for (std::size_t strip = 0; strip * width < columns; ++strip) {
    const std::size_t column = strip * width;
    const std::size_t left = (columns - column + kColumns - 1) / kColumns;
    const std::size_t doublings = std::bit_width(std::min(left, tiles.shape.quarters) * 2 - 1) - 1;
    const Loop<T>* const loops = tiles.loops + doublings * tiles.shape.rows;
    for (std::size_t t = 0; t < count; ++t) {
      const std::size_t first = t * rows / count;
      const std::size_t last = (t + 1) * rows / count;
      loops[last - first - 1]({terms, first, strip, column, columns, onto, c, stride});
    }
  }
}

/// Whole rows of a strip of `width` columns, whatever stands behind the `columns`, so that every
/// copy has one length; the last row, behind which nothing may stand, alone.
template <typename T>
[[gnu::always_inline]] inline void pack_rows(std::size_t inner, std::size_t columns,
                                             std::size_t width, const T* b, std::size_t stride,
                                             T* strip) {
  const std::size_t whole = columns == width            ? inner
                            : stride + columns >= width ? inner - std::min<std::size_t>(inner, 1)
                                                        : 0;
  constexpr std::size_t kAhead = 16;  // too far apart to be foreseen
  for (std::size_t p = 0; p < whole; ++p) {
    for (std::size_t q = 0; q < width; q += kLanes<T>) {
      __builtin_prefetch(b + (p + kAhead) * stride + q);
      vector_at(strip + p * width + q) = vector_at(b + p * stride + q);
    }
  }
  for (std::size_t p = whole; p < inner; ++p) {
    std::copy_n(b + p * stride, columns, strip + p * width);
    std::fill_n(strip + p * width + columns, width - columns, T{0});
  }
}

EIGENSCAPE_INSTRUCTION_SETS
void pack(std::size_t inner, std::size_t columns, std::size_t width, const double* b,
          std::size_t stride, double* strip) {
  pack_rows(inner, columns, width, b, stride, strip);
}

EIGENSCAPE_INSTRUCTION_SETS
void pack(std::size_t inner, std::size_t columns, std::size_t width, const float* b,
          std::size_t stride, float* strip) {
  pack_rows(inner, columns, width, b, stride, strip);
}

/// Calls action(first, columns, strip) for the strips of a panel that is packed into `room`.
template <typename T, typename Action>
Panel<T> packed(std::size_t inner, std::size_t columns, T* room, const Action& action) {
  const std::size_t width = strip_columns<T>(tile_loops<T>().shape);
  for (std::size_t first = 0; first < columns; first += width) {
    action(first, std::min(width, columns - first), room + first * inner);
  }
  return {room, width, width * inner};
}

}  // namespace

template <typename T>
Panel<T> panel_of(std::size_t inner, std::size_t columns, const T* b, std::size_t stride, T* room,
                  std::size_t products) {
  const std::size_t width = strip_columns<T>(tile_loops<T>().shape);
  // Rows that are a power of two apart fall on few sets of the cache, far ones on many pages.
  const std::size_t step = stride * sizeof(T);
  if (columns == kPanel<T> && step % kSetsApart != 0 &&
      (products == 1 || inner * step <= kTlbReach)) {
    return {b, stride, width};
  }
  return packed(inner, columns, room, [&](std::size_t first, std::size_t count, T* strip) {
    pack(inner, count, width, b + first, stride, strip);
  });
}

template <typename T>
Panel<T> transposed_panel_of(std::size_t inner, std::size_t columns, const T* w, std::size_t stride,
                             T* room) {
  const std::size_t width = strip_columns<T>(tile_loops<T>().shape);
  return packed(inner, columns, room, [&](std::size_t first, std::size_t count, T* strip) {
    transpose<T>(count, inner, w + first * stride, stride, strip, width);
  });
}

template <typename T>
void panel_product(std::size_t rows, std::size_t columns, std::span<const Term<T>> terms,
                   Onto<T> onto, T* c, std::size_t stride) {
  const TileLoops<T> tiles = tile_loops<T>();
  std::size_t inner = 0;
  for (const Term<T>& term : terms) inner = std::max(inner, term.inner);
  if (inner <= tiles.shape.inner) {
    product(tiles, rows, columns, terms, onto, c, stride);
    return;
  }
  for (const auto& [all, a, panel] : terms) {
    const std::size_t pieces = (all + tiles.shape.inner - 1) / tiles.shape.inner;
    for (std::size_t piece = 0; piece < pieces; ++piece) {
      const std::size_t p = piece * all / pieces;
      const Term<T> term{(piece + 1) * all / pieces - p,
                         {a.data + p * a.inner_step, a.row_step, a.inner_step},
                         {panel.data + p * panel.stride, panel.stride, panel.strip}};
      product(tiles, rows, columns, std::span(&term, 1), onto, c, stride);
      onto = {.sum = true};
    }
  }
}

template Panel<double> panel_of<double>(std::size_t, std::size_t, const double*, std::size_t,
                                        double*, std::size_t);
template Panel<float> panel_of<float>(std::size_t, std::size_t, const float*, std::size_t, float*,
                                      std::size_t);
template Panel<double> transposed_panel_of<double>(std::size_t, std::size_t, const double*,
                                                   std::size_t, double*);
template Panel<float> transposed_panel_of<float>(std::size_t, std::size_t, const float*,
                                                 std::size_t, float*);
template void panel_product<double>(std::size_t, std::size_t, std::span<const Term<double>>,
                                    Onto<double>, double*, std::size_t);
template void panel_product<float>(std::size_t, std::size_t, std::span<const Term<float>>,
                                   Onto<float>, float*, std::size_t);

}  // namespace eigenscape
