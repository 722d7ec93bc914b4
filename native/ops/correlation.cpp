#include "ops/correlation.hpp"

#include <algorithm>

#include "ops/correlation_tiles.hpp"

namespace eigenscape::ops {
namespace {

/// `count` things in as few tiles of at most `largest` as it takes, as equal as can be.
struct Tiling {
  std::size_t count;
  std::size_t tiles;
  Tiling(std::size_t of, std::size_t largest) : count(of), tiles((of + largest - 1) / largest) {}
  [[nodiscard]] std::size_t first(std::size_t tile) const { return tile * count / tiles; }
  [[nodiscard]] std::size_t size(std::size_t tile) const { return first(tile + 1) - first(tile); }
};

/// The taps that lie inside of the source for any of the places [first, last]: neighbours, since
/// their columns ascend or descend.
std::span<const Tap> taps_inside(const GatherPlan& plan, const Places& places, std::size_t first,
                                 std::size_t last) {
  const auto inside = [&](const Tap& tap) {
    return tap.source + last * places.source_step >= plan.inside_first &&
           tap.source + first * places.source_step < plan.inside_last;
  };
  const auto begin = std::find_if(places.taps.begin(), places.taps.end(), inside);
  const auto end = std::find_if_not(begin, places.taps.end(), inside);
  return {begin, end};
}

}  // namespace

template <typename T>
void pack_weights(const GatherPlan& plan, const T* w, std::size_t a_stride, std::size_t b_stride,
                  T* packed) {
  const Tiling channels(plan.outputs, tile_loops<T>().gather_channels);
  for (std::size_t tile = 0; tile < channels.tiles; ++tile) {
    const std::size_t size = channels.size(tile);
    const T* const from = w + channels.first(tile) * a_stride;
    for (std::size_t b = 0; b < plan.sources; ++b) {
      for (std::size_t tap = 0; tap < plan.taps(); ++tap) {
        for (std::size_t a = 0; a < size; ++a) *packed++ = from[a * a_stride + b * b_stride + tap];
      }
    }
  }
}

template <typename T>
void gather(const GatherPlan& plan, std::size_t n, const T* packed, const T* x, const T* start,
            bool accumulate, T* y) {
  const TileLoops<T>& loops = tile_loops<T>();
  const Tiling channels(plan.outputs, loops.gather_channels);
  for (std::size_t tile = 0; tile < channels.tiles; ++tile) {
    const std::size_t a = channels.first(tile);
    const std::size_t size = channels.size(tile);
    const T* const weights = packed + a * plan.sources * plan.taps();
    for (std::size_t o = 0; o < plan.rows.size(); ++o) {
      T* const y_row = y + (a * plan.out_plane() + o * plan.out_columns) * n;
      for (const Places& places : plan.places) {
        const Tiling row(places.count, loops.gather_places);
        for (std::size_t part = 0; part < row.tiles; ++part) {
          const std::size_t first = row.first(part);
          const std::size_t count = row.size(part);
          loops.gather[(size - 1) * loops.gather_places + count - 1](
              {plan, n, plan.rows[o], taps_inside(plan, places, first, first + count - 1), weights,
               x + first * places.source_step * n, places.source_step * n,
               start == nullptr ? nullptr : start + a, accumulate,
               y_row + (places.first + first * places.step) * n, plan.out_plane() * n,
               places.step * n});
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

template void pack_weights<double>(const GatherPlan&, const double*, std::size_t, std::size_t,
                                   double*);
template void pack_weights<float>(const GatherPlan&, const float*, std::size_t, std::size_t,
                                  float*);
template void gather<double>(const GatherPlan&, std::size_t, const double*, const double*,
                             const double*, bool, double*);
template void gather<float>(const GatherPlan&, std::size_t, const float*, const float*,
                            const float*, bool, float*);
template void add_products<double>(const ProductPlan&, std::size_t, const double*, const double*,
                                   double*);
template void add_products<float>(const ProductPlan&, std::size_t, const float*, const float*,
                                  float*);

}  // namespace eigenscape::ops
