#include "ops/outer_product_tiles.hpp"

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "core/instruction_sets.hpp"
#include "core/vector.hpp"
#include "ops/outer_products.hpp"

namespace eigenscape::ops {
namespace {

/// sums[b, v] += x[b] · y[v] over rows, columns and samples.
template <typename T, std::size_t kBytes, std::size_t V, std::size_t B>
[[gnu::always_inline]] inline void outer_loop(const OuterTile<T>& tile) {
  using Vector = typename VectorOf<T, kBytes>::type;
  constexpr std::size_t kLanes = kBytes / sizeof(T);
  Vector acc[B][V] = {};
  for (std::size_t r = 0; r < tile.rows; ++r) {
    for (std::size_t c = 0; c < tile.columns; ++c) {
      const T* y = tile.y + r * tile.y_row + c * tile.n * V * kLanes;
      const T* const x = tile.x + r * tile.x_row + c * tile.x_column;
      for (std::size_t s = 0; s < tile.n; ++s, y += V * kLanes) {
        Vector at[V];
#pragma GCC unroll 16
        for (std::size_t v = 0; v < V; ++v) {
          at[v] = *reinterpret_cast<const Vector*>(y + v * kLanes);
        }
#pragma GCC unroll 16
        for (std::size_t b = 0; b < B; ++b) {
          const T factor = x[b * tile.x_channel + s];
#pragma GCC unroll 16
          for (std::size_t v = 0; v < V; ++v) acc[b][v] += factor * at[v];
        }
      }
    }
  }
#pragma GCC unroll 16
  for (std::size_t b = 0; b < B; ++b) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < V; ++v) {
      *reinterpret_cast<Vector*>(tile.sums + b * tile.sums_channel + v * kLanes) += acc[b][v];
    }
  }
}

/// One step of the transposition of a square: its blocks of `half` rows and columns.
template <typename T, std::size_t kBytes, std::size_t half>
[[gnu::always_inline]] inline void turn_blocks(typename VectorOf<T, kBytes>::type* square) {
  using Index = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  using Indices [[gnu::vector_size(kBytes)]] = Index;
  constexpr std::size_t kLanes = kBytes / sizeof(T);
  Indices low = {};
  Indices high = {};
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const bool second = (lane & half) != 0;
    low[lane] = static_cast<Index>(second ? kLanes + lane - half : lane);
    high[lane] = static_cast<Index>(second ? kLanes + lane : lane + half);
  }
  for (std::size_t i = 0; i < kLanes; ++i) {
    if ((i & half) != 0) continue;
    const auto a = square[i];
    const auto b = square[i + half];
    square[i] = __builtin_shuffle(a, b, low);
    square[i + half] = __builtin_shuffle(a, b, high);
  }
  if constexpr (half > 1) turn_blocks<T, kBytes, half / 2>(square);
}

/// Calls store(row of the transpose, its first column, rows from there on, vector).
template <typename T, std::size_t kBytes, typename Store>
[[gnu::always_inline]] inline void for_each_turned(const Turn<T>& turn, const Store& store) {
  using Vector = typename VectorOf<T, kBytes>::type;
  constexpr std::size_t kLanes = kBytes / sizeof(T);
  for (std::size_t i = 0; i < turn.rows; i += kLanes) {
    const std::size_t rows = std::min(kLanes, turn.rows - i);
    for (std::size_t j = 0; j < turn.columns; j += kLanes) {
      Vector square[kLanes] = {};
      const T* const from = turn.from + i * turn.from_stride + j;
      for (std::size_t row = 0; row < kLanes; ++row) {
        if (row < rows) {
          square[row] = *reinterpret_cast<const Vector*>(from + row * turn.from_stride);
        }
      }
      turn_blocks<T, kBytes, kLanes / 2>(square);
      const std::size_t columns = std::min(kLanes, turn.columns - j);
      for (std::size_t column = 0; column < kLanes; ++column) {
        if (column < columns) store(j + column, i, rows, square[column]);
      }
    }
  }
}

template <typename T, std::size_t kBytes>
[[gnu::always_inline]] inline void turn_loop(const Turn<T>& turn) {
  using Vector = typename VectorOf<T, kBytes>::type;
  for_each_turned<T, kBytes>(
      turn, [&](std::size_t row, std::size_t column, std::size_t /*size*/, const Vector& values)
                __attribute__((always_inline)) {
                  *reinterpret_cast<Vector*>(turn.to + row * turn.to_stride + column) = values;
                });
}

template <typename T, std::size_t kBytes>
[[gnu::always_inline]] inline void add_turned_loop(const Turn<T>& turn) {
  using Vector = typename VectorOf<T, kBytes>::type;
  constexpr std::size_t kLanes = kBytes / sizeof(T);
  for_each_turned<T, kBytes>(
      turn, [&](std::size_t row, std::size_t column, std::size_t size, const Vector& values)
                __attribute__((always_inline)) {
                  T* const to = turn.to + row * turn.to_stride + column;
                  if (size == kLanes) {
                    *reinterpret_cast<Vector*>(to) += values;
                  } else {
                    for (std::size_t i = 0; i < size; ++i) to[i] += values[i];
                  }
                });
}

template <typename T, std::size_t V, std::size_t B>
void outer_baseline(const OuterTile<T>& tile) {
  outer_loop<T, 16, V, B>(tile);
}
template <typename T>
void turn_baseline(const Turn<T>& turn) {
  turn_loop<T, 16>(turn);
}
template <typename T>
void add_turned_baseline(const Turn<T>& turn) {
  add_turned_loop<T, 16>(turn);
}

#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
template <typename T, std::size_t V, std::size_t B>
[[gnu::target("arch=x86-64-v3")]] void outer_v3(const OuterTile<T>& tile) {
  outer_loop<T, 32, V, B>(tile);
}
template <typename T>
[[gnu::target("arch=x86-64-v3")]] void turn_v3(const Turn<T>& turn) {
  turn_loop<T, 32>(turn);
}
template <typename T>
[[gnu::target("arch=x86-64-v3")]] void add_turned_v3(const Turn<T>& turn) {
  add_turned_loop<T, 32>(turn);
}
template <typename T, std::size_t V, std::size_t B>
[[gnu::target("arch=x86-64-v4")]] void outer_v4(const OuterTile<T>& tile) {
  outer_loop<T, 64, V, B>(tile);
}
template <typename T>
[[gnu::target("arch=x86-64-v4")]] void turn_v4(const Turn<T>& turn) {
  turn_loop<T, 64>(turn);
}
template <typename T>
[[gnu::target("arch=x86-64-v4")]] void add_turned_v4(const Turn<T>& turn) {
  add_turned_loop<T, 64>(turn);
}
#endif

/// A table of Make<1, 1> … Make<V, kMostOuterSources>, row by row.
template <typename T, typename Make, std::size_t... kIndex>
constexpr auto table(const Make& make, std::index_sequence<kIndex...>) {
  return std::array<void (*)(const OuterTile<T>&), sizeof...(kIndex)>{
      make.template
      operator()<kIndex / kMostOuterSources + 1, kIndex % kMostOuterSources + 1>()...};
}
template <typename T, std::size_t V, typename Make>
constexpr auto table(const Make& make) {
  return table<T>(make, std::make_index_sequence<V * kMostOuterSources>{});
}

// Sums and what they read in registers: 32 vectors with AVX-512, else 16.
template <typename T>
constexpr auto kOuterBaseline = table<T, 2>([]<std::size_t V, std::size_t B> {
  return &outer_baseline<T, V, B>;
});
template <typename T>
constexpr OuterLoops<T> kBaseline = {16 / sizeof(T), 2, kOuterBaseline<T>.data(), &turn_baseline<T>,
                                     &add_turned_baseline<T>};

#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
template <typename T>
constexpr auto kOuterV3 = table<T, 2>([]<std::size_t V, std::size_t B> {
  return &outer_v3<T, V, B>;
});
template <typename T>
constexpr OuterLoops<T> kV3 = {32 / sizeof(T), 2, kOuterV3<T>.data(), &turn_v3<T>,
                               &add_turned_v3<T>};
template <typename T>
constexpr auto kOuterV4 = table<T, 4>([]<std::size_t V, std::size_t B> {
  return &outer_v4<T, V, B>;
});
template <typename T>
constexpr OuterLoops<T> kV4 = {64 / sizeof(T), 4, kOuterV4<T>.data(), &turn_v4<T>,
                               &add_turned_v4<T>};
#endif

}  // namespace

template <typename T>
const OuterLoops<T>& outer_loops() {
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
  const InstructionSet set = instruction_set();
  if (set == InstructionSet::v4) return kV4<T>;
  if (set == InstructionSet::v3) return kV3<T>;
#endif
  return kBaseline<T>;
}

template const OuterLoops<double>& outer_loops<double>();
template const OuterLoops<float>& outer_loops<float>();

}  // namespace eigenscape::ops
