#include "linalg/panel_product.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/instruction_sets.hpp"

namespace eigenscape {
namespace {

template <typename T, std::size_t kBytes>
struct VectorOf {
  using type [[gnu::vector_size(kBytes), gnu::may_alias, gnu::aligned(sizeof(T))]] = T;
};

/// A quarter of a panel's columns, in bytes.
constexpr std::size_t kQuarter = 32;

template <typename T>
struct Tile {
  std::size_t inner;
  std::size_t columns;
  Factor<T> a;
  const T* panel;
  Onto onto;
  T* c;
  std::size_t stride;
};

/// Columns beyond the matrix are summed up with the others, but not stored.
template <typename T, std::size_t kBytes, std::size_t kRows, std::size_t kQuarters>
[[gnu::always_inline]] inline void tile_loop(const Tile<T>& tile) {
  constexpr std::size_t kWidth = std::min(kBytes, kQuarters * kQuarter);
  using V = typename VectorOf<T, kWidth>::type;
  constexpr std::size_t lanes = kWidth / sizeof(T);
  constexpr std::size_t kVectors = kQuarters * kQuarter / kWidth;
  const auto [a, row_step, inner_step] = tile.a;
  V sum[kRows][kVectors] = {};
  if (tile.onto == Onto::row) {
    const T* const row = tile.panel + tile.inner * kPanel<T>;
#pragma GCC unroll 12
    for (std::size_t i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
      for (std::size_t q = 0; q < kVectors; ++q)
        sum[i][q] = *reinterpret_cast<const V*>(row + q * lanes);
    }
  }
  const T* at = a;
  const T* b = tile.panel;
  for (std::size_t p = 0; p < tile.inner; ++p, at += inner_step, b += kPanel<T>) {
    V columns[kVectors];
#pragma GCC unroll 8
    for (std::size_t q = 0; q < kVectors; ++q)
      columns[q] = *reinterpret_cast<const V*>(b + q * lanes);
#pragma GCC unroll 12
    for (std::size_t i = 0; i < kRows; ++i) {
      const T factor = at[i * row_step];
#pragma GCC unroll 8
      for (std::size_t q = 0; q < kVectors; ++q) sum[i][q] += factor * columns[q];
    }
  }
  const bool accumulate = tile.onto == Onto::sum;
#pragma GCC unroll 12
  for (std::size_t i = 0; i < kRows; ++i) {
    T* const row = tile.c + i * tile.stride;
#pragma GCC unroll 8
    for (std::size_t q = 0; q < kVectors; ++q) {
      const std::size_t first = q * lanes;
      if (first + lanes <= tile.columns) {
        V& to = *reinterpret_cast<V*>(row + first);
        to = accumulate ? to + sum[i][q] : sum[i][q];
        continue;
      }
      alignas(64) std::array<T, lanes> entries;
      *reinterpret_cast<V*>(entries.data()) = sum[i][q];
      for (std::size_t j = first; j < tile.columns; ++j) {
        row[j] = accumulate ? row[j] + entries[j - first] : entries[j - first];
      }
    }
  }
}

template <typename T>
using Loop = void (*)(const Tile<T>& tile);

/// Loops for tiles of 1 … `rows` rows, with a quarter of a panel, then with half and all of it.
template <typename T>
struct TileLoops {
  std::size_t rows;
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

template <typename T, std::size_t kRows, typename Make, std::size_t... kIndex>
constexpr std::array<Loop<T>, 3 * kRows> table(const Make& make,
                                               std::index_sequence<kIndex...> /*indices*/) {
  return {make.template operator()<kIndex % kRows + 1, std::size_t{1} << kIndex / kRows>()...};
}
template <typename T, std::size_t kRows, typename Make>
constexpr auto table(const Make& make) {
  return table<T, kRows>(make, std::make_index_sequence<3 * kRows>{});
}

// Sums and the columns that they read, in registers: 32 of 64 bytes with AVX-512, 16 of 32 bytes
// with AVX2, 16 of 16 bytes with SSE2.
template <typename T>
constexpr auto kBaseline = table<T, 1>([]<std::size_t R, std::size_t Q> {
  return &tile_baseline<T, R, Q>;
});
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
template <typename T>
constexpr auto kV3 = table<T, 2>([]<std::size_t R, std::size_t Q> { return &tile_v3<T, R, Q>; });
template <typename T>
constexpr auto kV4 = table<T, 12>([]<std::size_t R, std::size_t Q> { return &tile_v4<T, R, Q>; });
#endif

template <typename T>
TileLoops<T> tile_loops() {
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
  static const bool v4 = __builtin_cpu_supports("x86-64-v4") != 0;
  static const bool v3 = __builtin_cpu_supports("x86-64-v3") != 0;
  if (v4) return {12, kV4<T>.data()};
  if (v3) return {2, kV3<T>.data()};
#endif
  return {1, kBaseline<T>.data()};
}

}  // namespace

template <typename T>
void pack_panel(std::size_t inner, std::size_t columns, const T* b, std::size_t stride, T* panel) {
  for (std::size_t p = 0; p < inner; ++p, b += stride, panel += kPanel<T>) {
    if (columns == kPanel<T>) {
      std::copy_n(b, kPanel<T>, panel);
    } else {
      std::copy_n(b, columns, panel);
      std::fill(panel + columns, panel + kPanel<T>, T{0});
    }
  }
}

template <typename T>
void pack_transposed_panel(std::size_t inner, std::size_t columns, const T* w, std::size_t stride,
                           T* panel) {
  // By squares: a cache line of a row at a time.
  constexpr std::size_t lanes = 64 / sizeof(T);
  for (std::size_t first = 0; first < inner; first += lanes) {
    T* const to = panel + first * kPanel<T>;
    const std::size_t count = std::min(lanes, inner - first);
    for (std::size_t j = 0; j < columns; ++j) {
      const T* const from = w + j * stride + first;
      if (count == lanes) {
#pragma GCC unroll 16
        for (std::size_t p = 0; p < lanes; ++p) to[p * kPanel<T> + j] = from[p];
      } else {
        for (std::size_t p = 0; p < count; ++p) to[p * kPanel<T> + j] = from[p];
      }
    }
    for (std::size_t p = 0; p < count; ++p) {
      std::fill(to + p * kPanel<T> + columns, to + (p + 1) * kPanel<T>, T{0});
    }
  }
}

template <typename T>
void panel_product(std::size_t rows, std::size_t columns, std::size_t inner, const Factor<T>& a,
                   const T* panel, Onto onto, T* c, std::size_t stride) {
  const TileLoops<T> tiles = tile_loops<T>();
  const std::size_t count = (rows + tiles.rows - 1) / tiles.rows;
  const std::size_t quarters = (4 * columns + kPanel<T> - 1) / kPanel<T>;
  const Loop<T>* const loops = tiles.loops + (quarters > 2 ? 2 : quarters - 1) * tiles.rows;
  for (std::size_t t = 0; t < count; ++t) {
    const std::size_t first = t * rows / count;
    const std::size_t last = (t + 1) * rows / count;
    loops[last - first - 1]({inner,
                             columns,
                             {a.data + first * a.row_step, a.row_step, a.inner_step},
                             panel,
                             onto,
                             c + first * stride,
                             stride});
  }
}

template void pack_panel<double>(std::size_t, std::size_t, const double*, std::size_t, double*);
template void pack_panel<float>(std::size_t, std::size_t, const float*, std::size_t, float*);
template void pack_transposed_panel<double>(std::size_t, std::size_t, const double*, std::size_t,
                                            double*);
template void pack_transposed_panel<float>(std::size_t, std::size_t, const float*, std::size_t,
                                           float*);
template void panel_product<double>(std::size_t, std::size_t, std::size_t, const Factor<double>&,
                                    const double*, Onto, double*, std::size_t);
template void panel_product<float>(std::size_t, std::size_t, std::size_t, const Factor<float>&,
                                   const float*, Onto, float*, std::size_t);

}  // namespace eigenscape
