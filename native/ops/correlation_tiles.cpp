#include "ops/correlation_tiles.hpp"

#include <algorithm>

#include "core/instruction_sets.hpp"
#include "core/vector.hpp"

namespace eigenscape::ops {
namespace {

/// acc[f, p] += w[f] · x[p] for one tap. The shorter side waits in registers for the other, one
/// after another: sixteen are just enough for twelve sums.
template <typename T, std::size_t kBytes, std::size_t F, std::size_t P>
[[gnu::always_inline]] inline void add_tap(const T* w, std::size_t stride, const T* x,
                                           typename VectorOf<T, kBytes>::type (&acc)[F][P]) {
  using V = typename VectorOf<T, kBytes>::type;
  constexpr std::size_t kLanes = kBytes / sizeof(T);
  if constexpr (P <= F) {
    V at[P];
#pragma GCC unroll 16
    for (std::size_t p = 0; p < P; ++p) at[p] = *reinterpret_cast<const V*>(x + p * kLanes);
#pragma GCC unroll 16
    for (std::size_t f = 0; f < F; ++f) {
      const T weight = w[f * stride];
#pragma GCC unroll 16
      for (std::size_t p = 0; p < P; ++p) acc[f][p] += weight * at[p];
    }
  } else {
    T weights[F];
#pragma GCC unroll 16
    for (std::size_t f = 0; f < F; ++f) weights[f] = w[f * stride];
#pragma GCC unroll 16
    for (std::size_t p = 0; p < P; ++p) {
      const V at = *reinterpret_cast<const V*>(x + p * kLanes);
#pragma GCC unroll 16
      for (std::size_t f = 0; f < F; ++f) acc[f][p] += weights[f] * at;
    }
  }
}

/// acc[f, p] += w[f] · x[p] over sources and taps.
template <typename T, std::size_t kBytes, std::size_t F, std::size_t P>
[[gnu::always_inline]] inline void gather_loop(const GatherTile<T>& tile) {
  using V = typename VectorOf<T, kBytes>::type;
  constexpr std::size_t kLanes = kBytes / sizeof(T);
  const std::size_t n = tile.n;
  const std::size_t a_stride = tile.plan.a_stride;
  const std::size_t b_stride = tile.plan.b_stride;
  const std::size_t channel_size = tile.plan.source_plane() * n;
  const std::size_t y_channel = tile.plan.out_plane() * n;
  // They come from memory while the sums are made.
  for (std::size_t f = 0; f < F; ++f) {
    __builtin_prefetch(tile.y + f * y_channel, 1);
    __builtin_prefetch(tile.y + f * y_channel + P * kLanes - 1, 1);
  }
  V acc[F][P] = {};
  const T* w = tile.w;
  const T* x = tile.x;
  for (std::size_t b = 0; b < tile.sources; ++b, w += b_stride, x += channel_size) {
    for (const TapAt& tap : tile.taps) add_tap<T, kBytes>(w + tap.w, a_stride, x + tap.x, acc);
  }
  const auto store = [&](const auto& before) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (std::size_t f = 0; f < F; ++f) {
#pragma GCC unroll 16
      for (std::size_t p = 0; p < P; ++p) {
        V& y = *reinterpret_cast<V*>(tile.y + f * y_channel + p * kLanes);
        V sum = y;
        before(f, sum);
        y = sum + acc[f][p];
      }
    }
  };
  if (tile.accumulate) {
    store([](std::size_t /*f*/, V & /*sum*/) __attribute__((always_inline)){});
  } else if (tile.start != nullptr) {
    store([&](std::size_t f, V & sum)
              __attribute__((always_inline)) { sum = tile.start[f] - V{}; });
  } else {
    store([](std::size_t /*f*/, V & sum) __attribute__((always_inline)) { sum = V{}; });
  }
}

/// Σ of the lanes, by halves.
template <typename T, std::size_t kLanes>
[[gnu::always_inline]] inline T lane_sum(T* lanes) {
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

/// acc[f, q] += ȳ[f] · x[q] over rows, columns and lanes.
template <typename T, std::size_t kBytes, std::size_t F, std::size_t Q>
[[gnu::always_inline]] inline void product_loop(const ProductTile<T>& tile) {
  using V = typename VectorOf<T, kBytes>::type;
  constexpr std::size_t kLanes = kBytes / sizeof(T);
  const ProductPlan& plan = tile.plan;
  const std::size_t n = tile.n;
  const std::size_t y_row = plan.columns * n;
  const std::size_t y_channel = plan.rows * y_row;
  const std::size_t x_row = plan.row_stride * plan.x_columns * n;
  const std::size_t x_step = plan.column_stride * n;
  std::array<const T*, Q> x_at;
#pragma GCC unroll 16
  for (std::size_t q = 0; q < Q; ++q) x_at[q] = tile.x + tile.offsets[q];
  V acc[F][Q] = {};
  for (std::size_t lane = 0; lane < n; lane += kLanes) {
    for (std::size_t r = 0; r < plan.rows; ++r) {
      const T* y = tile.y_bar + r * y_row + lane;
      std::size_t x = r * x_row + lane;
      for (std::size_t c = 0; c < plan.columns; ++c, y += n, x += x_step) {
        V bar[F];
#pragma GCC unroll 16
        for (std::size_t f = 0; f < F; ++f) bar[f] = *reinterpret_cast<const V*>(y + f * y_channel);
#pragma GCC unroll 16
        for (std::size_t q = 0; q < Q; ++q) {
          const V at = *reinterpret_cast<const V*>(x_at[q] + x);
#pragma GCC unroll 16
          for (std::size_t f = 0; f < F; ++f) acc[f][q] += bar[f] * at;
        }
      }
    }
  }
  alignas(kBytes) T lanes[F][Q][kLanes];
#pragma GCC unroll 16
  for (std::size_t f = 0; f < F; ++f) {
#pragma GCC unroll 16
    for (std::size_t q = 0; q < Q; ++q) *reinterpret_cast<V*>(lanes[f][q]) = acc[f][q];
  }
  const std::size_t depth = plan.depth.size();
  for (std::size_t f = 0; f < F; ++f) {
    for (std::size_t q = 0; q < Q; ++q) {
      tile.w_bar[f * depth + q] += lane_sum<T, kLanes>(lanes[f][q]);
    }
  }
}

template <typename T, std::size_t F, std::size_t P>
void gather_baseline(const GatherTile<T>& tile) {
  gather_loop<T, 16, F, P>(tile);
}
template <typename T, std::size_t F, std::size_t Q>
void products_baseline(const ProductTile<T>& tile) {
  product_loop<T, 16, F, Q>(tile);
}

#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
template <typename T, std::size_t F, std::size_t P>
[[gnu::target("arch=x86-64-v3")]] void gather_v3(const GatherTile<T>& tile) {
  gather_loop<T, 32, F, P>(tile);
}
template <typename T, std::size_t F, std::size_t Q>
[[gnu::target("arch=x86-64-v3")]] void products_v3(const ProductTile<T>& tile) {
  product_loop<T, 32, F, Q>(tile);
}
template <typename T, std::size_t F, std::size_t P>
[[gnu::target("arch=x86-64-v4")]] void gather_v4(const GatherTile<T>& tile) {
  gather_loop<T, 64, F, P>(tile);
}
template <typename T, std::size_t F, std::size_t Q>
[[gnu::target("arch=x86-64-v4")]] void products_v4(const ProductTile<T>& tile) {
  product_loop<T, 64, F, Q>(tile);
}
#endif

/// A table of Make<1, 1> … Make<F, P>, row by row.
template <typename Tile, std::size_t F, std::size_t P, typename Make, std::size_t... kIndex>
constexpr std::array<void (*)(const Tile&), F * P> table(const Make& make,
                                                         std::index_sequence<kIndex...>) {
  return {make.template operator()<kIndex / P + 1, kIndex % P + 1>()...};
}
template <typename Tile, std::size_t F, std::size_t P, typename Make>
constexpr auto table(const Make& make) {
  return table<Tile, F, P>(make, std::make_index_sequence<F * P>{});
}

/// Channels of a gather beside 1, 2, 3 and 4 vectors of samples: sums in registers, and room for
/// what they read, of 32 vectors with AVX-512, else 16.
constexpr std::array<std::size_t, kMostVectors> kChannels16 = {12, 6, 4, 3};
constexpr std::array<std::size_t, kMostVectors> kChannels32 = {12, 12, 8, 6};

template <typename T>
constexpr auto kGatherBaseline =
    table<GatherTile<T>, kMostVectors, kMostChannels>([]<std::size_t P, std::size_t F> {
      return &gather_baseline<T, std::min(F, kChannels16[P - 1]), P>;
    });
template <typename T>
constexpr auto kProductsBaseline = table<ProductTile<T>, 3, 4>([]<std::size_t F, std::size_t Q> {
  return &products_baseline<T, F, Q>;
});
template <typename T>
constexpr TileLoops<T> kBaseline = {
    16 / sizeof(T), kChannels16, kGatherBaseline<T>.data(), 3, 4, kProductsBaseline<T>.data()};

#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
template <typename T>
constexpr auto kGatherV3 = table<GatherTile<T>, kMostVectors, kMostChannels>(
    []<std::size_t P, std::size_t F> { return &gather_v3<T, std::min(F, kChannels16[P - 1]), P>; });
template <typename T>
constexpr auto kProductsV3 = table<ProductTile<T>, 3, 4>([]<std::size_t F, std::size_t Q> {
  return &products_v3<T, F, Q>;
});
template <typename T>
constexpr TileLoops<T> kV3 = {32 / sizeof(T),       kChannels16, kGatherV3<T>.data(), 3, 4,
                              kProductsV3<T>.data()};
template <typename T>
constexpr auto kGatherV4 = table<GatherTile<T>, kMostVectors, kMostChannels>(
    []<std::size_t P, std::size_t F> { return &gather_v4<T, std::min(F, kChannels32[P - 1]), P>; });
template <typename T>
constexpr auto kProductsV4 = table<ProductTile<T>, 5, 5>([]<std::size_t F, std::size_t Q> {
  return &products_v4<T, F, Q>;
});
template <typename T>
constexpr TileLoops<T> kV4 = {64 / sizeof(T),       kChannels32, kGatherV4<T>.data(), 5, 5,
                              kProductsV4<T>.data()};
#endif

}  // namespace

template <typename T>
const TileLoops<T>& tile_loops() {
#if defined(EIGENSCAPE_HAS_INSTRUCTION_SETS)
  const InstructionSet set = instruction_set();
  if (set == InstructionSet::v4) return kV4<T>;
  if (set == InstructionSet::v3) return kV3<T>;
#endif
  return kBaseline<T>;
}

template const TileLoops<double>& tile_loops<double>();
template const TileLoops<float>& tile_loops<float>();

}  // namespace eigenscape::ops
