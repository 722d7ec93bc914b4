#include "ops/correlation.hpp"

#include <algorithm>

#include "ops/correlation_tiles.hpp"
#include "ops/tiling.hpp"

namespace eigenscape::ops {
namespace {

/// What the windows of a tile read should leave the first level of cache room for the rest.
constexpr std::size_t kWindowBytes = std::size_t{20} << 10;
constexpr std::size_t kFewestTaps = 32;  // of a tile, between loading and storing its sums

/// Sources that the tiles of all channels go through together, while the first cache holds them.
std::size_t sources_together(const GatherPlan& plan, std::size_t vector_bytes) {
  const auto most = [](const std::vector<std::vector<Tap>>& all) {
    std::size_t taps = 1;
    for (const std::vector<Tap>& one : all) taps = std::max(taps, one.size());
    return taps;
  };
  const std::size_t taps = most(plan.rows) * most(plan.columns);
  const std::size_t places = std::min(taps, plan.source_plane());
  return std::max({std::size_t{1}, kWindowBytes / (places * vector_bytes), kFewestTaps / taps});
}

/// The taps of a place, into `taps`, for n samples.
void find_taps(const GatherPlan& plan, std::size_t n, std::size_t row, std::size_t column,
               std::vector<TapAt>& taps) {
  taps.clear();
  for (const Tap& down : plan.rows[row]) {
    for (const Tap& across : plan.columns[column]) {
      taps.push_back({down.index * plan.tap_columns + across.index,
                      (down.source * plan.source_columns + across.source) * n});
    }
  }
}

}  // namespace

template <typename T>
void gather(const GatherPlan& plan, std::size_t n, const T* w, const T* x, const T* start,
            bool accumulate, T* y) {
  const TileLoops<T>& loops = tile_loops<T>();
  const Tiling vectors(n / loops.lanes, kMostVectors);
  std::vector<TapAt> taps;
  for (std::size_t part = 0; part < vectors.tiles; ++part) {
    const std::size_t lane = vectors.first(part) * loops.lanes;
    const std::size_t width = vectors.size(part);
    const Tiling channels(plan.outputs, loops.gather_channels[width - 1]);
    const Tiling sources(plan.sources,
                         channels.tiles == 1
                             ? plan.sources
                             : sources_together(plan, width * loops.lanes * sizeof(T)));
    for (std::size_t block = 0; block < sources.tiles; ++block) {
      const std::size_t b = sources.first(block);
      const T* const x_block = x + b * plan.source_plane() * n + lane;
      for (std::size_t o = 0; o < plan.rows.size(); ++o) {
        for (std::size_t p = 0; p < plan.columns.size(); ++p) {
          find_taps(plan, n, o, p, taps);
          T* const y_place = y + (o * plan.columns.size() + p) * n + lane;
          for (std::size_t tile = 0; tile < channels.tiles; ++tile) {
            const std::size_t a = channels.first(tile);
            loops.gather[(width - 1) * kMostChannels + channels.size(tile) - 1](
                {plan, n, sources.size(block), taps, w + a * plan.a_stride + b * plan.b_stride,
                 x_block, start == nullptr ? nullptr : start + a, accumulate || block > 0,
                 y_place + a * plan.out_plane() * n});
          }
        }
      }
    }
  }
}

template <typename T>
void add_products(const ProductPlan& plan, std::size_t n, const T* y_bar, const T* x, T* w_bar) {
  const TileLoops<T>& loops = tile_loops<T>();
  const std::size_t depth = plan.depth.size();
  const Tiling channels(plan.outputs, loops.product_channels);
  const Tiling entries(depth, loops.product_entries);
  constexpr std::size_t kMostEntries = 8;
  std::array<std::size_t, kMostEntries> offsets{};
  for (std::size_t part = 0; part < entries.tiles; ++part) {
    const std::size_t q = entries.first(part);
    const std::size_t count = entries.size(part);
    for (std::size_t i = 0; i < count; ++i) offsets[i] = plan.depth[q + i] * n;
    for (std::size_t tile = 0; tile < channels.tiles; ++tile) {
      const std::size_t a = channels.first(tile);
      loops.products[(channels.size(tile) - 1) * loops.product_entries + count - 1](
          {plan, n, y_bar + a * plan.rows * plan.columns * n, x, offsets.data(),
           w_bar + a * depth + q});
    }
  }
}

template void gather<double>(const GatherPlan&, std::size_t, const double*, const double*,
                             const double*, bool, double*);
template void gather<float>(const GatherPlan&, std::size_t, const float*, const float*,
                            const float*, bool, float*);
template void add_products<double>(const ProductPlan&, std::size_t, const double*, const double*,
                                   double*);
template void add_products<float>(const ProductPlan&, std::size_t, const float*, const float*,
                                  float*);

}  // namespace eigenscape::ops
